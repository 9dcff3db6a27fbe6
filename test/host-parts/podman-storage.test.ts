/** Names of secrets: by Podman's own file where it has all that are wanted, and by Podman's word where it does not. */

import { expect, test } from 'vitest';
import type { HostReader } from '../../src/host/host.ts';
import { readSecretNames } from '../../src/host/podman-storage.ts';
import { sandbox } from '../support/sandbox.ts';

const FILE = '/var/lib/containers/storage/secrets/secrets.json';
const HAS = JSON.stringify({ nameToID: { 'ibq-4001-password': 'a1', other: 'b2' } });

test.each<[string, Record<string, string>, string[], string[]]>([
  ['all are in the file', { [FILE]: HAS }, ['ibq-4001-password'], ['ibq-4001-password', 'other']],
  ['the file misses one', { [FILE]: HAS }, ['ibq-4002-password'], ['told by podman']],
  ['there is no file', {}, [], ['told by podman']],
  ['it is written in another way', { [FILE]: '[]' }, [], ['told by podman']],
  [
    'the storage lies elsewhere',
    {
      [FILE]: HAS,
      '/etc/containers/storage.conf': '[storage]\ngraphroot = "/srv/podman"\n',
    },
    ['ibq-4001-password'],
    ['told by podman'],
  ],
])('%s', async (_, tree, wanted, names) => {
  const { host } = sandbox(tree).context;
  const run: HostReader['run'] = async (argv) => {
    expect(argv.slice(0, 3)).toEqual(['podman', 'secret', 'ls']);
    return { stdout: 'told by podman\n', stderr: '', exitCode: 0, failure: null };
  };
  expect([...(await readSecretNames({ ...host, run }, wanted))]).toEqual(names);
});
