/** Every example of the users' documents, and services with all that Compose knows: nothing is dropped in silence. */

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ComposeFile, readCompose } from '../../src/compose/document.ts';
import { identify, imageReference } from '../../src/compose/identify.ts';
import { type ImportOptions, importService } from '../../src/compose/import-service.ts';
import type { Service } from '../../src/compose/service.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderInstance } from '../../src/config/write.ts';
import { PROFILE_IDS, profileOf } from '../../src/images/index.ts';
import type { ProfileId } from '../../src/images/profile.ts';

const FIXTURES = new URL('../fixtures/compose/', import.meta.url);
const EXAMPLES = readdirSync(FIXTURES);
const OPTIONS: ImportOptions = {
  readFile: () => null,
  kindOf: () => 'file',
  exists: () => false,
  publishAddress: '127.0.0.1',
};

function readExample(name: string): ComposeFile {
  const file = (path: string) => {
    try {
      return readFileSync(new URL(`${name}/${path}`, FIXTURES), 'utf8');
    } catch {
      return null;
    }
  };
  return readCompose({
    texts: [file('docker-compose.yml') ?? ''],
    directory: '/home/me',
    home: '/home/me',
    variables: file('.env'),
    environment: { PWD: '/home/me' },
    readFile: (path) => file(path.replace('/home/me/', '')),
  });
}

function outcome(file: ComposeFile, service: Service, profile: ProfileId): string {
  const { values, secrets, left, port } = importService(file, service, profile, OPTIONS);
  return JSON.stringify([[...values], [...secrets], left, port]);
}

test('there are examples of each document', () => {
  expect(EXAMPLES.length).toBeGreaterThan(20);
});

describe.each(EXAMPLES)('%s', (name) => {
  const file = readExample(name);
  const [service] = file.services;
  if (!service) throw new Error(`${name} has no service`);
  const identity = identify(service);
  const profile = identity.kind === 'known' ? identity.profile : null;

  test('is of a known image, and becomes a configuration that loads', () => {
    if (profile === null) throw new Error('not known');
    const { values, port, sharesHost } = importService(file, service, profile, OPTIONS);
    const main = sharesHost ? '[network]\nmode = "host"\n' : '';
    const { config } = loadConfig({
      main: { path: '/etc/ibq/ibq.toml', text: main },
      pin: null,
      instances: [
        { path: `/etc/ibq/instances/${port}.toml`, text: renderInstance(String(port), values) },
      ],
    });
    expect(config.instances).toMatchObject([{ profile, port }]);
  });

  test('without any one of its variables, ports or volumes it becomes something else', () => {
    if (profile === null) throw new Error('not known');
    const whole = outcome(file, service, profile);
    for (const [variable, value] of service.environment) {
      if (value === '') continue;
      const environment = new Map(service.environment);
      environment.delete(variable);
      expect(outcome(file, { ...service, environment }, profile), variable).not.toBe(whole);
    }
    for (const [index, port] of service.ports.entries()) {
      const ports = service.ports.toSpliced(index, 1);
      const gone = outcome(file, { ...service, ports }, profile);
      // The usual port by rule, published where ibq publishes, is the same with and without.
      const usual = port.host === port.inside - 2 && port.address === '127.0.0.1';
      if (!usual) expect(gone, String(port.inside)).not.toBe(whole);
    }
    for (const index of service.mounts.keys()) {
      const mounts = service.mounts.toSpliced(index, 1);
      expect(outcome(file, { ...service, mounts }, profile)).not.toBe(whole);
    }
    for (const key of Object.keys(service.others)) {
      const { [key]: _, ...others } = service.others;
      expect(outcome(file, { ...service, others }, profile), key).not.toBe(whole);
    }
  });

  test('has no password in its file', () => {
    if (profile === null) throw new Error('not known');
    const { values, secrets } = importService(file, service, profile, OPTIONS);
    const text = renderInstance('4002', values);
    for (const value of secrets.values()) expect(text).not.toContain(value);
  });
});

