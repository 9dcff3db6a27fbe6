/** What ibq hands to the image with a controller in the place of IBC. */

import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { profileOf } from '../../src/images/index.ts';
import { environmentFor } from '../../src/images/profile.ts';
import { readSecretValue } from '../../src/images/secret-value.ts';
import { environment, instanceOf, readInstance, secretKeys, secretOf } from './instances.ts';

const profile = profileOf('ibg-controller');

/** What the image is given whatever the file says. */
const ALWAYS = {
  USE_IBG_CONTROLLER: 'yes',
  TRADING_MODE: 'paper',
  TWS_USERID: 'user1',
  TWS_SETTINGS_PATH: '/home/ibgateway/tws_settings/ibq',
  READ_ONLY_API: 'yes',
  EXISTING_SESSION_DETECTED_ACTION: 'primary',
  TWOFA_EXIT_INTERVAL: '180',
  TWOFA_TIMEOUT_ACTION: 'exit',
  RELOGIN_AFTER_TWOFA_TIMEOUT: 'no',
  PASSKEY_AUTHENTICATE: 'no',
  CONTROLLER_COMMAND_SERVER_PORT: '7462',
  CONTROLLER_COMMAND_SERVER_HOST: '127.0.0.1',
  CONTROLLER_HEALTH_SERVER_PORT: '8080',
  CONTROLLER_HEALTH_SERVER_HOST: '127.0.0.1',
  TIME_ZONE: 'Etc/UTC',
  TZ: 'Etc/UTC',
  LC_ALL: 'C.UTF-8',
  JAVA_HEAP_SIZE: '768',
};

test('gets every value, whatever the image would take by itself', () => {
  expect(environment('ibg-controller')).toEqual(ALWAYS);
});

test('gets what is set', () => {
  const text = `mode = "live"
user = "user1"
time_zone = "America/New_York"
read_only_api = false
auto_restart_time = "11:55 PM"
twofa_timeout_action = "restart"
twofa_device = "Mobile Authenticator app"
twofa_wait = 300
relogin_after_twofa_timeout = true
passkey_authenticate = true
existing_session_action = "secondary"
master_client_id = 7
tws_server = "cdc1.ibllc.com"
java_heap = 1024
`;
  expect(environment('ibg-controller', text)).toEqual({
    ...ALWAYS,
    TRADING_MODE: 'live',
    TWS_SERVER: 'cdc1.ibllc.com',
    READ_ONLY_API: 'no',
    TWS_MASTER_CLIENT_ID: '7',
    AUTO_RESTART_TIME: '11:55 PM',
    EXISTING_SESSION_DETECTED_ACTION: 'secondary',
    TWOFA_DEVICE: 'Mobile Authenticator app',
    TWOFA_EXIT_INTERVAL: '300',
    TWOFA_TIMEOUT_ACTION: 'restart',
    RELOGIN_AFTER_TWOFA_TIMEOUT: 'yes',
    PASSKEY_AUTHENTICATE: 'yes',
    TIME_ZONE: 'America/New_York',
    TZ: 'America/New_York',
    JAVA_HEAP_SIZE: '1024',
  });
});

test('in mode both has a user, a password and a server for each', () => {
  const text =
    'mode = "both"\nuser = "user1"\npaper_user = "paper1"\ntws_server = "cdc1.ibllc.com"\npaper_tws_server = "ndc1.ibllc.com"\n';
  expect(environment('ibg-controller', text)).toMatchObject({
    TRADING_MODE: 'both',
    TWS_USERID: 'user1',
    TWS_USERID_PAPER: 'paper1',
    TWS_SERVER: 'cdc1.ibllc.com',
    TWS_SERVER_PAPER: 'ndc1.ibllc.com',
  });
  expect(secretKeys('ibg-controller', text)).toEqual(['password', 'paper_password']);
});

test('on the network of the host, neither its commands nor its health is for anybody', () => {
  const given = environmentFor(profile, instanceOf('ibg-controller'), {
    mode: 'host',
    beyondLoopback: false,
  });
  expect(given.CONTROLLER_COMMAND_SERVER_PORT).toBeUndefined();
  expect(given.CONTROLLER_HEALTH_SERVER_PORT).toBe('');
});

test('takes STOP for a logout where its command server listens', () => {
  expect(profile.logoutPorts?.('live', 'bridge')).toEqual([7462]);
  expect(profile.logoutPorts?.('both', 'dual')).toEqual([7462, 7463]);
  expect(profile.logoutPorts?.('live', 'host')).toEqual([]);
  // A soft restart by it would be a login.
  expect(profile.files?.commandServer('live')).toBeNull();
});

describe('secrets', () => {
  test('the seed of one-time codes is wanted where it is said to be there', () => {
    expect(secretKeys('ibg-controller')).toEqual(['password']);
    expect(secretKeys('ibg-controller', 'user = "user1"\ntwofa_totp = true\n')).toEqual([
      'password',
      'totp',
    ]);
    expect(secretOf(profile, 'totp').as).toEqual({ kind: 'file', variable: 'TWOFACTOR_CODE_FILE' });
  });

  test.each(['a\\b', ' both ends ', '$HOME "\'#!', 'pä$$é'])(
    'the password %j stays as it is',
    (text) => {
      const read = readSecretValue(secretOf(profile, 'password'), text);
      expect(read).toEqual({ ok: true, text });
    },
  );

  test('a code is not taken for a seed', () => {
    expect(readSecretValue(secretOf(profile, 'totp'), '123456')).toEqual({
      ok: false,
      problem: 'should be the seed that the app was set up with, not one of its codes',
    });
  });
});

