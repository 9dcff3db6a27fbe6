/** `scripts/install.sh` into a tree: what it puts there, and that it takes all of it away again. */

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

const repository = new URL('..', import.meta.url).pathname;
let work: string;
let root: string;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'ibq-install-'));
  root = join(work, 'root');
  // Built already: what the bundle holds is not asked here.
  const source = join(work, 'source');
  for (const part of ['scripts', 'quadlets', 'docs/man', 'docs/schema', 'LICENSE']) {
    cpSync(join(repository, part), join(source, part), { recursive: true });
  }
  mkdirSync(join(source, 'dist/parts'), { recursive: true });
  writeFileSync(join(source, 'dist/ibq.cjs'), '#!/usr/bin/env node\n');
  writeFileSync(join(source, 'dist/parts/main.cjs'), '');
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/node'), '', { mode: 0o755 });
});
afterAll(() => rmSync(work, { recursive: true }));

const install = (...args: string[]) =>
  execa(join(work, 'source/scripts/install.sh'), args, {
    env: { DESTDIR: root, IBQ_NODE: '/usr/bin/node', PREFIX: '/usr/local' },
  });

test('installs the program, the hook, the shim, the tunnels, the templates and the man page', async () => {
  await install();
  const lib = join(root, 'usr/local/lib/ibq');
  expect(readdirSync(lib).sort()).toEqual([
    'LICENSE',
    'guard',
    'hooks.d',
    'ibq.cjs',
    'login-guard',
    'own-settings',
    'parts',
    'quadlets',
    'settings',
    'shim',
    'stop',
    'tunnel',
  ]);
  for (const program of [
    'guard',
    'settings',
    'own-settings',
    'stop',
    'login-guard',
    'shim',
    'tunnel',
    'ibq.cjs',
  ]) {
    expect(statSync(join(lib, program)).mode & 0o777, program).toBe(0o755);
  }
  expect(readdirSync(join(lib, 'quadlets')).sort()).toEqual(
    readdirSync(join(repository, 'quadlets')).sort(),
  );
  const hook = JSON.parse(readFileSync(join(lib, 'hooks.d/ibq-guard.json'), 'utf8'));
  expect(hook.hook.path).toBe('/usr/local/lib/ibq/guard');
  // Without "--" Node would take options of ibq for its own.
  expect(readFileSync(join(lib, 'ibq.cjs'), 'utf8')).toMatch(/^#!\/usr\/bin\/node --\n/);
  expect(readdirSync(join(root, 'usr/local/share/ibq/schema'))).toContain('instance.schema.json');
});

test.each([
  ['022', 0o022],
  ['000', 0o000],
  ['077', 0o077],
])(
  'modes do not hang on the umask: %s, also where an older one left them open',
  async (_name, umask) => {
    const old = process.umask(umask);
    try {
      const lib = join(root, 'usr/local/lib/ibq');
      mkdirSync(join(lib, 'hooks.d'), { recursive: true });
      chmodSync(join(lib, 'hooks.d'), 0o777);
      await install();
      for (const directory of ['', 'hooks.d', 'quadlets', 'parts']) {
        expect(statSync(join(lib, directory)).mode & 0o777, directory).toBe(0o755);
      }
      for (const file of ['hooks.d/ibq-guard.json', 'LICENSE', 'parts/main.cjs']) {
        expect(statSync(join(lib, file)).mode & 0o777, file).toBe(0o644);
      }
      rmSync(join(root, 'usr/local'), { recursive: true });
    } finally {
      process.umask(old);
    }
  },
);

test('--uninstall leaves nothing of it', async () => {
  await install();
  await install('--uninstall');
  expect(existsSync(join(root, 'usr/local/lib/ibq'))).toBe(false);
  expect(existsSync(join(root, 'usr/local/share/ibq'))).toBe(false);
  expect(readdirSync(join(root, 'usr/local/bin'))).toEqual([]);
  expect(readdirSync(join(root, 'usr/local/share/man/man1'))).toEqual([]);
});
