/** Rows of the tables that several images share. */

import type { Instance } from '../config/types.ts';
import type { ImageVariable } from './profile.ts';

/** A variable that is one key and nothing else. */
export function row(name: string, key: string, unset: string, remark?: string): ImageVariable {
  return {
    name,
    keys: [key],
    unset,
    value: (instance) => settingText(instance, key),
    ...(remark === undefined ? {} : { remark }),
  };
}

/**
 * The value of a key as the images' scripts and IBC read it: `yes` and `no`, numbers in digits, lists with
 * commas. Null: not set.
 */
function settingText(instance: Instance, key: string): string | null {
  const value = settingValue(instance, key);
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? null : value.join(',');
  return String(value);
}

function settingValue(instance: Instance, id: string): unknown {
  if (id === 'mode') return instance.mode;
  if (id === 'user') return instance.user;
  if (id === 'paper_user') return instance.paperUser;
  const [table = '', key] = id.split('.');
  const settings: object = instance.settings;
  const value = (settings as Readonly<Record<string, unknown>>)[table];
  return key === undefined ? value : (value as Readonly<Record<string, unknown>>)[key];
}

/** What images that render IBC's config.ini from their environment name differently. */
interface IbcNames {
  device: string;
  coldRestart: string;
  acceptIncoming: string;
  masterClientId: string;
}

/** What happens without them, where images differ. */
interface IbcUnset {
  readOnlyApi: string;
  bypassWarning: string;
  saveSettings: string;
}

/** IBC's settings. Every value that has a default here is written, whatever the image would take by itself. */
export function ibcRows(names: IbcNames, unset: IbcUnset): ImageVariable[] {
  return [
    row('READ_ONLY_API', 'read_only_api', unset.readOnlyApi),
    row(
      'TWOFA_TIMEOUT_ACTION',
      'twofa_timeout_action',
      'exit',
      'read where `relogin_after_twofa_timeout` makes IBC end (87)',
    ),
    row(names.device, 'twofa_device', 'with several devices the dialog waits for somebody'),
    row(
      'TWOFA_EXIT_INTERVAL',
      'twofa_exit_interval',
      '60',
      'read with `relogin_after_twofa_timeout` alone; it begins when the request was answered',
    ),
    row(
      'RELOGIN_AFTER_TWOFA_TIMEOUT',
      'relogin_after_twofa_timeout',
      'no',
      'older documents call it RELOGIN_AFTER_2FA_TIMEOUT, which no image reads',
    ),
    row('AUTO_RESTART_TIME', 'auto_restart_time', "the gateway's own"),
    row('AUTO_LOGOFF_TIME', 'auto_logoff_time', "the gateway's own"),
    row(names.coldRestart, 'cold_restart_time', 'none'),
    row(
      'EXISTING_SESSION_DETECTED_ACTION',
      'existing_session_action',
      'manual: the dialog waits for somebody',
    ),
    row('BYPASS_WARNING', 'bypass_warning', unset.bypassWarning),
    row('SAVE_TWS_SETTINGS', 'save_settings', unset.saveSettings),
    row('ALLOW_BLIND_TRADING', 'allow_blind_trading', 'no'),
    row(names.acceptIncoming, 'accept_incoming', 'manual: the dialog waits for somebody'),
    row(names.masterClientId, 'master_client_id', 'none'),
  ];
}
