/** `ibq start | stop | restart`: systemctl on deployed instances. */

import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { lifecycle, type Verb } from '../../src/commands/lifecycle.ts';
import type { RunResult } from '../../src/host/host.ts';
import { libraryDirectory } from '../../src/host/shipped.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { journalOutput, liveHost, showOutput } from '../support/live-host.ts';
import { type Sandbox, sandbox } from '../support/sandbox.ts';

// The real one is the host's; test/host-parts tests it.
vi.mock('../../src/host/lock.ts', () => ({
  withLock: (_host: unknown, _command: string, action: () => Promise<unknown>) => action(),
}));

const ACTIVE = showOutput({
  'ib-gateway@4001.service': { ActiveState: 'active' },
  'ib-gateway@4002.service': { ActiveState: 'active' },
});

/** What a start needs on the host. */
const PARTS = [
  '/usr/bin/netavark',
  '/usr/sbin/nft',
  '/usr/bin/nsenter',
  `${libraryDirectory()}/hooks.d/ibq-guard.json`,
];
const PROGRAMS = ['guard', 'settings', 'login-guard'].map(
  (name) => `${libraryDirectory()}/${name}`,
);

/** What Podman and systemd say of themselves, and what the deployed instances need of them. */
const NEEDED: Record<string, string> = {
  'podman --version': 'podman version 5.4.2\n',
  'systemctl --version': 'systemd 257 (257.9)\n',
  'podman secret ls --format {{.Name}}': 'ibq-4001-password\nibq-4002-password\n',
};

async function run(
  verb: Verb,
  names: string[],
  {
    all = false,
    show = ACTIVE,
    log = ['a reason'],
    files = [] as string[],
    said = {} as Record<string, Partial<RunResult>>,
    prepare = (_: Sandbox) => {},
  } = {},
) {
  const sand = await deployedTree();
  for (const path of [...PARTS, ...PROGRAMS]) sand.write(path, '');
  for (const path of PROGRAMS) chmodSync(join(sand.root, path), 0o755);
  const { networks } = JSON.parse(sand.read('/etc/ibq/current/manifest.json') ?? '');
  for (const name of networks) sand.write(`/etc/containers/networks/${name}.json`, '{}');
  prepare(sand);
  for (const path of files) sand.write(path, '');
  const { context, ran } = liveHost(sand, (line) => {
    if (line.startsWith('systemctl show')) return { stdout: show };
    if (line in said) return said[line];
    if (line in NEEDED) return { stdout: NEEDED[line] ?? '' };
    return line.startsWith('journalctl') ? { stdout: journalOutput(log) } : undefined;
  });
  const exitCode = await lifecycle(context, verb, names, { all });
  const verbs = ran
    .map(({ line }) => line)
    .filter((line) => /^systemctl (start|stop|restart) /.test(line));
  return { exitCode, verbs, notes: sand.notes, warnings: sand.warnings };
}

test.each<[Verb, string[], boolean, string]>([
  ['start', ['4002'], false, 'systemctl start -- ib-gateway@4002.service'],
  ['stop', ['4002'], false, 'systemctl stop -- ib-gateway@4002.service'],
  [
    'restart',
    ['4002', '4001'],
    false,
    'systemctl restart -- ib-gateway@4002.service ib-gateway@4001.service',
  ],
  ['restart', ['4001', '4001'], false, 'systemctl restart -- ib-gateway@4001.service'],
  ['stop', [], true, 'systemctl stop -- ib-gateway@4001.service ib-gateway@4002.service'],
])('%s %j (all: %s)', async (verb, names, all, line) => {
  const { exitCode, verbs } = await run(verb, names, { all });
  expect(exitCode).toBe(0);
  expect(verbs).toEqual([line]);
});

test('restart says what it costs before it does it', async () => {
  const { notes } = await run('restart', ['4001']);
  expect(notes[0]).toBe(
    'restarting 4001: a new login, which may ask for a second factor (it does not run)',
  );
});

