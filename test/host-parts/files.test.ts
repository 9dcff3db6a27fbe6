/**
 * Files of the host: whole or not at all, and never outside `--root`. The parts of src/host that
 * need no booted host are tested in this directory; test/host is for those that do.
 */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ExitCode, UserError } from '../../src/errors.ts';
import { openFiles } from '../../src/host/files.ts';
import { temporaryDirectory } from '../support/sandbox.ts';

let umask = 0;
beforeEach(() => {
  umask = process.umask(0o022);
});
afterEach(() => void process.umask(umask));

/** A tree, and files as `--root` opens it. */
function tree() {
  const root = temporaryDirectory();
  return { root, files: openFiles(root), at: (path: string) => join(root, path) };
}

function failure(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('did not fail');
}

describe('reading', () => {
  test('what is not there is nothing, not a failure', () => {
    const { files, at } = tree();
    writeFileSync(at('file'), 'text');
    for (const path of ['/absent', '/absent/below', '/file/below']) {
      expect(files.readText(path)).toBeNull();
      expect(files.list(path)).toEqual([]);
      expect(files.readLink(path)).toBeNull();
      expect(files.exists(path)).toBe(false);
    }
    expect(files.readLink('/file')).toBeNull();
  });

  test('what a path is, links not followed', () => {
    const { files, at } = tree();
    mkdirSync(at('directory'));
    writeFileSync(at('file'), 'text');
    symlinkSync('file', at('link'));
    symlinkSync('absent', at('dangling'));
    const kinds = ['directory', 'file', 'link', 'dangling', 'absent', 'file/below'].map((path) =>
      files.kindOf(`/${path}`),
    );
    expect(kinds).toEqual(['directory', 'file', 'link', 'link', null, null]);
    expect(openFiles(null).kindOf('/dev/null')).toBe('special');
  });

  test('names are sorted', () => {
    const { files, at } = tree();
    for (const name of ['b', 'a', '10', '9']) writeFileSync(at(name), '');
    expect(files.list('/')).toEqual(['10', '9', 'a', 'b']);
  });

  test('a directory in place of a file says which', () => {
    const { files, at } = tree();
    mkdirSync(at('dir'));
    expect(failure(() => files.readText('/dir')).message).toContain(
      `${at('dir')}: should be a file, is a directory`,
    );
  });
});

describe('writeText', () => {
  test('the text, the mode whatever the umask, and nothing beside it', () => {
    process.umask(0o077);
    const { files, at, root } = tree();
    files.writeText('/file', 'one\n');
    expect(readFileSync(at('file'), 'utf8')).toBe('one\n');
    expect(statSync(at('file')).mode & 0o777).toBe(0o644);
    files.writeText('/file', 'two\n', 0o600);
    expect(readFileSync(at('file'), 'utf8')).toBe('two\n');
    expect(statSync(at('file')).mode & 0o777).toBe(0o600);
    expect(readdirSync(root)).toEqual(['file']);
  });

  test('is a new file: who has the old one open goes on reading it', () => {
    const { files, at } = tree();
    files.writeText('/file', 'one');
    const before = statSync(at('file')).ino;
    files.writeText('/file', 'two');
    expect(statSync(at('file')).ino).not.toBe(before);
  });

  test('a failure leaves what was there, and no temporary file', () => {
    const { files, at, root } = tree();
    mkdirSync(at('taken'));
    writeFileSync(at('taken/inside'), '');
    expect(failure(() => files.writeText('/taken', 'x')).message).toContain(
      `cannot write ${at('taken')}: `,
    );
    expect(readdirSync(root)).toEqual(['taken']);
  });

  test('what a killed writer of the same process id left behind is in nobody’s way', () => {
    const { files, at, root } = tree();
    writeFileSync(at(`.file.${process.pid}.tmp`), 'half');
    symlinkSync('half', at(`.link.${process.pid}.tmp`));
    files.writeText('/file', 'whole');
    files.symlink('target', '/link');
    expect(readFileSync(at('file'), 'utf8')).toBe('whole');
    expect(readdirSync(root)).toEqual(['file', 'link']);
  });

  test('replaces a link, and leaves what it showed alone', () => {
    const { files, at } = tree();
    writeFileSync(at('mine'), 'mine');
    symlinkSync('mine', at('link'));
    files.writeText('/link', 'ours');
    expect(readFileSync(at('mine'), 'utf8')).toBe('mine');
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(false);
  });
});

