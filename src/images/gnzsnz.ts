/**
 * ghcr.io/gnzsnz/ib-gateway (read at b2c0259, August 2026). The image has no defaults of its own:
 * those of its README are docker-compose's. So every value that ibq knows is written.
 */

import type { Instance } from '../config/types.ts';
import { edgeBlankProblem, encodeProperty, yesNo } from './ibc.ts';
import type { ImageVariable, Profile, ProfileSecret } from './profile.ts';

const SETTINGS_VOLUME = '/home/ibgateway/tws_settings';

export const gnzsnz: Profile = {
  id: 'gnzsnz',
  title: 'IB Gateway by gnzsnz',
  defaultImage: 'ghcr.io/gnzsnz/ib-gateway:stable',
  program: 'gateway',
  modes: ['live', 'paper'],
  networks: ['dual', 'bridge', 'lan', 'host'],
  // Ports 4001-4004, 5900 and display :1 can't be set.
  hostNetwork: 'alone',
  // socat relays to the gateway, which listens on the container's loopback.
  ports: () => ({
    api: { live: 4003, paper: 4004 },
    gateway: { live: 4001, paper: 4002 },
    vnc: 5900,
    rdp: null,
    supervisor: null,
  }),
  user: () => ({ uid: 1000, gid: 1000 }),
  settingsVolume: () => SETTINGS_VOLUME,
  files: {
    jts: '/home/ibgateway/Jts/jts.ini',
    jtsTemplate: '/home/ibgateway/Jts/jts.ini.tmpl',
    ibc: '/home/ibgateway/ibc/config.ini',
    ibcTemplate: '/home/ibgateway/ibc/config.ini.tmpl',
    ssh: '/home/ibgateway/.ssh',
  },
  container: { shm: null, seccompUnconfined: false, capabilities: [], readOnly: false },
  secrets: gnzsnzSecrets(),
  variables: gnzsnzVariables(),
  refused: [
    {
      name: 'RELOGIN_AFTER_2FA_TIMEOUT',
      key: 'relogin_after_twofa_timeout',
      reason: 'documented, but the image does not read it',
    },
    // With a tunnel the relay that ibq publishes is gone.
    { name: 'SSH_TUNNEL', key: null, reason: 'is set by ibq' },
  ],
};

function gnzsnzSecrets(): ProfileSecret[] {
  return [
    {
      key: 'password',
      title: 'password of the IB user',
      as: { kind: 'file', variable: 'TWS_PASSWORD_FILE' },
      wanted: () => 'required',
      // The image copies it into config.ini, which IBC reads.
      problem: edgeBlankProblem,
      encode: encodeProperty,
    },
  ];
}

function gnzsnzVariables(): ImageVariable[] {
  /** A row of one key. */
  const row = (
    name: string,
    key: string,
    unset: string,
    value: (settings: Instance['settings']) => string | null,
    remark?: string,
  ): ImageVariable => ({
    name,
    keys: [key],
    unset,
    value: ({ settings }) => value(settings),
    ...(remark === undefined ? {} : { remark }),
  });
  return [
    { name: 'TRADING_MODE', keys: ['mode'], unset: 'exits', value: ({ mode }) => mode },
    {
      name: 'TWS_USERID',
      keys: ['user'],
      unset: 'stops at its login window',
      value: ({ user }) => user,
    },
    {
      name: 'TWS_SETTINGS_PATH',
      keys: [],
      unset: 'settings are lost with the container',
      // Made by the image with a plain mkdir, so one level below the mounted volume.
      value: () => `${SETTINGS_VOLUME}/ibq`,
    },
    { name: 'CUSTOM_CONFIG', keys: [], unset: 'NO', value: () => 'NO' },
    row('READ_ONLY_API', 'read_only_api', 'read-only', (it) => yesNo(it.read_only_api)),
    row('TWOFA_TIMEOUT_ACTION', 'twofa_timeout_action', 'exit', (it) => it.twofa_timeout_action),
    row('TWOFA_DEVICE', 'twofa_device', 'the only device', (it) => it.twofa_device),
    row('TWOFA_EXIT_INTERVAL', 'twofa_exit_interval', '60', (it) => String(it.twofa_exit_interval)),
    row(
      'RELOGIN_AFTER_TWOFA_TIMEOUT',
      'relogin_after_twofa_timeout',
      'no',
      (it) => yesNo(it.relogin_after_twofa_timeout),
      'older documents call it RELOGIN_AFTER_2FA_TIMEOUT, which the image does not read',
    ),
    row('AUTO_RESTART_TIME', 'auto_restart_time', 'not set', (it) => it.auto_restart_time),
    row('AUTO_LOGOFF_TIME', 'auto_logoff_time', 'not set', (it) => it.auto_logoff_time),
    row('TWS_COLD_RESTART', 'cold_restart_time', 'not set', (it) => it.cold_restart_time),
    row(
      'EXISTING_SESSION_DETECTED_ACTION',
      'existing_session_action',
      'manual, which blocks',
      (it) => it.existing_session_action,
    ),
    row('BYPASS_WARNING', 'bypass_warning', 'not set', (it) =>
      it.bypass_warning === null ? null : yesNo(it.bypass_warning),
    ),
    row('ALLOW_BLIND_TRADING', 'allow_blind_trading', 'no', (it) => yesNo(it.allow_blind_trading)),
    row('TWS_ACCEPT_INCOMING', 'accept_incoming', 'manual', (it) => it.accept_incoming),
    // TIME_ZONE is the gateway's, TZ the container's.
    row('TIME_ZONE', 'time_zone', 'Etc/UTC', (it) => it.time_zone),
    row('TZ', 'time_zone', 'Etc/UTC', (it) => it.time_zone),
    row('JAVA_HEAP_SIZE', 'java_heap', '768', (it) => String(it.java_heap)),
  ];
}
