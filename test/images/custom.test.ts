/** An image that ibq does not know. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { KEYS } from '../../src/config/schema.ts';
import { CUSTOM_KEYS, CUSTOM_SECRETS } from '../../src/images/custom.ts';
import { profileFor } from '../../src/images/index.ts';
import { environment, instanceOf, readInstance, secretKeys, secretOf } from './instances.ts';

/** ghcr.io/extrange/ibkr, for example. */
const EXTRANGE = `mode = "live"
user = "user1"
read_only_api = false
java_heap = 1024
trusted_clients = ["10.0.0.7", "10.0.0.8"]
uid = 1000
environment = { GATEWAY_OR_TWS = "gateway" }
[vnc]
enabled = true
[custom]
live_port = 8888
paper_port = 8888
vnc_port = 5900
settings_path = "/settings"
password_as = "file"
[custom.variables]
mode = "IBC_TradingMode"
user = "USERNAME"
password = "PASSWORD_FILE"
vnc_password = "VNC_FILE"
read_only_api = "IBC_ReadOnlyApi"
java_heap = "HEAP"
trusted_clients = "IBC_TrustedTwsApiClientIPs"
twofa_device = "IBC_SecondFactorDevice"
`;

test('gets its variables by its own names', () => {
  expect(environment('custom', EXTRANGE)).toEqual({
    IBC_TradingMode: 'live',
    USERNAME: 'user1',
    IBC_ReadOnlyApi: 'no',
    HEAP: '1024',
    IBC_TrustedTwsApiClientIPs: '10.0.0.7,10.0.0.8',
  });
});

test('has the ports, the volume and the user that are said', () => {
  const instance = instanceOf('custom', EXTRANGE);
  const profile = profileFor(instance);
  expect(profile.ports(instance)).toMatchObject({
    api: { live: 8888, paper: 8888 },
    gateway: { live: 8888, paper: 8888 },
    vnc: 5900,
  });
  expect(profile.settingsVolume(instance)).toBe('/settings');
  expect(profile.user(instance.settings)).toEqual({ uid: 1000, gid: 1000 });
  expect(profile.user({ uid: null, gid: null })).toBeNull();
});

describe('its secrets', () => {
  test('are those it has variables for, as files or values, unchanged', () => {
    expect(secretKeys('custom', EXTRANGE)).toEqual(['password', 'vnc_password']);
    const profile = profileFor(instanceOf('custom', EXTRANGE));
    const { as, encode } = secretOf(profile, 'password');
    expect(as).toEqual({ kind: 'file', variable: 'PASSWORD_FILE' });
    expect(encode('a\\b')).toBe('a\\b');
    const value = EXTRANGE.replace('"file"', '"environment"');
    expect(secretOf(profileFor(instanceOf('custom', value)), 'password').as).toEqual({
      kind: 'environment',
      variable: 'PASSWORD_FILE',
    });
  });

  test('with user_secret the user is among them', () => {
    const text = EXTRANGE.replace('user = "user1"', 'user_secret = true');
    expect(secretKeys('custom', text)).toEqual(['password', 'vnc_password', 'user']);
    expect(environment('custom', text)).not.toHaveProperty('USERNAME');
  });

  test('that of the paper gateway belongs to mode both', () => {
    const more = '[custom.variables]\npaper_user = "P"\npaper_password = "Q"\n';
    const text = EXTRANGE.replace('[custom.variables]\n', more);
    expect(secretKeys('custom', text)).toEqual(['password', 'vnc_password']);
    const both = text.replace('"live"', '"both"\npaper_user = "paper1"');
    expect(secretKeys('custom', both)).toEqual(['password', 'paper_password', 'vnc_password']);
    expect(environment('custom', both)).toMatchObject({ P: 'paper1' });
  });
});

test('every key that can become a variable is one of an instance', () => {
  expect(CUSTOM_KEYS.filter((key) => !KEYS.has(key))).toEqual([]);
  expect(CUSTOM_SECRETS.filter((key) => KEYS.has(key))).toEqual([]);
});