describe('makeDirectory', () => {
  test('makes all that is missing, open to read whatever the umask', () => {
    process.umask(0o077);
    const { files, at } = tree();
    files.makeDirectory('/a/b/c');
    for (const path of ['a', 'a/b', 'a/b/c']) {
      expect(statSync(at(path)).mode & 0o777, path).toBe(0o755);
    }
  });

  test('one that is there keeps its mode', () => {
    const { files, at } = tree();
    mkdirSync(at('mine'));
    chmodSync(at('mine'), 0o700);
    files.makeDirectory('/mine');
    files.makeDirectory('/mine/new');
    expect(statSync(at('mine')).mode & 0o777).toBe(0o700);
    expect(statSync(at('mine/new')).mode & 0o777).toBe(0o755);
  });
});

describe('writeTree', () => {
  test('files, directories in between, links', () => {
    const { files, at } = tree();
    files.writeTree(
      '/generation',
      [
        { path: 'units/a.container', text: 'a' },
        { path: 'units/a.container.d/10-ibq.conf', text: 'b' },
        { path: 'manifest.json', text: '{}' },
      ],
      [{ path: 'units/a@1.container', target: 'a.container' }],
    );
    expect(readdirSync(at('generation'))).toEqual(['manifest.json', 'units']);
    expect(readFileSync(at('generation/units/a@1.container'), 'utf8')).toBe('a');
    expect(readFileSync(at('generation/units/a.container.d/10-ibq.conf'), 'utf8')).toBe('b');
    expect(readlinkSync(at('generation/units/a@1.container'))).toBe('a.container');
  });

  test.each([0o000, 0o077])('modes are set, whatever the umask: %o', (umask) => {
    process.umask(umask);
    const { files, at } = tree();
    const link = { path: 'units/a@1.container', target: 'a.container' };
    files.writeTree(
      '/above/generation',
      [{ path: 'units/a.container.d/b.conf', text: '' }],
      [link],
    );
    for (const path of ['above', 'above/generation', 'above/generation/units']) {
      expect(statSync(at(path)).mode & 0o777, path).toBe(0o755);
    }
    const units = 'above/generation/units/a.container.d';
    expect(statSync(at(units)).mode & 0o777).toBe(0o755);
    expect(statSync(at(`${units}/b.conf`)).mode & 0o777).toBe(0o644);
  });

  test('never over a file that is there', () => {
    const { files } = tree();
    const file = [{ path: 'a', text: 'a' }];
    files.writeTree('/generation', file, []);
    expect(failure(() => files.writeTree('/generation', file, [])).message).toContain(
      'cannot write',
    );
  });
});

test('symlink replaces what is there in one step: the switch', () => {
  const { files, at, root } = tree();
  files.symlink('generations/1', '/current');
  files.symlink('generations/2', '/current');
  expect(files.readLink('/current')).toBe('generations/2');
  expect(readdirSync(root)).toEqual(['current']);
  expect(existsSync(at('current'))).toBe(false);
});

test('remove takes a tree, a link but not what it shows, and what is not there', () => {
  const { files, at } = tree();
  mkdirSync(at('tree/below'), { recursive: true });
  mkdirSync(at('kept'));
  symlinkSync('kept', at('link'));
  for (const path of ['/tree', '/link', '/absent']) files.remove(path);
  expect(files.list('/')).toEqual(['kept']);
});

test('a temporary directory is nobody else’s, and inside --root', () => {
  const { files, at } = tree();
  mkdirSync(at('tmp'));
  const path = files.makeTemporaryDirectory('ibq-');
  expect(path).toMatch(/^\/tmp\/ibq-/);
  expect(statSync(at(path)).mode & 0o777).toBe(0o700);
});

