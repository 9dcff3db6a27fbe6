/** Running instances without a guard. The connection is a real one: to this machine itself, where it is refused. */

import { expect, test } from 'vitest';
import type { RunResult } from '../../src/host/host.ts';
import { findUnguarded } from '../../src/host/unguarded.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const INSTANCE = {
  container: 'ab12',
  pid: 100,
  definition: 'd',
  halves: [],
  session: '',
  guard: 'table inet ibq {}',
};
const RUNNING = new Map([['4001', INSTANCE]]);
const NETWORK = { '/etc/containers/networks/ibq-publish-1a2b.json': '{"subnet": "127.0.0.0/8"}' };
const ADDRESS = {
  '/proc/100/net/fib_trie':
    'Local:\n  +-- 0.0.0.0/0 3 0 5\n           |-- 127.0.0.1\n              /32 host LOCAL\n',
};

const ASKED = 'nsenter --net=/proc/100/ns/net -- nft list chain inet ibq input';

test.each<[string, Partial<RunResult>, string[]]>([
  [
    'nft has no such chain',
    { exitCode: 1, stderr: 'Error: No such file or directory\n' },
    ['4001'],
  ],
  ['nft has it: another firewall refused the connection', {}, []],
  ['nobody may look', { exitCode: 1, stderr: 'nsenter: … Operation not permitted\n' }, []],
  ['it has just ended', { exitCode: 1, stderr: 'nsenter: …: No such file or directory\n' }, []],
])('a connection is answered, and %s', async (_, result, names) => {
  const { context, ran } = liveHost(sandbox({ ...NETWORK, ...ADDRESS }), () => result);
  expect([...(await findUnguarded(context.host, RUNNING))]).toEqual(names);
  expect(ran.map(({ line }) => line)).toEqual([ASKED]);
});

test('without an address on a bridge nft alone tells', async () => {
  const { context, ran } = liveHost(sandbox(NETWORK), () => ({}));
  expect([...(await findUnguarded(context.host, RUNNING))]).toEqual([]);
  expect(ran.map(({ line }) => line)).toEqual([ASKED]);
});

test.each([
  ['nothing runs', new Map()],
  ['what runs is in mode host', new Map([['4001', { ...INSTANCE, guard: '# none\n' }]])],
])('where %s nobody is asked', async (_, running) => {
  const { context, ran } = liveHost(sandbox(NETWORK));
  expect([...(await findUnguarded(context.host, running))]).toEqual([]);
  expect(ran).toEqual([]);
});