describe('restart of one whose login was refused', () => {
  const wrong =
    '2026-11-28 00:06:44:123 IBC: detected dialog entitled: Unrecognized Username or Password; event=Opened';

  test('warns that it is one more attempt, and restarts', async () => {
    const { exitCode, warnings, verbs } = await run('restart', ['4001'], { log: [wrong] });
    expect(exitCode).toBe(0);
    expect(verbs).toHaveLength(1);
    expect(warnings).toEqual([
      '4001: IBKR refused the login: Unrecognized Username or Password; with the same password this is one more attempt, and too many lock the user: sudo ibq secret set 4001 password',
    ]);
  });

  test('says nothing where a later login went well', async () => {
    const log = [wrong, '2026-11-28 00:07:44:123 IBC: Login has completed'];
    expect((await run('restart', ['4001'], { log })).warnings).toEqual([]);
  });

  test('says nothing where its password was set anew since', async () => {
    const files = ['/run/ibq/instances/4001/new-login'];
    expect((await run('restart', ['4001'], { log: [wrong], files })).warnings).toEqual([]);
  });

  test('a start and a stop do not read the log', async () => {
    expect((await run('stop', ['4001'], { log: [wrong] })).warnings).toEqual([]);
    expect((await run('start', ['4001'], { log: [wrong] })).warnings).toEqual([]);
  });
});

test('one that does not come up: 1, named with the last lines of its log', async () => {
  const show = showOutput({
    'ib-gateway@4001.service': { ActiveState: 'active' },
    'ib-gateway@4002.service': { ActiveState: 'failed' },
  });
  const { exitCode, notes, warnings } = await run('start', [], { all: true, show });
  expect(exitCode).toBe(1);
  expect(warnings).toEqual(['4002 did not start:']);
  expect(notes.join('\n')).toContain('started 4001');
  expect(notes.join('\n')).toContain('a reason');
});

describe('what would not come back is not stopped, and all that is lacking is told at once', () => {
  test.each<[string, number, RegExp, Parameters<typeof run>[2]]>([
    [
      'a part',
      69,
      /^this host lacks nft, .*install the package nftables\nnothing was restarted$/s,
      { prepare: ({ root }) => rmSync(join(root, '/usr/sbin/nft')) },
    ],
    [
      'image, secret and guard',
      69,
      /guard should be a program, can't be run; .*\ninstance 4001: its password is not set; run "sudo ibq secret set 4001 password"\nimage localhost\/ibq-simulator:latest is not on this host; .*\nnothing was restarted$/s,
      {
        said: {
          'podman secret ls --format {{.Name}}': { stdout: '' },
          'podman image inspect --format {{.Digest}} {{.Config.User}} localhost/ibq-simulator:latest':
            { exitCode: 125, stderr: 'Error: localhost/ibq-simulator:latest: image not known\n' },
        },
        prepare: ({ root }) => chmodSync(join(root, PROGRAMS[0] ?? ''), 0o644),
      },
    ],
    [
      'a unit that is masked',
      1,
      /^ib-gateway@4001\.service is masked: .*sudo systemctl unmask ib-gateway@4001\.service/,
      { show: showOutput({ 'ib-gateway@4001.service': { LoadState: 'masked' } }) },
    ],
    [
      'a unit that systemd has not loaded',
      78,
      /^systemd has not loaded ib-gateway@4001\.service \(not-found\); run "sudo ibq deploy"/,
      { show: showOutput({ 'ib-gateway@4001.service': { LoadState: 'not-found' } }) },
    ],
    [
      'a drop-in that takes the guard away',
      78,
      /^ib-gateway@4001\.service has lost --hooks-dir=.*correct the drop-ins/,
      {
        prepare: (sand) =>
          sand.write(
            '/run/systemd/generator/ib-gateway@4001.service',
            '[Service]\nExecStart=podman run x\n',
          ),
      },
    ],
    [
      'the current generation',
      78,
      /\/etc\/ibq\/current is gone: no gateway that ends can start again; "sudo ibq deploy"/,
      { prepare: ({ root }) => rmSync(join(root, '/etc/ibq/current')) },
    ],
  ])('%s', async (_title, exitCode, message, options) => {
    await expect(run('restart', ['4001'], options)).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message),
    });
  });

  test('of those that run a start needs nothing', async () => {
    const said = { 'podman secret ls --format {{.Name}}': { stdout: '' } };
    expect((await run('start', ['4001'], { said })).exitCode).toBe(0);
  });
});

