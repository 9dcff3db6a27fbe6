/** What is installed can be checked: the same source gives the same program, out of packages whose content is pinned. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

test('the same source in another directory, with its packages elsewhere, gives the same bundle', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ibq-build-'));
  onTestFinished(() => rmSync(scratch, { recursive: true }));
  const copy = join(scratch, 'of/the/source');
  for (const name of ['src', 'scripts/build.mjs', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const built = (source: string, to: string) => {
    const directory = join(scratch, to);
    const script = join(source, 'scripts/build.mjs');
    execFileSync(process.execPath, [script, join(directory, 'ibq.cjs')], { cwd: '/' });
    const files = readdirSync(directory, { recursive: true, withFileTypes: true });
    return Object.fromEntries(
      files
        .filter((file) => file.isFile())
        .map(({ name, parentPath }) => [name, readFileSync(join(parentPath, name), 'latin1')]),
    );
  };
  const [here, there] = [built(root, 'here'), built(copy, 'there')];
  expect(Object.keys(here)).toContain('main.cjs');
  expect(Object.keys(there)).toEqual(Object.keys(here));
  for (const [name, text] of Object.entries(here)) expect(there[name] === text, name).toBe(true);
});

test('every package of the lock has the hash of its content', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  const without = Object.entries(packages).flatMap(([path, { integrity }]) =>
    path === '' || integrity?.startsWith('sha512-') ? [] : [path],
  );
  expect(without).toEqual([]);
});
