/** What may lie where a file of the configuration is looked for. Real directories and pipes. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfigSources } from '../../src/host/config-files.ts';
import { openFiles } from '../../src/host/files.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ibq-config-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test.each([['ibq.toml'], ['network.toml'], ['instances/4001.toml']])(
  'a directory or a pipe in the place of %s is refused in words, and nothing waits',
  (name) => {
    const path = join(root, 'etc/ibq', name);
    mkdirSync(dirname(path), { recursive: true });
    const read = () => readConfigSources(openFiles(root), '/etc/ibq/ibq.toml');

    mkdirSync(path);
    expect(read).toThrow(`/etc/ibq/${name}: should be a file, is a directory`);
    rmSync(path, { recursive: true });

    execFileSync('mkfifo', [path]);
    expect(read).toThrow(`/etc/ibq/${name}: should be a plain file, is none`);
    expect(read).toThrow(expect.objectContaining({ exitCode: 78 }));
  },
);
