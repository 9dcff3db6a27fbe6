/** The table of keys, and everything that is made from it, agree with the loader. */

import { execFileSync } from 'node:child_process';
import { Ajv } from 'ajv';
import { parse } from 'smol-toml';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { generatedFiles, jsonSchema } from '../../scripts/reference.ts';
import { loadConfig } from '../../src/config/load.ts';
import { FILES, type FileKind, KEYS } from '../../src/config/schema.ts';
import { SETTING_KEYS } from '../../src/config/settings.ts';
import type { Instance, Settings } from '../../src/config/types.ts';
import { readValue } from '../../src/config/values.ts';
import { renderExample, renderInstance } from '../../src/config/write.ts';

const FILE = { ibq: '/etc/ibq/ibq.toml', instance: '/etc/ibq/instances/4001.toml' };

function load(main: string, instance = ''): Instance {
  const [loaded] = loadConfig({
    main: { path: FILE.ibq, text: main },
    pin: null,
    instances: [{ path: FILE.instance, text: instance }],
  }).config.instances;
  if (!loaded) throw new Error('no instance');
  return loaded;
}

test('docs/schema and docs/configuration.md are made from the table as it is', () => {
  const run = () =>
    execFileSync(process.execPath, ['scripts/schemas.mjs', '--check'], { encoding: 'utf8' });
  expect(run).not.toThrow();
});

test('of a page only what stands between the markers is replaced', () => {
  const page = 'before\n<!-- keys: publish -->\nold\n<!-- end of keys -->\nafter\n';
  const fill = (text: string) =>
    generatedFiles({ configuration: text, images: '' }).get('docs/configuration.md') ?? '';
  const filled = fill(page);
  expect(filled).toMatch(
    /^before\n<!-- keys: publish -->\n\| key \|[\s\S]*\n<!-- end of keys -->\nafter\n$/,
  );
  expect(filled).toContain('| `address` |');
  expect(fill(filled)).toBe(filled);
});

/** Settings by key id: `vnc.enabled` for what is in a table. */
type Flat<T, Prefix extends string = ''> = {
  [K in keyof T & string]: K extends Tables ? Flat<T[K], `${K}.`> : Record<`${Prefix}${K}`, string>;
}[keyof T & string];
type Tables = 'vnc' | 'rdp' | 'supervisor' | 'ssh' | 'custom_config' | 'network' | 'custom';
type AllOf<Union> = (Union extends unknown ? (it: Union) => void : never) extends (
  it: infer All,
) => void
  ? All
  : never;

test('every setting of the table is one of Settings, with its type', () => {
  const { settings } = load('');
  // A key added to one and not to the other fails here or at compile time.
  const types: AllOf<Flat<Settings>> = {
    user_secret: 'boolean',
    user_namespace: 'boolean',
    time_zone: 'text',
    read_only_api: 'boolean',
    auto_restart_time: 'text',
    auto_logoff_time: 'text',
    cold_restart_time: 'text',
    twofa_timeout_action: 'choice',
    twofa_device: 'text',
    twofa_exit_interval: 'integer',
    relogin_after_twofa_timeout: 'boolean',
    twofa_totp: 'boolean',
    twofa_wait: 'integer',
    passkey_authenticate: 'boolean',
    tws_server: 'text',
    paper_tws_server: 'text',
    existing_session_action: 'choice',
    login_attempts: 'integer',
    bypass_warning: 'boolean',
    allow_blind_trading: 'boolean',
    accept_incoming: 'choice',
    master_client_id: 'integer',
    save_settings: 'text',
    trusted_clients: 'list',
    java_heap: 'integer',
    java_options: 'text',
    memory: 'integer',
    cpus: 'number',
    shm_size: 'integer',
    stop_timeout: 'integer',
    restart: 'choice',
    read_only: 'boolean',
    uid: 'integer',
    gid: 'integer',
    address: 'text',
    hosts: 'hosts',
    dns: 'list',
    secrets: 'variables',
    volumes: 'list',
    jts: 'sections',
    ibc: 'properties',
    'vnc.enabled': 'boolean',
    'vnc.screen': 'text',
    'vnc.display': 'text',
    'rdp.enabled': 'boolean',
    'supervisor.enabled': 'boolean',
    'supervisor.user': 'text',
    'ssh.mode': 'choice',
    'ssh.via': 'choice',
    'ssh.targets': 'list',
    'ssh.remote_ports': 'list',
    'ssh.vnc_port': 'integer',
    'ssh.rdp_port': 'integer',
    'ssh.alive_interval': 'integer',
    'ssh.alive_count': 'integer',
    'ssh.restart': 'integer',
    'ssh.options': 'list',
    'ssh.bastion': 'text',
    'ssh.proxy_command': 'text',
    'custom_config.jts': 'text',
    'custom_config.ibc': 'text',
    'network.publish': 'boolean',
    'network.join': 'list',
    'network.via': 'text',
    'custom.live_port': 'integer',
    'custom.paper_port': 'integer',
    'custom.vnc_port': 'integer',
    'custom.settings_path': 'text',
    'custom.password_as': 'choice',
    'custom.user': 'text',
    'custom.command': 'list',
    'custom.tmpfs': 'list',
    'custom.devices': 'list',
    'custom.capabilities': 'list',
    'custom.variables': 'variables',
  };
  expect(Object.fromEntries(SETTING_KEYS.map((id) => [id, KEYS.get(id)?.type.kind]))).toEqual(
    types,
  );
  const loaded = Object.entries(settings).flatMap(([name, value]) =>
    KEYS.has(name) ? name : Object.keys(value).map((key) => `${name}.${key}`),
  );
  expect(loaded.sort()).toEqual([...SETTING_KEYS].sort());
  expectTypeOf(settings).toEqualTypeOf<Settings>();
});

