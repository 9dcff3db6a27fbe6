/** `ibq import compose` */

import { describe, expect, test } from 'vitest';
import { importCompose } from '../../src/commands/import-compose.ts';
import { misfits } from '../schema/validate.ts';
import { sandbox } from '../support/sandbox.ts';

const FILE = '/srv/ib/docker-compose.yml';
const PAPER = `services:
  gw:
    image: ghcr.io/gnzsnz/ib-gateway:stable
    environment: { TWS_USERID: "\${WHO}", TWS_PASSWORD: "\${PASS}", READ_ONLY_API: "no" }
    ports: ["127.0.0.1:4002:4004"]
  db: { image: "postgres:16" }
volumes: { data: }
`;
const TREE = { [FILE]: PAPER, '/srv/ib/.env': 'WHO=me\nPASS=geheim\n' };
const OPTIONS = { dryRun: false, json: false };

describe('a file of one gateway', () => {
  test('becomes an instance, named by its port', async () => {
    const { context, read, notes } = sandbox(TREE);
    expect(await importCompose(context, FILE, OPTIONS)).toBe(0);
    expect(read('/etc/ibq/instances/4002.toml')?.split('\n').slice(1)).toEqual([
      'user = "me"',
      'read_only_api = false',
      '',
      '[image]',
      'profile = "gnzsnz"',
      'reference = "ghcr.io/gnzsnz/ib-gateway:stable"',
      '',
    ]);
    expect(notes).toEqual([
      'wrote /etc/ibq/instances/4002.toml',
      'not carried over, or to be looked at:',
      '  db: postgres:16 is no gateway that ibq knows; --profile says which it is like',
      '  volumes: has no counterpart',
      'next:',
      '  sudo ibq secret set 4002 password',
      '  end the old containers (two logins of one user end each other), then: sudo ibq deploy',
    ]);
    expect(read('/etc/ibq/ibq.toml')).toBeNull();
  });

  test('a dry run shows it and writes nothing; no password is shown', async () => {
    const { context, read, notes, out } = sandbox(TREE);
    await importCompose(context, FILE, { ...OPTIONS, dryRun: true });
    expect(out.join('\n')).toContain('# /etc/ibq/instances/4002.toml\n');
    expect([...out, ...notes].join('\n')).not.toContain('geheim');
    expect(read('/etc/ibq/instances/4002.toml')).toBeNull();
  });

  test('as JSON, with the names of the secrets alone', async () => {
    const { context, json } = sandbox(TREE);
    await importCompose(context, FILE, { ...OPTIONS, json: true });
    expect(misfits('import-compose', { schemaVersion: 1, ...json[0] })).toEqual([]);
    expect(json[0]).toMatchObject({
      instances: [{ name: '4002', service: 'gw', profile: 'gnzsnz', secrets: ['password'] }],
      others: [{ service: 'db' }],
      written: true,
    });
    expect(JSON.stringify(json)).not.toContain('geheim');
  });

  test('a name that is taken gives way to the service’s', async () => {
    const { context, read } = sandbox({
      ...TREE,
      '/etc/ibq/instances/4002.toml': 'port = 5002\nuser = "x"\n',
    });
    await importCompose(context, FILE, OPTIONS);
    expect(read('/etc/ibq/instances/gw.toml')).toContain('port = 4002\n');
  });
});

test('network_mode host is the host’s affair: ibq.toml is written where there is none', async () => {
  const text = PAPER.replace('    ports: ["127.0.0.1:4002:4004"]', '    network_mode: host');
  const first = sandbox({ ...TREE, [FILE]: text });
  await importCompose(first.context, FILE, OPTIONS);
  expect(first.read('/etc/ibq/ibq.toml')).toContain('mode = "host"');

  const own = sandbox({ ...TREE, [FILE]: text, '/etc/ibq/ibq.toml': '# mine\n' });
  await importCompose(own.context, FILE, OPTIONS);
  expect(own.read('/etc/ibq/ibq.toml')).toBe('# mine\n');
  expect(own.notes).toContain(
    '  network_mode host: set network.mode = "host" in /etc/ibq/ibq.toml',
  );
});

describe('is refused, and nothing written', () => {
  test.each<[string, Record<string, string>, Partial<Parameters<typeof importCompose>[2]>, string]>(
    [
      ['no file', {}, {}, '/srv/ib/docker-compose.yml: should be a Compose file, is not there'],
      ['not YAML', { [FILE]: 'a: [' }, {}, '/srv/ib/docker-compose.yml: should be YAML: '],
      [
        'no gateway',
        { [FILE]: 'services: { db: { image: postgres } }' },
        {},
        'has no gateway that ibq knows (services: db)',
      ],
      ['another service', TREE, { service: 'web' }, 'has no service "web" (services: gw, db)'],
      ['another profile', TREE, { profile: 'mine' }, '--profile: should be one of gnzsnz, '],
      ['no such variables', TREE, { envFile: '/none' }, '/none: should be a file of variables'],
      [
        'a port that another instance has',
        { ...TREE, '/etc/ibq/instances/own.toml': 'port = 4002\nuser = "x"\n' },
        {},
        'port: should be its own, 4002 is the port of',
      ],
    ],
  )('%s', async (_title, files, options, message) => {
    const { context } = sandbox(files);
    await expect(importCompose(context, FILE, { ...OPTIONS, ...options })).rejects.toThrow(message);
    expect(context.host.files.list('/etc/ibq/instances').filter((it) => it !== 'own.toml')).toEqual(
      [],
    );
  });
});