const EMPTY: ComposeFile = {
  project: 'ib',
  services: [],
  networks: new Map(),
  volumes: new Map(),
  secrets: new Map(),
  configs: new Map(),
  others: [],
};
const serviceOf = (changes: Partial<Service>): Service => ({
  name: 'gw',
  image: 'ghcr.io/gnzsnz/ib-gateway:stable',
  build: null,
  environment: new Map(),
  fromFiles: new Set(),
  ports: [{ address: '127.0.0.1', host: 4002, inside: 4004 }],
  mounts: [],
  networkMode: null,
  networks: [],
  given: [],
  others: {},
  unread: [],
  problems: [],
  missing: [],
  ...changes,
});
const imported = (changes: Partial<Service>, profile: ProfileId = 'gnzsnz') =>
  importService(EMPTY, serviceOf(changes), profile, OPTIONS);
const variables = (environment: Record<string, string>, profile?: ProfileId) =>
  imported({ environment: new Map(Object.entries(environment)) }, profile);

test('whatever a variable is called and whatever it says, it leaves a trace', () => {
  const names = PROFILE_IDS.filter((id) => id !== 'custom').flatMap((id) =>
    profileOf(id).variables.map(({ name }) => [id, name] as const),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.constantFrom(...names),
        fc.stringMatching(/^[A-Z][A-Z_]{0,12}$/).map((name) => ['gnzsnz', name] as const),
      ),
      fc.string({ minLength: 1 }).filter((text) => text.trim() !== ''),
      ([profile, name], value) => {
        const { values, secrets, left } = variables({ [name]: value }, profile);
        const none = variables({}, profile);
        const outcome = [[...values], secrets.size, left.length];
        // What is written always is a trace where it is the value that was given.
        const always = ['TRADING_MODE', 'READ_ONLY_API', 'TWOFA_TIMEOUT_ACTION'].includes(name);
        if (!always) {
          expect(outcome, name).not.toEqual([
            [...none.values],
            none.secrets.size,
            none.left.length,
          ]);
        }
      },
    ),
    { numRuns: 300 },
  );
});

