/**
 * ghcr.io/gnzsnz/ib-gateway (read at b2c0259, August 2026). The image has no defaults of its own:
 * those of its README are docker-compose's. So every value that ibq knows is written.
 */

import type { Instance } from '../config/types.ts';
import type { Profile } from './profile.ts';

const SETTINGS_VOLUME = '/home/ibgateway/tws_settings';

export const gnzsnz: Profile = {
  id: 'gnzsnz',
  title: 'IB Gateway by gnzsnz',
  defaultImage: 'ghcr.io/gnzsnz/ib-gateway:stable',
  // The gateway itself listens on 4001/4002 of the container's loopback; socat relays from these.
  relayPort: { live: 4003, paper: 4004 },
  uid: 1000,
  gid: 1000,
  settingsVolume: SETTINGS_VOLUME,
  secrets: [
    {
      key: 'password',
      title: 'password of the IB user',
      fileVariable: 'TWS_PASSWORD_FILE',
      required: true,
      // The image copies it into config.ini, which IBC reads.
      problem: (value) =>
        value === value.trim() ? null : 'should not begin or end with a blank: IBC drops it',
      encode: encodeProperty,
    },
  ],
  environment: gatewayEnvironment,
  ownedVariables: {
    TRADING_MODE: 'mode',
    TWS_USERID: 'user',
    TWS_USERID_PAPER: null,
    TWS_SETTINGS_PATH: null,
    CUSTOM_CONFIG: null,
    // With a tunnel the relay that ibq publishes is gone.
    SSH_TUNNEL: null,
    READ_ONLY_API: 'read_only_api',
    TWOFA_TIMEOUT_ACTION: 'twofa_timeout_action',
    TWOFA_DEVICE: 'twofa_device',
    TWOFA_EXIT_INTERVAL: 'twofa_exit_interval',
    RELOGIN_AFTER_TWOFA_TIMEOUT: 'relogin_after_twofa_timeout',
    // Documented by older compose files; the image does not read it.
    RELOGIN_AFTER_2FA_TIMEOUT: 'relogin_after_twofa_timeout',
    AUTO_RESTART_TIME: 'auto_restart_time',
    AUTO_LOGOFF_TIME: 'auto_logoff_time',
    TWS_COLD_RESTART: 'cold_restart_time',
    EXISTING_SESSION_DETECTED_ACTION: 'existing_session_action',
    BYPASS_WARNING: 'bypass_warning',
    ALLOW_BLIND_TRADING: 'allow_blind_trading',
    TWS_ACCEPT_INCOMING: 'accept_incoming',
    TIME_ZONE: 'time_zone',
    TZ: 'time_zone',
    JAVA_HEAP_SIZE: 'java_heap',
  },
};

/** What is not set is left out: the image reads an absent variable as an empty one. */
function gatewayEnvironment({ mode, user, settings }: Instance): Record<string, string> {
  const variables: Record<string, string | null> = {
    TRADING_MODE: mode,
    TWS_USERID: user,
    // Made by the image with a plain mkdir, so one level below the mounted volume.
    TWS_SETTINGS_PATH: `${SETTINGS_VOLUME}/ibq`,
    CUSTOM_CONFIG: 'NO',
    READ_ONLY_API: yesNo(settings.read_only_api),
    TWOFA_TIMEOUT_ACTION: settings.twofa_timeout_action,
    TWOFA_DEVICE: settings.twofa_device,
    TWOFA_EXIT_INTERVAL: String(settings.twofa_exit_interval),
    RELOGIN_AFTER_TWOFA_TIMEOUT: yesNo(settings.relogin_after_twofa_timeout),
    AUTO_RESTART_TIME: settings.auto_restart_time,
    AUTO_LOGOFF_TIME: settings.auto_logoff_time,
    TWS_COLD_RESTART: settings.cold_restart_time,
    EXISTING_SESSION_DETECTED_ACTION: settings.existing_session_action,
    BYPASS_WARNING: settings.bypass_warning === null ? null : yesNo(settings.bypass_warning),
    ALLOW_BLIND_TRADING: yesNo(settings.allow_blind_trading),
    TWS_ACCEPT_INCOMING: settings.accept_incoming,
    // TIME_ZONE is the gateway's, TZ the container's.
    TIME_ZONE: settings.time_zone,
    TZ: settings.time_zone,
    JAVA_HEAP_SIZE: String(settings.java_heap),
  };
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

/** Java Properties are ISO 8859-1 with `\\` and `\\uXXXX` (java.util.Properties, load). */
function encodeProperty(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
