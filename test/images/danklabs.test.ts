/** What ibq hands to the images of DankLab: those of 2025, by their documents, and today's. */

import { describe, expect, test } from 'vitest';
import { profileOf } from '../../src/images/index.ts';
import { environmentFor } from '../../src/images/profile.ts';
import { environment, instanceOf, readInstance, secretKeys } from './instances.ts';

/** IBC's settings, the same in all of them. */
const IBC = {
  READ_ONLY_API: 'yes',
  TWOFA_TIMEOUT_ACTION: 'exit',
  TWOFA_EXIT_INTERVAL: '60',
  RELOGIN_AFTER_TWOFA_TIMEOUT: 'no',
  EXISTING_SESSION_DETECTED_ACTION: 'primary',
  ALLOW_BLIND_TRADING: 'no',
  ACCEPT_INCOMING_CONNECTION_ACTION: 'reject',
};

const ALL = `mode = "live"
user = "user1"
time_zone = "America/New_York"
auto_restart_time = "11:55 PM"
auto_logoff_time = "10:00 PM"
cold_restart_time = "07:05"
twofa_device = "IB Key"
bypass_warning = true
master_client_id = 7
save_settings = "Every 30 mins"
java_heap = 1024
java_options = "-XX:+UseG1GC -XX:+UseStringDeduplication"
`;
const SET = {
  TRADING_MODE: 'live',
  IB_USER: 'user1',
  AUTO_RESTART_TIME: '11:55 PM',
  AUTO_LOGOFF_TIME: '10:00 PM',
  COLD_RESTART_TIME: '07:05',
  SECOND_FACTOR_DEVICE: 'IB Key',
  BYPASS_WARNING: 'yes',
  OVERRIDE_TWS_MASTER_CLIENT_ID: '7',
  SAVE_TWS_SETTINGS: 'Every 30 mins',
};

describe('the gateway of 2025', () => {
  test('gets a relay with ports, no supervisor page, and every value', () => {
    expect(environment('danklabs')).toEqual({
      ...IBC,
      TRADING_MODE: 'paper',
      IB_USER: 'user1',
      TZ: 'Etc/UTC',
      JAVA_OPTS: '-Xmx768m',
      ENABLE_SOCAT: 'yes',
      API_PORT: '4002',
      SOCAT_PORT: '4004',
      SUPERVISORD_UI_PORT: '',
    });
  });

  test('gets what is set', () => {
    const text = `${ALL}uid = 1500
gid = 1600
[vnc]
enabled = true
screen = "800x600x16"
display = ":7"
[supervisor]
enabled = true
user = "trader"
`;
    expect(environment('danklabs', text)).toEqual({
      ...IBC,
      ...SET,
      TZ: 'America/New_York',
      PUID: '1500',
      PGID: '1600',
      VNC_SCREEN_DIMENSION: '800x600x16',
      DISPLAY: ':7',
      JAVA_OPTS: '-Xmx1024m -XX:+UseG1GC -XX:+UseStringDeduplication',
      ENABLE_SOCAT: 'yes',
      API_PORT: '4001',
      SOCAT_PORT: '4003',
      SUPERVISORD_UI_PORT: '9001',
      SUPERVISORD_UI_USER: 'trader',
    });
    expect(secretKeys('danklabs', text)).toEqual([
      'password',
      'vnc_password',
      'supervisor_password',
    ]);
  });

  test.each([
    ['host', false, 'no'],
    ['host', true, 'yes'],
    ['bridge', false, 'yes'],
    ['lan', true, 'yes'],
  ] as const)(
    'in mode %s, published beyond loopback %s: relay %s',
    (mode, beyondLoopback, relay) => {
      const reach = { mode, beyondLoopback };
      const values = environmentFor(profileOf('danklabs'), instanceOf('danklabs'), reach);
      expect(values.ENABLE_SOCAT).toBe(relay);
    },
  );

  test('takes its secrets from the environment, for it reads no files', () => {
    const kinds = profileOf('danklabs').secrets.map(({ key, as }) => `${key} ${as.kind}`);
    expect(kinds).toEqual([
      'password environment',
      'user environment',
      'vnc_password environment',
      'supervisor_password environment',
      'ssh_key mount',
      'ssh_passphrase file',
      'ssh_known_hosts mount',
    ]);
  });

  test.each([
    [null, 1],
    ['docker.io/danklabs/ib-gateway:10.37', 1],
    [`docker.io/danklabs/ib-gateway@sha256:${'a'.repeat(64)}`, 0],
    ['localhost/ibq-simulator', 0],
  ])('a tag that moves is warned about: %s', (reference, count) => {
    const { warnings } = readInstance('danklabs', 'user = "user1"\n', reference);
    expect(warnings.filter((text) => text.includes('image.reference'))).toHaveLength(count);
  });
});