describe('variables', () => {
  test.each<[Record<string, string>, ProfileId, Record<string, unknown>]>([
    [
      { TRADING_MODE: 'Live', READ_ONLY_API: 'no' },
      'gnzsnz',
      { mode: 'live', read_only_api: false },
    ],
    [{ JAVA_HEAP_SIZE: '1024' }, 'gnzsnz', { java_heap: 1024 }],
    [{ JAVA_HEAP_SIZE: '2g' }, 'danklabs-host', { java_heap: 2048 }],
    [
      { JAVA_OPTS: '-Xmx2g -Xms1g -XX:+UseG1GC' },
      'danklabs',
      { java_heap: 2048, java_options: '-Xms1g -XX:+UseG1GC' },
    ],
    [{ RELOGIN_AFTER_2FA_TIMEOUT: 'yes' }, 'gnzsnz', { relogin_after_twofa_timeout: true }],
    [{ LANG: 'C.UTF-8' }, 'gnzsnz', { environment: { LANG: 'C.UTF-8' } }],
    [{ TIME_ZONE: 'Asia/Tokyo', TZ: 'Asia/Tokyo' }, 'gnzsnz', { time_zone: 'Asia/Tokyo' }],
    [{ MY_TOKEN: 'abc' }, 'gnzsnz', { secrets: { MY_TOKEN: 'my_token' } }],
    [{ PASSWORD: 'abc' }, 'gnzsnz', { secrets: { PASSWORD: 'password_2' } }],
    [
      { SSH_USER_TUNNEL: 'a@b', SSH_TUNNEL: 'yes', SSH_OPTIONS: '-p 2222' },
      'gnzsnz',
      { 'ssh.mode': 'yes', 'ssh.targets': ['a@b:2222'] },
    ],
    [
      { SSH_OPTIONS: `-o ProxyCommand='nc -x proxy:1080 %h %p' -oConnectTimeout=10` },
      'gnzsnz',
      {
        'ssh.proxy_command': 'nc -x proxy:1080 %h %p',
        'ssh.options': ['ConnectTimeout=10'],
      },
    ],
    [{ SSH_OPTIONS: '-J jump@b' }, 'gnzsnz', { 'ssh.bastion': 'jump@b' }],
    [
      { SSH_OPTIONS: `-o ProxyCommand='ssh jump@b nc %h %p'` },
      'gnzsnz',
      { 'ssh.bastion': 'jump@b' },
    ],
    [{ VNC_SERVER_PASSWORD: 'eight888' }, 'gnzsnz', { 'vnc.enabled': true }],
  ])('%j', (environment, profile, expected) => {
    const { values, left } = variables(environment, profile);
    const given = [...values].filter(([key]) => !/^(?:image|network)\./.test(key));
    const rest = Object.fromEntries(given);
    expect(rest).toEqual({ mode: 'paper', read_only_api: true, ...expected });
    const danklabs = profile?.startsWith('danklabs') === true;
    expect(left.map(({ what }) => what).filter((it) => !it.startsWith('port'))).toEqual(
      danklabs ? ['READ_ONLY_API'] : [],
    );
  });

  test.each<[Record<string, string>, string]>([
    [{ AUTO_RESTART_TIME: '23:55 PM' }, 'AUTO_RESTART_TIME: auto_restart_time should be a time'],
    [{ TIME_ZONE: 'Asia/Tokyo', TZ: 'Etc/UTC' }, 'TZ=Etc/UTC: time_zone is Asia/Tokyo already'],
    [{ TZ: 'Etc/UTC', TIME_ZONE: 'Asia/Tokyo' }, 'TZ=Etc/UTC: time_zone is Asia/Tokyo already'],
    [{ TWS_PASSWORD_FILE: '/run/x' }, 'TWS_PASSWORD_FILE=/run/x: is a file in the container'],
    [
      { API_KEY_FILE: '/run/secrets/k' },
      'API_KEY_FILE=/run/secrets/k: is a file in the container; write secrets = { API_KEY_FILE = "api_key" }',
    ],
    [{ SSH_OPTIONS: '-v' }, 'SSH_OPTIONS -v: only options of the form -o Name=value'],
    [
      { SSH_OPTIONS: '-o StrictHostKeyChecking=no' },
      'SSH_OPTIONS StrictHostKeyChecking=no: host keys are pinned in /etc/ibq/known_hosts',
    ],
    [
      { SSH_OPTIONS: `-o ProxyCommand='ssh bastion nc %h %p'` },
      'write ssh.bastion = "user@host" of the machine between',
    ],
  ])('%j is left: %s', (environment, expected) => {
    const left = variables(environment).left.map(({ what, why }) => `${what}: ${why}`);
    expect(left).toEqual([expect.stringContaining(expected)]);
  });

  test('the value of a secret is in no message', () => {
    const { left, values } = variables({
      TWS_PASSWORD: 'geheim\nzwei',
      OTHER_PASSWORD: 'geheim',
      MORE_SECRET: 'geheim\ndrei',
    });
    expect(left).toHaveLength(2);
    expect(JSON.stringify([...values])).not.toContain('geheim');
    expect(JSON.stringify(left)).not.toContain('geheim');
  });
});

test('resources, names and networks', () => {
  const { values, left } = imported({
    networks: [
      { name: 'default', address: null, aliases: [], others: [] },
      { name: 'trader', address: null, aliases: ['ib'], others: [] },
    ],
    others: {
      mem_limit: '2g',
      cpus: 1.5,
      shm_size: '1gb',
      stop_grace_period: '1m30s',
      dns: '10.0.0.1',
      extra_hosts: ['maindb:10.0.0.2', 'me:host-gateway'],
      restart: 'always',
      privileged: true,
    },
  });
  expect(Object.fromEntries(values)).toMatchObject({
    memory: 2048,
    cpus: 1.5,
    shm_size: 1024,
    stop_timeout: 90,
    dns: ['10.0.0.1'],
    hosts: { maindb: '10.0.0.2' },
    restart: 'always',
  });
  expect(values.has('network.join')).toBe(false);
  expect(left.map(({ what }) => what)).toEqual([
    'network trader',
    'extra_hosts me:host-gateway',
    'restart: always',
    'privileged',
  ]);
});

