/** `ibq wait`: for whom it waits. The waiting itself is tested on booted hosts. */

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { wait } from '../../src/commands/wait.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const waitedFor = vi.hoisted(() => [] as string[][]);
vi.mock('../../src/host/wait.ts', () => ({
  waitForInstances: async (_host: unknown, instances: object) => {
    waitedFor.push(Object.keys(instances));
    return [];
  },
}));

beforeEach(() => {
  waitedFor.length = 0;
});

async function run(names: string[], { all = false, tree = deployedTree() } = {}) {
  const sand = await tree;
  const { context } = liveHost(sand, () => undefined);
  const exitCode = await wait(context, names, { all, timeoutSeconds: 1 });
  return { exitCode, notes: sand.notes };
}

describe('who is waited for', () => {
  test.each<[string[], boolean, string[]]>([
    [['4002'], false, ['4002']],
    [['4002', '4001', '4002'], false, ['4002', '4001']],
    [[], true, ['4001', '4002']],
  ])('%j, all: %j', async (names, all, wanted) => {
    expect((await run(names, { all })).exitCode).toBe(0);
    expect(waitedFor.map((it) => it.toSorted())).toEqual([wanted.toSorted()]);
  });

  test.each<[string[], boolean, string]>([
    [[], false, 'wait: name instances (4001, 4002) or pass --all'],
    [['4001'], true, 'wait: names and --all exclude each other'],
    [['4003'], false, 'no deployed instance "4003": should be one of 4001, 4002'],
  ])('%j, all: %j is refused', async (names, all, message) => {
    await expect(run(names, { all })).rejects.toThrow(message);
    expect(waitedFor).toEqual([]);
  });

  test('nobody, where nothing is deployed', async () => {
    const { exitCode, notes } = await run([], { all: true, tree: Promise.resolve(sandbox()) });
    expect(exitCode).toBe(0);
    expect(notes).toEqual(['nothing is deployed: run "sudo ibq deploy"']);
    expect(waitedFor).toEqual([]);
  });
});