test('TWS of 2025 has its own ports', () => {
  expect(environment('danklabs-tws', 'mode = "live"\nuser = "user1"\n')).toMatchObject({
    API_PORT: '7496',
    SOCAT_PORT: '7498',
  });
  expect(profileOf('danklabs-tws').ports(instanceOf('danklabs-tws'))).toMatchObject({
    api: { live: 7498, paper: 7499 },
    vnc: 5900,
  });
});

describe("today's gateway", () => {
  test('has its own port and display by rule', () => {
    expect(environment('danklabs-host')).toEqual({
      ...IBC,
      TRADING_MODE: 'paper',
      IB_USER: 'user1',
      OVERRIDE_TWS_API_PORT: '4001',
      DISPLAY: ':4001',
      TWS_SETTINGS_PATH: '/home/ibuser/tws_settings',
      TIME_ZONE: 'Etc/UTC',
      JAVA_HEAP_SIZE: '768m',
      BIND_ADDRESS: '127.0.0.1',
    });
  });

  test('gets what is set', () => {
    const text = `${ALL}port = 4101
trusted_clients = ["10.0.0.7", "10.0.0.8"]
[vnc]
enabled = true
port = 5950
screen = "800x600x16"
display = ":7"
[ibc]
CommandServerPort = 7462
ControlFrom = "10.0.0.7"
BindAddress = "10.0.0.5"
`;
    expect(environment('danklabs-host', text)).toEqual({
      ...IBC,
      ...SET,
      OVERRIDE_TWS_API_PORT: '4101',
      VNC_PORT: '5950',
      VNC_SCREEN_DIMENSION: '800x600x16',
      DISPLAY: ':7',
      TWS_SETTINGS_PATH: '/home/ibuser/tws_settings',
      TIME_ZONE: 'America/New_York',
      JAVA_HEAP_SIZE: '1024m',
      CUSTOM_JVM_OPTS: '-XX:+UseG1GC -XX:+UseStringDeduplication',
      TRUSTED_TWS_API_CLIENT_IPS: '10.0.0.7,10.0.0.8',
      COMMAND_SERVER_PORT: '7462',
      CONTROL_FROM: '10.0.0.7',
      BIND_ADDRESS: '10.0.0.5',
    });
    expect(secretKeys('danklabs-host', text)).toEqual(['password', 'vnc_password']);
  });

  test('ends without a user, so one is wanted', () => {
    expect(readInstance('danklabs-host').problems).toEqual([
      '4001.toml: user: should be set: without a user the container ends',
    ]);
    expect(readInstance('danklabs-host', 'user_secret = true\n').problems).toEqual([]);
  });

  test('holds no tunnel', () => {
    const text = 'user = "user1"\n[ssh]\nmode = "yes"\nvia = "image"\ntargets = ["a@b"]\n';
    expect(readInstance('danklabs-host', text).problems).toEqual([
      '4001.toml: ssh.via: should be "host": images of profile danklabs-host hold no tunnel',
    ]);
  });
});
