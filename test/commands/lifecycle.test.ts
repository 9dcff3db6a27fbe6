/** `ibq start | stop | restart`: systemctl on deployed instances. */

import { describe, expect, test, vi } from 'vitest';
import { lifecycle, type Verb } from '../../src/commands/lifecycle.ts';
import { libraryDirectory } from '../../src/host/shipped.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { journalOutput, liveHost, showOutput } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

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

async function run(
  verb: Verb,
  names: string[],
  { all = false, show = ACTIVE, log = ['a reason'], files = [] as string[] } = {},
) {
  const sand = await deployedTree();
  for (const path of PARTS) sand.write(path, '');
  for (const path of files) sand.write(path, '');
  const { context, ran } = liveHost(sand, (line) => {
    if (line.startsWith('systemctl show')) return { stdout: show };
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

test('restart on a host that lacks a part stops nothing: 69, and the package', async () => {
  const { context, ran } = liveHost(await deployedTree());
  await expect(lifecycle(context, 'restart', ['4001'], { all: false })).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringContaining('install the package nftables'),
  });
  expect(ran).toEqual([]);
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
