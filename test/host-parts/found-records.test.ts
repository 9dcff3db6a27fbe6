/** Records of /run/ibq that are gone, found again in cgroup, specification and generation. */

import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findRecord, namesInCgroups } from '../../src/host/found-records.ts';
import { readRunning, runningNames } from '../../src/host/installed.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import type { Sandbox } from '../support/sandbox.ts';

const ID = 'ab12'.padEnd(64, '0');
const CGROUP = '/sys/fs/cgroup/ib.slice/ib-gateways.slice/ib-gateway@4001.service';
const PAYLOAD = `${CGROUP}/libpod-payload-${ID}`;
const SPEC = `/var/lib/containers/storage/overlay-containers/${ID}/userdata/config.json`;

/** 4001 runs by what is deployed, and /run/ibq is empty. */
async function lost(changes: Record<string, string | null> = {}): Promise<Sandbox> {
  const sand = await deployedTree();
  const manifest = JSON.parse(sand.read('/etc/ibq/current/manifest.json') ?? '');
  const annotations = {
    'ibq.instance': '4001',
    'ibq.definition': manifest.instances['4001'].definition,
    'ibq.stop': '7462:4001',
    'ibq.session': 'cafe',
    'ibq.stop_timeout': '45',
  };
  const files: Record<string, string | null> = {
    // Whose process 1 is: the runtime's helper has the same cgroup.
    [`${PAYLOAD}/cgroup.procs`]: '99\n100\n101\n',
    '/proc/99/status': 'Name:\tcrun\nNSpid:\t99\n',
    '/proc/100/status': 'Name:\tbash\nNSpid:\t100\t1\n',
    '/proc/101/status': 'Name:\tjava\nNSpid:\t101\t17\n',
    '/proc/100/cgroup': `0::/ib.slice/ib-gateways.slice/ib-gateway@4001.service/libpod-payload-${ID}\n`,
    [SPEC]: JSON.stringify({ ociVersion: '1.2.0', annotations }),
    ...changes,
  };
  for (const [path, text] of Object.entries(files)) if (text !== null) sand.write(path, text);
  return sand;
}

test('all that the guard wrote down is there again', async () => {
  const { context, read } = await lost();
  const { files } = context.host;
  const definition = JSON.parse(read('/etc/ibq/current/manifest.json') ?? '').instances['4001']
    .definition;
  const state = `container=${ID}\npid=100\ndefinition=${definition}\nstop=7462:4001\nsession=cafe\nstop_timeout=45\n`;
  const guard = read('/etc/ibq/current/guard/4001.nft');
  expect(findRecord(files, '4001')).toEqual({ state, guard });
  expect(readRunning(files, ['4001', '4002'])).toEqual(
    new Map([
      [
        '4001',
        {
          container: ID,
          pid: 100,
          definition,
          halves: [{ command: 7462, api: 4001 }],
          session: 'cafe',
          guard,
          foundAgain: state,
        },
      ],
    ]),
  );
  expect(namesInCgroups(files)).toEqual(['4001']);
  expect(runningNames(files)).toEqual(['4001']);
});

test('a process 1 in a cgroup below', async () => {
  const { context } = await lost({
    [`${PAYLOAD}/cgroup.procs`]: '',
    [`${PAYLOAD}/container/cgroup.procs`]: '100\n',
  });
  expect(findRecord(context.host.files, '4001')?.state).toContain('pid=100\n');
});

test.each<[string, Record<string, string | null>]>([
  [
    'no container in the cgroup',
    { [`${PAYLOAD}/cgroup.procs`]: null, [`${CGROUP}/cgroup.procs`]: '100\n' },
  ],
  ['no process 1', { '/proc/100/status': 'NSpid:\t100\t2\n' }],
  ['no specification', { [SPEC]: null }],
  ['a specification that is no JSON', { [SPEC]: '{' }],
  [
    'a definition that no generation knows',
    { [SPEC]: JSON.stringify({ annotations: { 'ibq.instance': '4001', 'ibq.definition': 'ff' } }) },
  ],
])('nothing is made up: %s', async (_title, changes) => {
  const { context } = await lost(changes);
  expect(findRecord(context.host.files, '4001')).toBeNull();
});

test('what is written down goes before what is found', async () => {
  const sand = await lost();
  sand.write('/run/ibq/instances/4001/state', `container=${ID}\npid=100\ndefinition=older\n`);
  sand.write('/run/ibq/instances/4001/guard.nft', 'rules');
  const [record] = readRunning(sand.context.host.files, ['4001']).values();
  expect(record).toMatchObject({ definition: 'older', guard: 'rules' });
  expect(record).not.toHaveProperty('foundAgain');
});

test('a specification that nobody may read is none', async () => {
  const sand = await lost();
  chmodSync(`${sand.root}${SPEC}`, 0);
  // Root reads it all the same.
  expect([null, '4001']).toContain(findRecord(sand.context.host.files, '4001') && '4001');
});