describe.each([...KEYS])('key %s', (_id, key) => {
  test('has a legal example and a legal default', () => {
    const complaints: string[] = [];
    readValue(key.type, key.example, (message) => complaints.push(message));
    if (key.default !== null) {
      readValue(key.type, key.default, (message) => complaints.push(message));
    }
    expect(complaints).toEqual([]);
  });

  test('says what it is, and what it means where it is not set', () => {
    expect(key.description).toMatch(/\.$/);
    expect(key.unset !== undefined).toBe(key.default === null);
  });
});

describe('the example of ibq init', () => {
  const example = renderExample();

  test('changes nothing', () => {
    expect(load(example)).toEqual(load(''));
  });

  test('is legal with every key uncommented', () => {
    const text = example.replace(/^# (\w+ = )/gm, '$1');
    const { settings, environment } = load(text);
    expect(settings).toMatchObject({ time_zone: 'Etc/UTC', auto_restart_time: '11:55 PM' });
    expect(environment).toEqual({ LANG: 'C.UTF-8' });
    const keys = FILES.ibq.flatMap((table) => table.keys);
    expect(text.match(/^\w+ = /gm)).toHaveLength(keys.length);
  });

  test('fits a terminal', () => {
    expect(Math.max(...example.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

test('the file of a new instance says what it was given', () => {
  const text = renderInstance(
    '4001',
    new Map<string, string | number | boolean | Record<string, string>>([
      ['mode', 'live'],
      ['image.profile', 'simulator'],
      ['read_only_api', false],
      ['environment', { SIMULATOR_LOGIN: 'two\nlines "quoted" \\ \u007f', A: '' }],
    ]),
  );
  expect(load('', text)).toMatchObject({
    mode: 'live',
    profile: 'simulator',
    settings: { read_only_api: false },
    environment: { SIMULATOR_LOGIN: 'two\nlines "quoted" \\ \u007f', A: '' },
  });
});

describe('the JSON schemas', () => {
  const ajv = new Ajv({ allErrors: true, strict: true });
  const validators = Object.fromEntries(
    (Object.keys(FILES) as FileKind[]).map((kind) => [kind, ajv.compile(jsonSchema(kind))]),
  );

  test.each([
    ['ibq', ''],
    ['ibq', renderExample().replace(/^# (\w+ = )/gm, '$1')],
    ['network', '[network]\nmode = "bridge"\nsubnet = "10.0.0.0/24"'],
    ['instance', 'mode = "live"\nport = 4001\n[image]\nprofile = "simulator"'],
  ])('%s takes %j', (kind, text) => {
    const validate = validators[kind];
    validate?.(parse(text));
    expect(validate?.errors).toBeNull();
  });

  test.each([
    ['ibq', 'netwrok = 1'],
    ['ibq', '[network]\nmode = "nat"'],
    ['ibq', '[network]\nallow = ["every body"]'],
    ['ibq', '[defaults]\nport = 4001'],
    ['network', '[network]\nallow = []'],
    ['instance', 'port = 70000'],
    ['instance', 'auto_restart_time = "23:55 PM"'],
    ['instance', 'user = "a b"'],
    ['instance', 'environment = { "A B" = "1" }'],
    ['instance', 'environment = { A = 1 }'],
    ['instance', '[image]\nreference = "gnzsnz/ib-gateway"'],
  ])('%s refuses %j', (kind, text) => {
    expect(validators[kind]?.(parse(text))).toBe(false);
  });
});
