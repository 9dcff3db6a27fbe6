/** What holds of every profile. */

import { describe, expect, test } from 'vitest';
import { KEYS } from '../../src/config/schema.ts';
import {
  IMAGE_KEYS,
  keyOfVariable,
  PROFILE_IDS,
  profileFor,
  profileOf,
} from '../../src/images/index.ts';
import { environmentFor } from '../../src/images/profile.ts';
import { environment, instanceOf, reachFor, readInstance, secretKeys } from './instances.ts';

const profiles = PROFILE_IDS.map(profileOf);

describe.each(profiles)('$id', (profile) => {
  test('names keys that exist', () => {
    const keys = [
      ...profile.variables.flatMap((row) => row.keys),
      ...profile.refused.flatMap(({ key }) => key ?? []),
      ...profile.follows,
    ];
    expect(keys.filter((key) => !KEYS.has(key))).toEqual([]);
  });

  test('has one row for each variable, and one secret for each key', () => {
    const names = [...profile.variables, ...profile.refused].map(({ name }) => name);
    expect([...new Set(names)]).toEqual(names);
    const keys = profile.secrets.map(({ key }) => key);
    expect([...new Set(keys)]).toEqual(keys);
  });

  test('keeps its settings in its volume, which hides no program', () => {
    const instance = instanceOf(profile.id);
    const volume = profile.settingsVolume(instance);
    const { TWS_SETTINGS_PATH: path } = environmentFor(profile, instance, reachFor(profile));
    if (path !== undefined) expect(`${path}/`).toContain(`${volume}/`);
    for (const file of [profile.files?.ibc, profile.files?.ibcTemplate])
      expect(`${file}`.startsWith(`${volume}/`)).toBe(false);
    expect(`${volume}`).not.toMatch(/\/Jts$/);
  });

  test('never has a secret among its variables', () => {
    const variables = new Set(profile.variables.map(({ name }) => name));
    const secrets = profile.secrets.flatMap(({ as, key }) =>
      as.kind === 'mount' || key.endsWith('user') ? [] : [as.variable],
    );
    expect(secrets.filter((name) => variables.has(name))).toEqual([]);
  });

  test('every variable that is written has one line of text', () => {
    const values = Object.values(environment(profile.id));
    expect(values.filter((value) => /[\r\n\0]/.test(value))).toEqual([]);
  });

  test('says where its facts are from, in sentences', () => {
    const { source, defects, unverified } = profile.notes;
    expect(source).not.toBe('');
    for (const note of [...defects, ...unverified]) expect(note).toMatch(/^[`A-Z].*[.]$/);
  });
});

test('the simulator has the contract of gnzsnz', () => {
  const { id, title, defaultImage, notes, ...contract } = profileOf('simulator');
  expect(profileOf('gnzsnz')).toMatchObject(contract);
  expect([id, defaultImage]).toEqual(['simulator', 'localhost/ibq-simulator:latest']);
});

test('a variable of an image leads to its key', () => {
  expect(keyOfVariable('TWS_USERID')).toBe('user');
  expect(keyOfVariable('IB_USER')).toBe('user');
  expect(keyOfVariable('COLD_RESTART_TIME')).toBe('cold_restart_time');
  expect(keyOfVariable('CUSTOM_CONFIG')).toBe('custom_config.ibc');
  expect(keyOfVariable('TWS_SETTINGS_PATH')).toBeNull();
  expect(keyOfVariable('constructor')).toBeNull();
});

describe('what an image can not follow', () => {
  test('are keys that some other image follows', () => {
    expect([...IMAGE_KEYS].filter((key) => !KEYS.has(key))).toEqual([]);
    expect(IMAGE_KEYS.has('vnc.screen')).toBe(true);
    for (const everywhere of ['mode', 'user', 'port', 'memory', 'ssh.mode', 'vnc.enabled'])
      expect(IMAGE_KEYS.has(everywhere), everywhere).toBe(false);
  });

  test.each([
    ['gnzsnz', 'uid = 1000', 'uid: has no effect on images of profile gnzsnz; leave it out'],
    ['gnzsnz', 'java_options = "-XX:+UseG1GC"', 'java_options: has no effect'],
    ['gnzsnz', 'trusted_clients = ["10.0.0.7"]', 'trusted_clients: has no effect'],
    ['gnzsnz', '[vnc]\nscreen = "800x600x16"', 'vnc.screen: has no effect'],
    [
      'gnzsnz',
      '[supervisor]\nenabled = true',
      'supervisor.enabled: should be false: images of profile gnzsnz have none',
    ],
    ['gnzsnz', '[custom]\nlive_port = 1', 'custom.live_port: has no effect'],
    [
      'gnzsnz',
      'read_only = true',
      'read_only: should be false: images of profile gnzsnz write into their own',
    ],
    [
      'gnzsnz-tws',
      '[vnc]\nenabled = true',
      'vnc.enabled: should be false: images of profile gnzsnz-tws have none',
    ],
    [
      'danklabs',
      'mode = "both"',
      'mode: should be "live" or "paper" with profile danklabs, got "both"; make two instances instead',
    ],
    ['danklabs', '[rdp]\nenabled = true', 'rdp.enabled: should be false'],
    ['danklabs-host', '[supervisor]\nenabled = true', 'supervisor.enabled: should be false'],
    ['danklabs-host', 'uid = 1000', 'uid: has no effect on images of profile danklabs-host'],
    [
      'custom',
      'java_heap = 900',
      'java_heap: has no effect on images of profile custom without a variable in custom.variables',
    ],
    ['gnzsnz', 'paper_user = "paper1"', 'paper_user: has no effect in mode "paper"; leave it out'],
    [
      'gnzsnz',
      'user_secret = true',
      'user: should be left out with user_secret = true; run "sudo ibq secret set 4001 user"',
    ],
    [
      'gnzsnz',
      '[ssh]\nmode = "both"\nvia = "image"',
      'ssh.targets: should be one machine with ssh.via = "image", got 0',
    ],
  ] as const)('%s: %s', (profile, text, expected) => {
    const { problems } = readInstance(profile, `user = "user1"\n${text}`);
    expect(problems).toEqual([expect.stringContaining(`4001.toml: ${expected}`)]);
  });

  test('too little shared memory is a warning', () => {
    const { problems, warnings } = readInstance('gnzsnz-tws', 'user = "user1"\nshm_size = 64');
    expect(problems).toEqual([]);
    expect(warnings).toContainEqual(
      '4001.toml: shm_size: 64 MB is less than the 1024 MB that images of profile gnzsnz-tws need',
    );
  });
});

test('a user that is a secret is in no variable', () => {
  for (const id of PROFILE_IDS) {
    if (id === 'custom') continue;
    const values = Object.entries(environment(id, 'user_secret = true\n'));
    expect(
      values.filter(([name]) => /USER(ID)?$/.test(name)),
      id,
    ).toEqual([]);
    expect(secretKeys(id, 'user_secret = true\n'), id).toEqual(['password', 'user']);
  }
});

test('only a custom profile depends on the instance', () => {
  for (const id of PROFILE_IDS) {
    const same = profileFor(instanceOf(id)) === profileOf(id);
    expect(same, id).toBe(id !== 'custom');
  }
});