test.each([
  ['usr = "X"', 'custom.variables.usr: unknown key; did you mean "user"?'],
  [
    'memory_of_an_elephant = "X"',
    'custom.variables.memory_of_an_elephant: should be a key of an instance',
  ],
  [
    'user = "IB USER"',
    'custom.variables.user: should be the name of a variable (letters, digits and "_"), got "IB USER"',
  ],
  ['user = "X"\nmode = "X"', 'custom.variables.mode: should be its own, X is that of user too'],
  [
    'vnc_password = "X"',
    'custom.variables.vnc_password: has no effect without custom.vnc_port; leave it out',
  ],
])('problem: %s', (lines, expected) => {
  const { problems } = readInstance('custom', `user = "user1"\n[custom.variables]\n${lines}\n`);
  expect(problems).toEqual([expect.stringContaining(`4001.toml: ${expected}`)]);
});

test('a variable that is named is refused in the environment', () => {
  const text = `environment = { USERNAME = "x" }\n${EXTRANGE.replace(/^environment.*$/m, '')}`;
  expect(readInstance('custom', text).problems).toEqual([
    '4001.toml: environment.USERNAME: is set by ibq; use the key "user" instead',
  ]);
});

test('what the image is not told is warned about', () => {
  const text = 'user = "user1"\n[vnc]\nenabled = true\n[custom]\nvnc_port = 5900\n';
  expect(readInstance('custom', text).warnings).toEqual([
    '4001.toml: custom.variables: has no "mode": ibq can\'t tell the image that it is to be "paper"',
    '4001.toml: custom.variables: has no "password": the image has to get it in another way',
    '4001.toml: custom.variables: has no "vnc_password": ibq can\'t say whether VNC asks for one',
  ]);
});

describe('what an image of one’s own may be given', () => {
  const custom = (lines: string) =>
    readInstance('custom', `user = "u"\n[custom]\n${lines}\n`).problems;

  test.each([
    'user = "1000:1000"',
    'command = ["/run.sh", "two words"]',
    'tmpfs = ["/run", "/tmp/x:size=64m,mode=1777"]',
    'devices = ["/dev/dri/renderD128", "/dev/ttyUSB0:/dev/tty0:rw"]',
    'capabilities = ["SETUID", "SYS_NICE"]',
  ])('%s', (line) => {
    expect(custom(line)).toEqual([]);
  });

  test.each([
    ['user = "root"', 'custom.user: should be a user in numbers'],
    ['tmpfs = ["run"]', 'custom.tmpfs.0: should be a directory'],
    ['devices = ["/dev/sda"]', 'custom.devices.0: should be a device'],
    ['devices = ["/dev/mem"]', 'custom.devices.0: should be a device'],
    ['devices = ["/dev/../dev/sda"]', 'custom.devices.0: should be a device'],
    ['capabilities = ["NET_ADMIN"]', 'custom.capabilities.0: should be one of'],
    ['capabilities = ["SYS_ADMIN"]', 'custom.capabilities.0: should be one of'],
    ['capabilities = ["CAP_SETUID"]', 'write "SETUID"'],
  ])('%s is refused', (line, message) => {
    expect(custom(line)).toEqual([expect.stringContaining(message)]);
  });
});

describe('the examples of docs/images/custom.md', () => {
  const page = readFileSync(new URL('../../docs/images/custom.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```toml\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
    text.includes('[image]') ? text : [],
  );

  test('are three, and load without a warning', () => {
    expect(examples).toHaveLength(3);
    for (const text of examples) {
      const source = { path: '/etc/ibq/instances/x.toml', text };
      const { config, warnings } = loadConfig({ main: null, pin: null, instances: [source] });
      expect(config.instances).toMatchObject([{ profile: 'custom', user: 'myuser01' }]);
      expect(warnings).toEqual([]);
    }
  });
});
