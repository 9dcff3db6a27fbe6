/** Every example of the users' documents, and services with all that Compose knows: nothing is dropped in silence. */

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ComposeFile, readCompose, type Service } from '../../src/compose/document.ts';
import { importService } from '../../src/compose/import-service.ts';
import { imageReference, profileOfService } from '../../src/compose/profile.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderInstance } from '../../src/config/write.ts';
import { PROFILE_IDS, profileOf } from '../../src/images/index.ts';
import type { ProfileId } from '../../src/images/profile.ts';

const FIXTURES = new URL('../fixtures/compose/', import.meta.url);
const EXAMPLES = readdirSync(FIXTURES);
const OPTIONS = { absolute: (path: string) => path.replace(/^[.~]\/?/, '/home/me/') };

function readExample(name: string): ComposeFile {
  const file = (path: string) => {
    try {
      return readFileSync(new URL(`${name}/${path}`, FIXTURES), 'utf8');
    } catch {
      return null;
    }
  };
  return readCompose({
    text: file('docker-compose.yml') ?? '',
    variables: file('.env'),
    environment: { PWD: '/home/me' },
    readFile: file,
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
  const profile = profileOfService(service.image, service.environment);

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

const EMPTY: ComposeFile = { services: [], networks: new Map(), others: [], missing: [] };
const serviceOf = (changes: Partial<Service>): Service => ({
  name: 'gw',
  image: 'ghcr.io/gnzsnz/ib-gateway:stable',
  environment: new Map(),
  ports: [],
  mounts: [],
  networkMode: null,
  networks: [],
  others: {},
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
        const known = new Set(['image.profile', 'image.reference']);
        const kept = [...values.keys()].filter((key) => !known.has(key));
        expect(kept.length + secrets.size + left.length, name).toBeGreaterThan(0);
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
    const { 'image.profile': _, 'image.reference': __, ...rest } = Object.fromEntries(values);
    expect(rest).toEqual(expected);
    expect(left).toEqual([]);
  });

  test.each<[Record<string, string>, string]>([
    [{ AUTO_RESTART_TIME: '23:55 PM' }, 'AUTO_RESTART_TIME: auto_restart_time should be a time'],
    [{ TIME_ZONE: 'Asia/Tokyo', TZ: 'Etc/UTC' }, 'TZ=Etc/UTC: time_zone is Asia/Tokyo already'],
    [{ TWS_PASSWORD_FILE: '/run/x' }, 'TWS_PASSWORD_FILE=/run/x: is a file in the container'],
    [{ MY_TOKEN: 'abc' }, 'MY_TOKEN: is a secret, and ibq has no place for this one'],
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
    const { left } = variables({ TWS_PASSWORD: 'geheim\nzwei', OTHER_PASSWORD: 'geheim' });
    expect(left).toHaveLength(2);
    expect(JSON.stringify(left)).not.toContain('geheim');
  });
});

test('resources, names and networks', () => {
  const { values, left } = imported({
    networks: ['default', 'trader'],
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
    'network.join': ['trader.network'],
  });
  expect(left.map(({ what }) => what)).toEqual([
    'extra_hosts me:host-gateway',
    'restart',
    'privileged',
    'network trader',
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

test.each<[string | null, Record<string, string>, ProfileId | null]>([
  ['docker.io/gnzsnz/tws-rdesktop:10', {}, 'gnzsnz-tws'],
  ['danklabs/ib-tws', {}, 'danklabs-tws'],
  ['danklabs/ib-gateway', { OVERRIDE_TWS_API_PORT: '4001' }, 'danklabs-host'],
  ['mine', { TWS_USERID: 'u' }, 'gnzsnz'],
  ['my/tws', { IB_USER: 'u' }, 'danklabs-tws'],
  ['postgres:16', { POSTGRES_USER: 'u' }, null],
  [null, {}, null],
])('%s with %j is of profile %s', (image, environment, expected) => {
  expect(profileOfService(image, new Map(Object.entries(environment)))).toBe(expected);
});
