/** `ibq instance rename`: what is copied, in which order, and what a broken one leaves. */

import { describe, expect, test, vi } from 'vitest';
import { instanceRename } from '../../src/commands/instance-rename.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { liveHost, showOutput } from '../support/live-host.ts';
import type { Sandbox } from '../support/sandbox.ts';

// The real one is the host's; test/host-parts tests it.
vi.mock('../../src/host/lock.ts', () => ({
  withLock: (_host: unknown, _command: string, action: () => Promise<unknown>) => action(),
}));

const SECRET = 'sec\nret\n';

async function prepare({
  runs = false,
  dies = '',
  left = '',
  files = {} as Record<string, string>,
} = {}) {
  const sand = await deployedTree();
  for (const [path, text] of Object.entries(files)) sand.write(path, text);
  const volumes = new Set(['ibq-4002-settings', ...(left ? [left] : [])]);
  const answer = (line: string) => {
    if (line.startsWith('systemctl show')) {
      const ActiveState = runs ? 'active' : 'inactive';
      return { stdout: showOutput({ 'ib-gateway@4002.service': { ActiveState } }) };
    }
    if (line.startsWith('podman secret ls')) {
      return { stdout: 'ibq-4001-password\nibq-4002-password\nibq-4002-config_ini-0123abcd\n' };
    }
    if (line.startsWith('podman secret inspect')) return { stdout: `${SECRET}\n` };
    const [, verb, rest = ''] = /^podman volume (\w+) (.*)$/.exec(line) ?? [];
    const name = rest.split(' ').at(-1) ?? '';
    if (verb === 'exists') return { exitCode: volumes.has(name) ? 0 : 1 };
    if (verb === 'inspect') return { stdout: `/volumes/${name}/_data\n` };
    return undefined;
  };
  const dying: typeof answer = (line) => {
    if (dies !== '' && line.startsWith(dies)) throw new Error('killed');
    return answer(line);
  };
  return { ...liveHost(sand, dying), sand, again: () => liveHost(sand, answer) };
}

const configured = (sand: Sandbox, name: string) => sand.read(`/etc/ibq/instances/${name}.toml`);

test('all that it has is copied before the configuration has the new name', async () => {
  const { context, ran, sand } = await prepare();
  expect(await instanceRename(context, '4002', 'trade', { yes: false })).toBe(0);
  const done = ran.filter(({ line }) => /create|rm |cp |stop/.test(line));
  expect(done.map(({ line, input }) => [line.replace(/^sh .* sh /, ''), input])).toEqual([
    ['systemctl stop -- ib-gateway@4002.service', undefined],
    ['podman secret create --replace ibq-trade-password -', SECRET],
    ['podman volume rm ibq-trade-settings', undefined],
    ['podman volume create ibq-trade-settings', undefined],
    [
      'cp --archive -- /volumes/ibq-4002-settings/_data/. /volumes/ibq-trade-settings/_data/',
      undefined,
    ],
  ]);
  expect(configured(sand, '4002')).toBeNull();
  // Its name had said the port.
  expect(configured(sand, 'trade')).toMatch(/^port = 4002\nmode = "paper"\n/);
  expect(sand.read('/etc/ibq/renaming')).toBeNull();
});

test('one that runs is stopped by -y alone', async () => {
  const { context, sand } = await prepare({ runs: true });
  await expect(instanceRename(context, '4002', 'trade', { yes: false })).rejects.toThrow('aborted');
  expect(configured(sand, '4002')).not.toBeNull();
  const yes = await prepare({ runs: true });
  const asked: boolean[] = [];
  const ui = {
    ...yes.context.ui,
    confirm: async (_: string, { assumeYes }: { assumeYes: boolean }) => {
      asked.push(assumeYes);
      return assumeYes;
    },
  };
  expect(await instanceRename({ ...yes.context, ui }, '4002', 'trade', { yes: true })).toBe(0);
  expect(asked).toEqual([true]);
});

describe('broken off', () => {
  test.each(['podman secret inspect', 'podman volume create', 'cp --archive'])(
    'at %s: the old one is whole, and the same command goes on',
    async (dies) => {
      const { context, sand, again } = await prepare({ dies });
      await expect(instanceRename(context, '4002', 'trade', { yes: true })).rejects.toThrow();
      expect(configured(sand, '4002')).not.toBeNull();
      expect(configured(sand, 'trade')).toBeNull();
      const other = again();
      await expect(instanceRename(other.context, '4001', 'live', { yes: true })).rejects.toThrow(
        'the rename of 4002 to trade was broken off; finish that first: sudo ibq instance rename 4002 trade',
      );
      // Half of a copy is there now; it is its own.
      expect(await instanceRename(other.context, '4002', 'trade', { yes: true })).toBe(0);
      expect(configured(sand, 'trade')).not.toBeNull();
    },
  );

  test('after the configuration has the new name: nothing is copied over it', async () => {
    const { context, sand, ran } = await prepare({
      files: { '/etc/ibq/renaming': '4002 trade\n' },
    });
    sand.write('/etc/ibq/instances/trade.toml', configured(sand, '4002') ?? '');
    context.host.files.remove('/etc/ibq/instances/4002.toml');
    expect(await instanceRename(context, '4002', 'trade', { yes: true })).toBe(0);
    expect(ran).toEqual([]);
    expect(sand.read('/etc/ibq/renaming')).toBeNull();
  });
});

describe('refused (64), and nothing is changed', () => {
  test.each<[string, string, string, RegExp, Parameters<typeof prepare>[0]]>([
    ['the same name', '4002', '4002', /has that name already/, {}],
    ['no such instance', '4009', 'trade', /4009\.toml is not there/, {}],
    ['a bad name', '4002', 'My-Trade', /should be/, {}],
    ['one that is there', '4002', '4001', /there is an instance 4001 already/, {}],
    [
      'what a former one left',
      '4002',
      'trade',
      /has left its settings volume; to forget that: sudo ibq instance remove trade --purge/,
      { left: 'ibq-trade-settings' },
    ],
  ])('%s', async (_title, from, to, message, options) => {
    const { context, sand } = await prepare(options);
    const renaming = instanceRename(context, from, to, { yes: true });
    await expect(renaming).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringMatching(message),
    });
    expect(sand.read('/etc/ibq/renaming')).toBeNull();
    expect(configured(sand, '4002')).not.toBeNull();
  });
});