describe('--root: a link that leads out', () => {
  /** outside/secret, and links to it in the tree. */
  function trap() {
    const { root, files, at } = tree();
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(outside, at('out'));
    symlinkSync(join(outside, 'secret'), at('secret'));
    symlinkSync('../../../../../../../../../etc', at('etc'));
    return { root, files, outside };
  }

  test.each<[string, (files: ReturnType<typeof openFiles>) => unknown]>([
    ['readText through', (files) => files.readText('/out/secret')],
    ['readText of', (files) => files.readText('/secret')],
    ['readText up and out', (files) => files.readText('/etc/passwd')],
    ['list', (files) => files.list('/out')],
    ['exists', (files) => files.exists('/secret')],
    ['writeText', (files) => files.writeText('/out/new', 'x')],
    ['makeDirectory', (files) => files.makeDirectory('/out/new')],
    ['makeDirectory of itself', (files) => files.makeDirectory('/out', 0o700)],
    ['writeTree', (files) => files.writeTree('/out/new', [{ path: 'a', text: '' }], [])],
    ['symlink', (files) => files.symlink('x', '/out/new')],
    ['rename to', (files) => files.rename('/secret', '/out/new')],
    ['rename from', (files) => files.rename('/out/secret', '/new')],
    ['remove', (files) => files.remove('/out/secret')],
  ])('%s: is refused, and nothing happens there', (_title, action) => {
    const { root, files, outside } = trap();
    const { mode } = statSync(outside);
    expect(failure(() => action(files)).message).toMatch(
      new RegExp(`^${root}/.*: leads out of --root ${root}, to .*; remove that link$`),
    );
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(statSync(outside).mode).toBe(mode);
  });

  test('what names the link and not its target is allowed', () => {
    const { files, outside } = trap();
    expect(files.readLink('/secret')).toBe(join(outside, 'secret'));
    files.writeText('/secret', 'ours');
    files.remove('/out');
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  test('one that stays inside is followed', () => {
    const { files, at } = tree();
    mkdirSync(at('real'));
    writeFileSync(at('real/file'), 'text');
    symlinkSync('real', at('link'));
    expect(files.readText('/link/file')).toBe('text');
  });

  test('.. in a path stays inside', () => {
    const { files, at } = tree();
    writeFileSync(at('file'), 'text');
    expect(files.readText('/../../file')).toBe('text');
  });
});

describe('failures in the user’s words', () => {
  test.each([
    ['a user', 1000, 'permission denied; run it with sudo', ExitCode.needsRoot],
    ['root', 0, 'permission denied, even to root', ExitCode.failed],
  ])('no permission: %s', (_who, uid, words, exitCode) => {
    vi.spyOn(process, 'geteuid').mockReturnValue(uid);
    onTestFinished(() => void vi.restoreAllMocks());
    // sysfs lets nobody make a file, root neither.
    const error = failure(() => openFiles(null).writeText('/sys/ibq-test', 'x'));
    expect(error.message).toBe(`cannot write /sys/ibq-test: ${words}`);
    expect(error.exitCode).toBe(exitCode);
  });

  test.each(['absent/file', 'file/below'])('no directory to write %s into', (path) => {
    const { files, at } = tree();
    writeFileSync(at('file'), 'text');
    expect(failure(() => files.writeText(`/${path}`, 'x')).message).toBe(
      `cannot write ${at(path)}: ${join(at(path), '..')} should be a directory; make it and repeat`,
    );
  });

  /** A tiny file system of its own. Only root can mount one: root's run skips nothing. */
  function mounted(skip: (reason: string) => void, options: string): string {
    const directory = temporaryDirectory();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'ibq-test', directory], {
        stdio: 'ignore',
      });
    } catch (error) {
      if (process.getuid?.() === 0) throw error;
      skip('needs root, to mount a file system');
    }
    onTestFinished(() => void execFileSync('umount', [directory]));
    return directory;
  }

  test('no space left: what was there is still there', ({ skip }) => {
    const directory = mounted(skip, 'size=16k');
    const files = openFiles(directory);
    files.writeText('/file', 'before');
    expect(failure(() => files.writeText('/file', 'x'.repeat(100_000))).message).toBe(
      `cannot write ${directory}/file: no space left on the device; free some and repeat`,
    );
    expect(files.readText('/file')).toBe('before');
    expect(files.list('/')).toEqual(['file']);
  });

  test('read-only', ({ skip }) => {
    const directory = mounted(skip, 'ro');
    expect(failure(() => openFiles(directory).writeText('/file', 'x')).message).toBe(
      `cannot write ${directory}/file: the file system is read-only; mount it writable and repeat`,
    );
  });
});
