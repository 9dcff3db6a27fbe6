/** What ibq hands to the images of gnzsnz. */

import { describe, expect, test } from 'vitest';
import { profileOf } from '../../src/images/index.ts';
import { environment, instanceOf, readInstance, secretKeys } from './instances.ts';

/** What the image is given whatever the file says. */
const ALWAYS = {
  TRADING_MODE: 'paper',
  TWS_USERID: 'user1',
  TWS_SETTINGS_PATH: '/home/ibgateway/tws_settings/ibq',
  CUSTOM_CONFIG: 'NO',
  READ_ONLY_API: 'yes',
  TWOFA_TIMEOUT_ACTION: 'exit',
  TWOFA_EXIT_INTERVAL: '60',
  RELOGIN_AFTER_TWOFA_TIMEOUT: 'no',
  EXISTING_SESSION_DETECTED_ACTION: 'primary',
  ALLOW_BLIND_TRADING: 'no',
  TWS_ACCEPT_INCOMING: 'reject',
  TIME_ZONE: 'Etc/UTC',
  TZ: 'Etc/UTC',
  JAVA_HEAP_SIZE: '768',
};

describe('IB Gateway', () => {
  test('gets every value, whatever the image would take by itself', () => {
    expect(environment('gnzsnz')).toEqual(ALWAYS);
  });

  test('gets what is set', () => {
    const text = `mode = "live"
user = "user1"
time_zone = "America/New_York"
read_only_api = false
auto_restart_time = "11:55 PM"
auto_logoff_time = "10:00 PM"
cold_restart_time = "07:05"
twofa_timeout_action = "restart"
twofa_device = "IB Key"
twofa_exit_interval = 90
relogin_after_twofa_timeout = true
existing_session_action = "primaryoverride"
bypass_warning = false
allow_blind_trading = true
accept_incoming = "accept"
master_client_id = 7
save_settings = "Every 30 mins"
java_heap = 1024
[custom_config]
ibc = "/etc/ibq/files/config.ini"
`;
    expect(environment('gnzsnz', text)).toEqual({
      TRADING_MODE: 'live',
      TWS_USERID: 'user1',
      TWS_SETTINGS_PATH: '/home/ibgateway/tws_settings/ibq',
      CUSTOM_CONFIG: 'yes',
      READ_ONLY_API: 'no',
      TWOFA_TIMEOUT_ACTION: 'restart',
      TWOFA_DEVICE: 'IB Key',
      TWOFA_EXIT_INTERVAL: '90',
      RELOGIN_AFTER_TWOFA_TIMEOUT: 'yes',
      AUTO_RESTART_TIME: '11:55 PM',
      AUTO_LOGOFF_TIME: '10:00 PM',
      TWS_COLD_RESTART: '07:05',
      EXISTING_SESSION_DETECTED_ACTION: 'primaryoverride',
      BYPASS_WARNING: 'no',
      ALLOW_BLIND_TRADING: 'yes',
      TWS_ACCEPT_INCOMING: 'accept',
      TWS_MASTER_CLIENT_ID: '7',
      SAVE_TWS_SETTINGS: 'Every 30 mins',
      TIME_ZONE: 'America/New_York',
      TZ: 'America/New_York',
      JAVA_HEAP_SIZE: '1024',
    });
  });

  test('in mode both gets two users and two password files; the settings path is a prefix in the volume', () => {
    const text = 'mode = "both"\nuser = "user1"\npaper_user = "paper1"\n';
    expect(environment('gnzsnz', text)).toEqual({
      ...ALWAYS,
      TRADING_MODE: 'both',
      TWS_USERID_PAPER: 'paper1',
    });
    expect(secretKeys('gnzsnz', text)).toEqual(['password', 'paper_password']);
    const kinds = profileOf('gnzsnz').secrets.map(({ key, as }) => [key, as]);
    expect(kinds.slice(0, 2)).toEqual([
      ['password', { kind: 'file', variable: 'TWS_PASSWORD_FILE' }],
      ['paper_password', { kind: 'file', variable: 'TWS_PASSWORD_PAPER_FILE' }],
    ]);
  });

  test('in mode both with secret users gets both as secrets', () => {
    const text = 'mode = "both"\nuser_secret = true\n';
    expect(secretKeys('gnzsnz', text)).toEqual([
      'password',
      'paper_password',
      'user',
      'paper_user',
    ]);
  });

  test('without its paper user mode both is warned about, and an own config.ini refused', () => {
    const text =
      'mode = "both"\nuser = "user1"\n[custom_config]\nibc = "/etc/ibq/files/config.ini"\n';
    const { problems, warnings } = readInstance('gnzsnz', text);
    expect(problems).toEqual([
      '4001.toml: custom_config.ibc: should be left out in mode "both": live and paper need a file each, and the image has one place; make two instances',
    ]);
    expect(warnings).toContainEqual(
      '4001.toml: paper_user: not set: the paper gateway will stop at its login window',
    );
  });

  test('with VNC gets its password as a file', () => {
    const text = 'user = "user1"\n[vnc]\nenabled = true\n';
    expect(secretKeys('gnzsnz', text)).toEqual(['password', 'vnc_password']);
    expect(environment('gnzsnz', text)).toEqual(ALWAYS);
  });
});

describe('TWS', () => {
  test('has its own settings path, and the user that it runs as', () => {
    expect(environment('gnzsnz-tws')).toEqual({
      ...ALWAYS,
      TWS_SETTINGS_PATH: '/config/tws_settings',
      PUID: '1000',
      PGID: '1000',
    });
    const chosen = 'user = "user1"\nuid = 1500\ngid = 1600\n';
    expect(environment('gnzsnz-tws', chosen)).toMatchObject({ PUID: '1500', PGID: '1600' });
    const { settings } = instanceOf('gnzsnz-tws', chosen);
    expect(profileOf('gnzsnz-tws').user(settings)).toEqual({ uid: 1500, gid: 1600 });
  });

  test('has the ports of TWS and RDP', () => {
    expect(profileOf('gnzsnz-tws').ports(instanceOf('gnzsnz-tws'))).toEqual({
      api: { live: 7498, paper: 7499 },
      gateway: { live: 7496, paper: 7497 },
      vnc: null,
      rdp: 3389,
      supervisor: null,
    });
  });

  test('with RDP wants its password', () => {
    const text = 'user = "user1"\n[rdp]\nenabled = true\n';
    expect(secretKeys('gnzsnz-tws', text)).toEqual(['password', 'rdp_password']);
    expect(secretKeys('gnzsnz-tws')).toEqual(['password']);
  });
});
