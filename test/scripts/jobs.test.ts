/** Which host a test file of test/host has in a run of everything. */

import { describe, expect, test } from 'vitest';
import { hostFiles, onHosts, type Suite } from '../../scripts/test.d/jobs.mjs';

const FILES = hostFiles(new URL('../..', import.meta.url).pathname);
const SUITES: Suite[] = ['trixie', 'forky', 'vm'];

function ids(files: readonly string[], suites: Suite[], everyHost: boolean): string[] {
  return onHosts(files, suites, { everyHost }).map(({ id }) => id);
}

function title(file: string): string {
  return file.replace('test/host/', '').replace('.test.ts', '');
}

describe('a run of everything', () => {
  const run = ids(FILES, SUITES, false);
  const hostsOf = (file: string) => run.filter((id) => id.endsWith(` ${title(file)}`));

  test('has every file', () => {
    for (const file of FILES) expect(hostsOf(file), file).not.toEqual([]);
  });

  test('has those on both hosts that ask most of Podman and systemd, and a new one', () => {
    const both = FILES.filter((file) => hostsOf(file).length === 2).map(title);
    expect(both).toEqual(['deploy', 'testhost', 'units']);
    expect(ids(['test/host/new.test.ts'], SUITES, false)).toEqual(['trixie new', 'forky new']);
  });
});

test('--every-host has all on both, but for the virtual machine', () => {
  expect(ids(FILES, SUITES, true)).toHaveLength(2 * FILES.length - 1);
});

test('a suite has its own alone', () => {
  const files = ['test/host/vm.test.ts', 'test/host/deploy.test.ts'];
  expect(ids(files, ['vm'], true)).toEqual(['vm vm']);
  expect(ids(files, ['forky'], true)).toEqual(['forky deploy']);
});
