/** `ibq instance add | remove | list | show` */

import { describe, expect, test } from 'vitest';
import { instanceAdd } from '../../src/commands/instance-add.ts';
import { instanceList } from '../../src/commands/instance-list.ts';
import { instanceRemove } from '../../src/commands/instance-remove.ts';
import { instanceShow } from '../../src/commands/instance-show.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const DIRECTORY = '/etc/ibq/instances';
const FILES = {
  '/etc/ibq/ibq.toml': '[defaults]\nuser = "shared"\nenvironment = { A = "1", B = "1" }\n',
  '/etc/ibq/network.toml':
    '[network]\ninterface = "eth1"\nsubnet = "10.0.0.0/24"\ngateway = "10.0.0.1"\nrange = "10.0.0.192/27"\n',
  [`${DIRECTORY}/4001.toml`]: 'mode = "live"\nread_only_api = true\nenvironment = { B = "2" }\n',
  [`${DIRECTORY}/research.toml`]: 'port = 5001\n[image]\nprofile = "simulator"\n',
};

describe('add', () => {
  test('writes a file that loads, and says what comes next', async () => {
    const { context, read, notes, warnings } = sandbox();
    const options = { mode: 'paper', user: 'user1', profile: 'simulator' };
    expect(await instanceAdd(context, '4002', options)).toBe(0);
    expect(read(`${DIRECTORY}/4002.toml`)).toBe(
      `# Instance 4002. "ibq instance show 4002" lists every setting and where it comes from.
mode = "paper"
user = "user1"

[image]
profile = "simulator"
`,
    );
    expect(notes).toEqual([
      `wrote ${DIRECTORY}/4002.toml`,
      'next:',
      '  sudo ibq secret set 4002 password',
      '  sudo ibq deploy',
    ]);
    expect(warnings).toEqual([
      `${DIRECTORY}/4002.toml: read_only_api: not set: API clients cannot trade; set it to false, or to true to keep it so`,
    ]);
  });

  test('--set gives any key its type, and variables', async () => {
    const { context, read } = sandbox();
    const set = [
      'read_only_api=false',
      'java_heap=1024',
      'time_zone=America/New_York',
      'environment.A=x=y\nz',
      'image.reference=example.org/ib:1',
    ];
    await instanceAdd(context, 'research', { port: 5001, user: 'u', set });
    expect(read(`${DIRECTORY}/research.toml`)?.split('\n').slice(1)).toEqual([
      'user = "u"',
      'port = 5001',
      'time_zone = "America/New_York"',
      'read_only_api = false',
      'java_heap = 1024',
      'environment = { A = "x=y\\nz" }',
      '',
      '[image]',
      'reference = "example.org/ib:1"',
      '',
    ]);
  });

  test('warns about the new instance only', async () => {
    const { context, warnings } = sandbox(FILES);
    await instanceAdd(context, '4003', { mode: 'live' });
    expect(warnings).toEqual([
      `${DIRECTORY}/4003.toml: read_only_api: not set: API clients cannot trade; set it to false, or to true to keep it so`,
      `${DIRECTORY}/4003.toml: user: "shared" logs in to live in ${DIRECTORY}/4001.toml too: IBKR lets a user in once, so one of the two will end or throw the other out`,
    ]);
  });

  test.each<[string, string, Parameters<typeof instanceAdd>[2], number, string]>([
    [
      'a bad name',
      'My-IB',
      {},
      64,
      'name of an instance: should be 1-31 of a-z, 0-9 and "_", the first a letter or digit, got "My-IB"',
    ],
    [
      'a path',
      '../x',
      {},
      64,
      'name of an instance: should be 1-31 of a-z, 0-9 and "_", the first a letter or digit, got "../x"',
    ],
    ['no port', 'other', {}, 64, 'instance other: the name is not a port; add --port N'],
    ['--set without =', '4002', { set: ['mode'] }, 64, '--set: should be KEY=VALUE, got "mode"'],
    [
      'one that is there',
      '4001',
      {},
      1,
      `${DIRECTORY}/4001.toml is there already, nothing was changed; edit it, then run "sudo ibq deploy"`,
    ],
    [
      'a port that is taken',
      'other',
      { port: 4001 },
      64,
      `--port: 4001 is already used by ${DIRECTORY}/4001.toml; choose another; --port 4002 is free`,
    ],
    [
      'the port of the paper half that is taken',
      '4000',
      { mode: 'both' },
      64,
      `--set paper_port: 4001 is already used by ${DIRECTORY}/4001.toml; choose another; --port 4002 is free`,
    ],
    ['a trading mode', '4009', { mode: 'liev' }, 64, '--mode: should be "live", "paper", "both"'],
    [
      'a port',
      '4009',
      { set: ['port=70000'] },
      64,
      '--set port: should be a port (1-65535), got 70000',
    ],
    [
      "a key of the host's",
      '4002',
      { set: ['network.allow=10.0.0.7'] },
      64,
      '--set network.allow: it holds for all instances: set it in [network] of ibq.toml',
    ],
    [
      'a secret',
      '4002',
      { set: ['password=x'] },
      64,
      '--set password: a secret belongs into no file; after this, run "sudo ibq secret set 4002 password"',
    ],
    [
      'an unknown key',
      '4002',
      { set: ['memroy=1'] },
      64,
      `--set memroy: unknown key; did you mean "memory"?`,
    ],
    [
      'a hostile key',
      '4002',
      { set: ['a"b\n[x]\ny=1'] },
      64,
      `--set "a\\"b\\n[x]\\ny": unknown key`,
    ],
    [
      'a wrong value',
      '4002',
      { mode: 'both', profile: 'danklabs' },
      64,
      `--mode: should be "live" or "paper" with profile danklabs, got "both"`,
    ],
    [
      'a wrong type',
      '4002',
      { set: ['read_only_api=yes'] },
      64,
      `--set read_only_api: should be true or false, got "yes"`,
    ],
  ])('%s is refused and nothing written', async (_title, name, options, exitCode, message) => {
    const { context } = sandbox(FILES);
    const before = context.host.files.list(DIRECTORY);
    const adding = instanceAdd(context, name, options);
    await expect(adding).rejects.toThrow(message);
    await expect(adding).rejects.toMatchObject({ exitCode });
    expect(context.host.files.list(DIRECTORY)).toEqual(before);
  });
});