test('a network that somebody removed is made again first', async () => {
  const { verbs, notes } = await run('restart', ['4001'], {
    prepare: ({ root }) => rmSync(join(root, '/etc/containers/networks'), { recursive: true }),
  });
  expect(verbs).toEqual([
    expect.stringMatching(
      /^systemctl restart --job-mode=ignore-dependencies -- ibq-publish-[0-9a-f]+-network\.service$/,
    ),
    'systemctl restart -- ib-gateway@4001.service',
  ]);
  expect(notes.join('\n')).toMatch(/making network ibq-publish-[0-9a-f]+ again/);
});

test('two that have each other’s ports are stopped, then started', async () => {
  const { verbs } = await run('restart', [], {
    all: true,
    prepare: (sand) => {
      const hex = (port: number) => port.toString(16).toUpperCase();
      const socket = (port: number) =>
        `   0: 0100007F:0${hex(port)} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${port} 1\n`;
      sand.write('/proc/net/tcp', `  sl\n${socket(4001)}${socket(4002)}`);
      for (const [pid, port, unit] of [
        [7, 4001, '4002'],
        [8, 4002, '4001'],
      ]) {
        sand.write(`/proc/${pid}/cgroup`, `0::/x/ib-gateway@${unit}.service/y\n`);
        mkdirSync(join(sand.root, `/proc/${pid}/fd`), { recursive: true });
        symlinkSync(`socket:[${port}]`, join(sand.root, `/proc/${pid}/fd/3`));
      }
    },
  });
  expect(verbs).toEqual([
    'systemctl stop -- ib-gateway@4001.service ib-gateway@4002.service',
    'systemctl start -- ib-gateway@4001.service ib-gateway@4002.service',
  ]);
});

describe('refused, and systemd is not asked', () => {
  test.each<[string, string[], boolean, string]>([
    ['no name', [], false, 'start: name instances (4001, 4002) or pass --all'],
    ['names and --all', ['4001'], true, 'start: names and --all exclude each other'],
    [
      'one that is not deployed',
      ['4001', '4009'],
      false,
      'no deployed instance "4009": should be one of 4001, 4002; a new one runs after "sudo ibq deploy"',
    ],
    ['a property of all objects', ['constructor'], false, 'no deployed instance "constructor"'],
  ])('%s', async (_title, names, all, message) => {
    const { context, ran } = liveHost(await deployedTree());
    const starting = lifecycle(context, 'start', names, { all });
    await expect(starting).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining(message),
    });
    expect(ran).toEqual([]);
  });

  test('nothing deployed', async () => {
    const { context } = liveHost(sandbox());
    await expect(lifecycle(context, 'start', ['4001'], { all: false })).rejects.toThrow(
      'no deployed instance "4001": nothing is deployed yet: run "sudo ibq deploy"',
    );
  });

  test('--root', async () => {
    const { context } = await deployedTree();
    await expect(lifecycle(context, 'stop', ['4001'], { all: false })).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('--root'),
    });
  });

  test('without root: 77', async () => {
    const { context } = liveHost(await deployedTree());
    vi.spyOn(process, 'geteuid').mockReturnValue(1000);
    await expect(lifecycle(context, 'restart', ['4001'], { all: false })).rejects.toMatchObject({
      exitCode: 77,
    });
  });
});