describe('both modes in one container', () => {
  const both = imported({
    environment: new Map([['TRADING_MODE', 'both']]),
    ports: [
      { address: '127.0.0.1', host: 5001, inside: 4003 },
      { address: '127.0.0.1', host: 5005, inside: 4004 },
    ],
  });

  test('have a port each', () => {
    expect(both.port).toBe(5001);
    expect(both.values.get('paper_port')).toBe(5005);
    expect(both.left).toEqual([]);
  });
});

test.each([
  ['gnzsnz/ib-gateway', 'docker.io/gnzsnz/ib-gateway'],
  ['ib-gateway:latest', 'localhost/ib-gateway:latest'],
  ['registry.example:5000/x/y:1', 'registry.example:5000/x/y:1'],
  ['localhost/x', 'localhost/x'],
])('image %s is %s', (image, expected) => {
  expect(imageReference(image)).toBe(expected);
});

describe('an image is known by its name', () => {
  test.each<[string | null, Record<string, string>, string]>([
    ['docker.io/gnzsnz/tws-rdesktop:10', {}, 'known gnzsnz-tws'],
    ['registry.example:5000/gnzsnz/ib-gateway@sha256:abc', {}, 'known gnzsnz'],
    ['danklabs/ib-tws', {}, 'known danklabs-tws'],
    [
      'ghcr.io/code-hustler-ft3d/ibg-controller:v0.10.0',
      { TWS_USERID: 'u' },
      'known ibg-controller',
    ],
    ['danklabs/ib-gateway', { OVERRIDE_TWS_API_PORT: '4001' }, 'known danklabs-host'],
    ['danklabs/ib-gateway', { VNC_PORT: '5900' }, 'known danklabs-host'],
    // An image that was built here, under a name that says what it is.
    ['ib-gateway:latest', { IB_USER: 'u' }, 'known danklabs'],
    ['localhost/ib-gateway', { TWS_USERID: 'u' }, 'known gnzsnz'],
    // Somebody else's, whatever its variables are.
    ['ghcr.io/extrange/ibkr:stable', { USERNAME: 'u' }, 'other'],
    ['ghcr.io/unusualalpha/ib-gateway:latest', { TWS_USERID: 'u' }, 'other'],
    ['waytrade/ib-gateway:1012.2i', { TWS_USERID: 'u' }, 'other'],
    ['manhinhang/ib-gateway-docker', { IB_ACCOUNT: 'u', IB_PASSWORD: 'p' }, 'other'],
    ['rylorin/ib-gateway-docker:0.6', { IB_PASSWORD: 'p' }, 'other'],
    ['heshiming/ibga', { IB_PASSWORD: 'p' }, 'other'],
    ['ghcr.io/gnzsnz/tws-webtop:stable', { TWS_USERID: 'u' }, 'other'],
    ['me/ib-gateway', { TWS_USERID: 'u' }, 'other'],
    // A guess, which somebody has to confirm.
    ['mine', { TWS_USERID: 'u' }, 'guess gnzsnz'],
    ['example/strategy:1', { TWS_USERID: 'u', TRADING_MODE: 'live' }, 'guess gnzsnz'],
    ['my/tws', { IB_USER: 'u' }, 'guess danklabs-tws'],
    [null, { TWS_USERID: 'u' }, 'guess gnzsnz'],
    ['postgres:16', { POSTGRES_USER: 'u' }, 'none'],
    ['voyz/ibeam', { IBEAM_ACCOUNT: 'u' }, 'none'],
    [null, {}, 'none'],
  ])('%s with %j is %s', (image, environment, expected) => {
    const identity = identify(
      serviceOf({ image, environment: new Map(Object.entries(environment)) }),
    );
    const profile = 'profile' in identity ? ` ${identity.profile}` : '';
    expect(identity.kind + profile).toBe(expected);
  });

  test('a helper of the same image is no gateway; with a user it is one', () => {
    const others = { entrypoint: ['chown', '1000', '/s'] };
    expect(identify(serviceOf({ others })).kind).toBe('none');
    const environment = new Map([['TWS_USERID', 'me']]);
    expect(identify(serviceOf({ others, environment })).kind).toBe('known');
  });
});
