/** What each profile hands to its image. */

import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { KEYS } from '../../src/config/schema.ts';
import type { Instance } from '../../src/config/types.ts';
import { keyOfVariable, PROFILE_IDS, profileOf } from '../../src/images/index.ts';
import { environmentFor } from '../../src/images/profile.ts';

function instance(text: string): Instance {
  const source = { path: '/etc/ibq/instances/4001.toml', text };
  const [loaded] = loadConfig({ main: null, pin: null, instances: [source] }).config.instances;
  if (!loaded) throw new Error('no instance');
  return loaded;
}

const profiles = PROFILE_IDS.map(profileOf);

test('gnzsnz gets every value, whatever the image would take by itself', () => {
  expect(environmentFor(profileOf('gnzsnz'), instance(''), 'bridge')).toEqual({
    TRADING_MODE: 'paper',
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
  });
});

test('gnzsnz gets what is set', () => {
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
java_heap = 1024`;
  expect(environmentFor(profileOf('gnzsnz'), instance(text), 'bridge')).toEqual({
    TRADING_MODE: 'live',
    TWS_USERID: 'user1',
    TWS_SETTINGS_PATH: '/home/ibgateway/tws_settings/ibq',
    CUSTOM_CONFIG: 'NO',
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
    TIME_ZONE: 'America/New_York',
    TZ: 'America/New_York',
    JAVA_HEAP_SIZE: '1024',
  });
});

test('the simulator has the contract of the real image', () => {
  const { id, title, defaultImage, ...contract } = profileOf('simulator');
  expect(profileOf('gnzsnz')).toMatchObject(contract);
  expect([id, defaultImage]).toEqual(['simulator', 'localhost/ibq-simulator:latest']);
});

test.each(profiles)('$id names keys that exist', ({ variables, refused }) => {
  const keys = [
    ...variables.flatMap((row) => row.keys),
    ...refused.flatMap(({ key }) => key ?? []),
  ];
  expect(keys.filter((key) => !KEYS.has(key))).toEqual([]);
});

test.each(profiles)('$id has one row for each variable', ({ variables, refused }) => {
  const names = [...variables, ...refused].map(({ name }) => name);
  expect([...new Set(names)]).toEqual(names);
});

test.each(profiles)(
  '$id keeps its settings below its volume, which hides no program',
  (profile) => {
    const volume = profile.settingsVolume(instance(''));
    const { TWS_SETTINGS_PATH: path } = environmentFor(profile, instance(''), 'bridge');
    expect(path?.startsWith(`${volume}/`)).toBe(true);
    expect(volume).not.toMatch(/\/Jts$/);
  },
);

test('a password is written as Java Properties are read', () => {
  const [password] = profileOf('gnzsnz').secrets;
  expect(password?.encode('a\\b\\\\c$')).toBe('a\\\\b\\\\\\\\c$');
});

test('a variable of an image leads to its key', () => {
  expect(keyOfVariable('TWS_USERID')).toBe('user');
  expect(keyOfVariable('CUSTOM_CONFIG')).toBeNull();
  expect(keyOfVariable('constructor')).toBeNull();
});