test.each([
  [['hosts.maindb=10.0.0.2', 'hosts.other=10.0.0.3']],
  [['hosts={ maindb = "10.0.0.2", other = "10.0.0.3" }']],
])('add --set %j writes host names', async (set) => {
  const { context, read } = sandbox(FILES);
  await instanceAdd(context, '4002', { set });
  expect(read(`${DIRECTORY}/4002.toml`)).toContain(
    'hosts = { maindb = "10.0.0.2", other = "10.0.0.3" }\n',
  );
});

test('a fault of another file is told as one, whatever was typed', async () => {
  const { context } = sandbox({ ...FILES, [`${DIRECTORY}/4003.toml`]: 'mode = "x"\n' });
  const adding = instanceAdd(context, '4002', { mode: 'liev' });
  await expect(adding).rejects.toThrow(`${DIRECTORY}/4003.toml: mode: should be`);
  await expect(adding).rejects.toMatchObject({ exitCode: 78 });
});

test.each([
  [{ set: ['read_only_api=true'] }, FILES],
  [{}, { ...FILES, '/etc/ibq/ibq.toml': '[defaults]\nread_only_api = false\n' }],
])('of a paper instance whose read_only_api is set nothing is said: %j', async (options, files) => {
  const { context, warnings } = sandbox(files);
  await instanceAdd(context, '4002', { mode: 'paper', ...options });
  expect(warnings.filter((line) => line.includes('read_only_api'))).toEqual([]);
});

test('a tunnel wants its host keys pinned before a deploy', async () => {
  const { context, notes } = sandbox(FILES);
  await instanceAdd(context, '4002', {
    set: ['ssh.mode=both', 'ssh.targets=trader@10.0.0.5'],
  });
  expect(notes.slice(notes.indexOf('next:') + 1)).toEqual([
    '  sudo ibq secret set 4002 password',
    '  sudo ibq tunnel key 4002',
    '  sudo ibq tunnel trust 4002',
    '  sudo ibq deploy',
  ]);
});

describe('remove', () => {
  test('deletes the file, and says how to stop it', async () => {
    const { context, read, notes } = sandbox(FILES);
    expect(await instanceRemove(context, 'research', { purge: false })).toBe(0);
    expect(read(`${DIRECTORY}/research.toml`)).toBeNull();
    expect(read(`${DIRECTORY}/4001.toml`)).not.toBeNull();
    expect(notes.at(-1)).toBe(
      'to stop it: sudo ibq deploy (its settings volume and its secrets stay)',
    );
  });

  test.each([
    // The nearest name may be the one that trades: none is suggested.
    ['reserch', 64, `${DIRECTORY}/reserch.toml is not there; "ibq instance list" lists those`],
    ['../ibq', 64, 'name of an instance: should be'],
  ])('%s is refused', async (name, exitCode, message) => {
    const { context } = sandbox(FILES);
    const removing = instanceRemove(context, name, { purge: false });
    await expect(removing).rejects.toThrow(message);
    await expect(removing).rejects.toMatchObject({ exitCode });
  });
});

test('--purge asks at a terminal, and a no changes nothing', async () => {
  const sand = sandbox(FILES);
  const { context, ran } = liveHost(sand);
  const asked: string[] = [];
  const ui = {
    ...context.ui,
    interactive: true,
    confirm: async (question: string) => {
      asked.push(question);
      return false;
    },
  };
  const removing = instanceRemove({ ...context, ui }, 'research', { purge: true });
  await expect(removing).rejects.toThrow('aborted, no changes made');
  expect(asked).toEqual([
    'research: stop it now, and delete its settings volume and its secrets for good?',
  ]);
  expect(ran).toEqual([]);
  expect(sand.read(`${DIRECTORY}/research.toml`)).not.toBeNull();
});