describe('what the controller does not read is refused, with the reason', () => {
  test.each([
    [
      '[ibc]\nMinimizeMainWindow = "yes"',
      "ibc: has no effect on images of profile ibg-controller: the controller reads no line of IBC's config.ini; leave it out",
    ],
    [
      '[custom_config]\nibc = "/etc/ibq/files/config.ini"',
      "custom_config.ibc: has no effect on images of profile ibg-controller: the controller reads no config.ini of IBC's; leave it out",
    ],
    [
      'twofa_exit_interval = 60',
      'twofa_exit_interval: has no effect on images of profile ibg-controller: how long a login waits',
    ],
    [
      'bypass_warning = true',
      'bypass_warning: has no effect on images of profile ibg-controller: BYPASS_WARNING is a list',
    ],
    ['cold_restart_time = "07:05"', 'cold_restart_time: has no effect'],
    ['save_settings = "Every 30 mins"', 'save_settings: has no effect'],
    ['accept_incoming = "reject"', 'accept_incoming: has no effect'],
    ['allow_blind_trading = true', 'allow_blind_trading: has no effect'],
    [
      'tws_server = "cdc1.ibllc.com"\n[jts.Logon]\nuseRemoteSettings = "false"',
      'jts: has no effect beside tws_server: the controller writes jts.ini anew at each start',
    ],
    [
      'tws_server = "cdc1.ibllc.com"\n[custom_config]\njts = "/etc/ibq/files/jts.ini"',
      'custom_config.jts: has no effect beside tws_server',
    ],
    [
      'paper_tws_server = "ndc1.ibllc.com"',
      'paper_tws_server: has no effect in mode "paper"; use the key "tws_server"',
    ],
    [
      'tws_server = "cdc1.ibllc.com\\n[Logon]"',
      'tws_server: should be the name of a server such as cdc1.ibllc.com',
    ],
    [
      'environment = { CUSTOM_CONFIG = "yes" }',
      "environment.CUSTOM_CONFIG: the controller reads no config.ini of IBC's",
    ],
    [
      'environment = { TWOFACTOR_CODE = "JBSWY3DPEHPK3PXP" }',
      'environment.TWOFACTOR_CODE: should not stand in a file; run "sudo ibq secret set 4001 totp"',
    ],
    [
      'environment = { CONTROLLER_COMMAND_SERVER_HOST = "0.0.0.0" }',
      'environment.CONTROLLER_COMMAND_SERVER_HOST: is set by ibq',
    ],
    [
      'environment = { CONTROLLER_COMMAND_SERVER_AUTH_TOKEN = "x" }',
      'environment.CONTROLLER_COMMAND_SERVER_AUTH_TOKEN: is a secret',
    ],
    [
      'environment = { TWS_ACCEPT_INCOMING = "accept" }',
      'environment.TWS_ACCEPT_INCOMING: the controller does not read it',
    ],
  ])('%s', (text, expected) => {
    const { problems } = readInstance('ibg-controller', `user = "user1"\n${text}`);
    expect(problems).toEqual([expect.stringContaining(`4001.toml: ${expected}`)]);
  });

  test('lines of jts.ini are taken where nothing writes over them', () => {
    const text = 'user = "user1"\n[jts.Logon]\nuseRemoteSettings = "false"\n';
    expect(readInstance('ibg-controller', text).problems).toEqual([]);
  });

  test('its own keys have no effect on other images', () => {
    for (const key of [
      'twofa_totp = true',
      'twofa_wait = 60',
      'passkey_authenticate = true',
      'tws_server = "a"',
    ]) {
      const { problems } = readInstance('gnzsnz', `user = "user1"\n${key}`);
      expect(problems).toEqual([
        expect.stringContaining('has no effect on images of profile gnzsnz'),
      ]);
    }
  });
});

describe('what it can do by half is told', () => {
  test.each([
    ['auto_restart_time = "11:55 AM"', 'auto_restart_time: should be after noon'],
    ['auto_logoff_time = "01:00 AM"', 'auto_logoff_time: should be after noon'],
    [
      'mode = "both"\npaper_user = "p"\ntwofa_totp = true',
      'twofa_totp: the image has one seed for both gateways',
    ],
  ])('%s', (text, expected) => {
    const { problems, warnings } = readInstance('ibg-controller', `user = "user1"\n${text}`);
    expect(problems).toEqual([]);
    expect(warnings).toContainEqual(expect.stringContaining(`4001.toml: ${expected}`));
  });
});

test('what [defaults] say of IBC is left out', () => {
  const { config } = loadConfig({
    main: {
      path: 'ibq.toml',
      text: `[image]
profile = "ibg-controller"
[defaults]
twofa_exit_interval = 90
[defaults.ibc]
IbPassword = "x"
[defaults.custom_config]
ibc = "/etc/ibq/files/config.ini"
`,
    },
    pin: null,
    instances: [{ path: '4001.toml', text: 'user = "user1"\n' }],
  });
  expect(config.instances).toMatchObject([
    { settings: { ibc: {}, custom_config: { jts: null, ibc: null } } },
  ]);
});