describe('list', () => {
  test('one row an instance', async () => {
    const { context, out } = sandbox(FILES);
    expect(await instanceList(context, { json: false })).toBe(0);
    expect(out).toEqual([
      '4001\tlive\t4001\tshared\tgnzsnz\tghcr.io/gnzsnz/ib-gateway:stable\n' +
        'research\tpaper\t5001\tshared\tsimulator\tlocalhost/ibq-simulator:latest',
    ]);
  });

  test('as JSON', async () => {
    const { context, json } = sandbox(FILES);
    await instanceList(context, { json: true });
    expect(json).toMatchObject([
      {
        instances: [
          {
            name: '4001',
            mode: 'live',
            port: 4001,
            user: 'shared',
            profile: 'gnzsnz',
            file: `${DIRECTORY}/4001.toml`,
          },
          { name: 'research', mode: 'paper', port: 5001, profile: 'simulator' },
        ],
      },
    ]);
  });

  test('none: nothing on stdout, and what to do', async () => {
    const { context, out, notes } = sandbox();
    expect(await instanceList(context, { json: false })).toBe(0);
    expect(out).toEqual([]);
    expect(notes.join()).toContain('sudo ibq instance add');
  });

  test('a mistyped --config is not an empty configuration', async () => {
    const { context } = sandbox(FILES);
    const listing = instanceList({ ...context, configFile: '/etc/ibqq/ibq.toml' }, { json: false });
    await expect(listing).rejects.toMatchObject({
      exitCode: 78,
      message:
        '/etc/ibqq/ibq.toml is not there; to make it, run "sudo ibq --config /etc/ibqq/ibq.toml init"',
    });
  });
});

describe('show', () => {
  test('each value with its source', async () => {
    const { context, json } = sandbox(FILES, { NETWORK_GATEWAY: '10.0.0.2' });
    expect(await instanceShow(context, '4001', { json: true })).toBe(0);
    const main = '/etc/ibq/ibq.toml';
    const own = `${DIRECTORY}/4001.toml`;
    const pin = '/etc/ibq/network.toml';
    expect(json).toHaveLength(1);
    expect(json[0]).toMatchObject({ name: '4001', file: own });
    const { settings } = json[0] as { settings: object[] };
    for (const [key, value, source, from] of [
      ['mode', 'live', 'instance', own],
      ['user', 'shared', 'defaults', main],
      ['port', 4001, 'name', null],
      ['time_zone', 'Etc/UTC', 'built-in', null],
      ['memory', null, 'built-in', null],
      ['environment.A', '1', 'defaults', main],
      ['environment.B', '2', 'instance', own],
      ['image.profile', 'gnzsnz', 'built-in', null],
      ['image.reference', 'ghcr.io/gnzsnz/ib-gateway:stable', 'profile', null],
      ['network.mode', 'dual', 'built-in', null],
      ['network.interface', 'eth1', 'pin', pin],
      ['network.gateway', '10.0.0.2', 'environment', 'NETWORK_GATEWAY'],
      ['publish.address', '127.0.0.1', 'built-in', null],
    ]) {
      expect(settings).toContainEqual({ key, value, source, from });
    }
  });

  test.each([
    ['[image]\nreference = "example.org/a:1"\n', '', 'example.org/a:1', 'host'],
    [
      '[image]\nreference = "example.org/a:1"\n',
      '[image]\nprofile = "simulator"',
      'localhost/ibq-simulator:latest',
      'profile',
    ],
    ['', '[image]\nreference = "example.org/b:1"', 'example.org/b:1', 'instance'],
  ])('image of host %j and instance %j', async (main, own, value, source) => {
    const { context, json } = sandbox({
      '/etc/ibq/ibq.toml': main,
      [`${DIRECTORY}/4001.toml`]: own,
    });
    await instanceShow(context, '4001', { json: true });
    const { settings } = json[0] as { settings: object[] };
    expect(settings).toContainEqual(
      expect.objectContaining({ key: 'image.reference', value, source }),
    );
  });

  test('as rows', async () => {
    const { context, out } = sandbox(FILES);
    await instanceShow(context, 'research', { json: false });
    const rows = out.join('\n').split('\n');
    expect(rows[0]).toBe('mode\t"paper"\tbuilt-in\t');
    expect(rows).toContain(`port\t5001\tinstance\t${DIRECTORY}/research.toml`);
    expect(rows).toContain('memory\t-\tbuilt-in\t');
  });

  test('an unknown name', async () => {
    const { context } = sandbox(FILES);
    await expect(instanceShow(context, 'reserch', { json: false })).rejects.toThrow(
      'no instance "reserch"; did you mean "research"?',
    );
  });
});
