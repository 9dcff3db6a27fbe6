/** Files of the host, or of the tree under `--root DIR`: reading, and writing whole or not at all. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ExitCode, UserError } from '../errors.ts';
import { ABSENT_FILE, readChosen } from './chosen-file.ts';
import type { FileReader, FileWriter } from './host.ts';

export function openFiles(root: string | null): FileReader & FileWriter {
  const base = root === null ? null : fs.realpathSync(resolve(root));

  /**
   * Where `path` lies; a link under `--root` that leads out of the tree is refused.
   *
   * @param last what happens to `path` itself: a link there is followed, or is what is meant
   */
  function locate(path: string, last: 'followed' | 'meant'): string {
    if (base === null) return path;
    // As in a chroot: `..` does not lead above the root.
    const inside = join(base, resolve('/', path));
    const real = realPath(last === 'followed' ? inside : dirname(inside));
    if (real !== base && !real.startsWith(base + sep)) {
      throw new UserError(`${inside}: leads out of --root ${base}, to ${real}; remove that link`);
    }
    return inside;
  }

  function guarded<T>(
    path: string,
    verb: string,
    action: (located: string) => T,
    last: 'followed' | 'meant' = 'meant',
  ): T {
    const located = locate(path, last);
    try {
      return action(located);
    } catch (error) {
      throw explain(error, verb, located);
    }
  }

  return {
    readText: (path) =>
      guarded(path, 'read', (at) => absentAs(null, () => fs.readFileSync(at, 'utf8')), 'followed'),
    readChosen: (path, limit) =>
      guarded(path, 'read', (at) => absentAs(ABSENT_FILE, () => readChosen(at, limit)), 'followed'),
    list: (path) =>
      guarded(
        path,
        'list',
        (at) => absentAs<string[]>([], () => fs.readdirSync(at).sort()),
        'followed',
      ),
    exists: (path) => fs.existsSync(locate(path, 'followed')),
    isProgram: (path) => {
      const stat = fs.statSync(locate(path, 'followed'), { throwIfNoEntry: false });
      return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
    },
    readLink: (path) =>
      guarded(path, 'read', (at) => {
        try {
          return fs.readlinkSync(at);
        } catch (error) {
          if (isCode(error, 'ENOENT', 'EINVAL', 'ENOTDIR')) return null;
          throw error;
        }
      }),
    kindOf: (path) =>
      guarded(path, 'look at', (at) =>
        absentAs(null, () => {
          const found = fs.lstatSync(at);
          if (found.isSymbolicLink()) return 'link';
          if (found.isDirectory()) return 'directory';
          return found.isFile() ? 'file' : 'special';
        }),
      ),
    writeText: (path, text, mode = 0o644) =>
      guarded(path, 'write', (at) =>
        replaceDurably(at, (temporary) => syncedWrite(temporary, text, mode)),
      ),
    makeDirectory: (path, mode = 0o755) =>
      guarded(path, 'create', (at) => makeDirectories(at, mode), 'followed'),
    makeTemporaryDirectory: (prefix) => {
      // Below /tmp it could be a tree of another user's; mkdtemp makes it 0700.
      const above = join(base ?? '', tmpdir());
      try {
        const at = fs.mkdtempSync(join(above, prefix));
        return base === null ? at : at.slice(base.length);
      } catch (error) {
        throw explain(error, 'write in', above);
      }
    },
    writeTree: (directory, files, links) =>
      guarded(directory, 'write', (at) => {
        const directories = new Set([at]);
        const prepare = (path: string) => {
          const full = join(at, path);
          for (let up = dirname(full); !directories.has(up); up = dirname(up)) directories.add(up);
          makeDirectories(dirname(full), 0o755);
          return full;
        };
        makeDirectories(at, 0o755);
        for (const { path, text } of files) syncedWrite(prepare(path), text, 0o644);
        for (const { path, target } of links) fs.symlinkSync(target, prepare(path));
        for (const path of directories) syncDirectory(path);
      }),
    symlink: (target, path) =>
      guarded(path, 'link', (at) =>
        replaceDurably(at, (temporary) => fs.symlinkSync(target, temporary)),
      ),
    rename: (from, to) =>
      guarded(to, 'rename', (at) => {
        const source = locate(from, 'meant');
        renameDurably(source, at);
      }),
    remove: (path) =>
      guarded(path, 'remove', (at) => fs.rmSync(at, { recursive: true, force: true })),
  };
}

/**
 * The directory and those above it. mkdir's mode passes through the umask: those that are made here get theirs
 * whatever it is, and what was there keeps the mode that somebody gave it.
 */
function makeDirectories(at: string, mode: number): void {
  const first = fs.mkdirSync(at, { recursive: true, mode });
  if (first === undefined) return;
  for (let made = at; made.length >= first.length; made = dirname(made)) fs.chmodSync(made, mode);
}

/** Made beside `path` under another name, then renamed. */
function replaceDurably(path: string, make: (temporary: string) => void): void {
  const temporary = temporaryBeside(path);
  try {
    // One that was killed had this process id once.
    fs.rmSync(temporary, { force: true });
    make(temporary);
    renameDurably(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

function syncedWrite(path: string, text: string, mode: number): void {
  const file = fs.openSync(path, 'wx', mode);
  try {
    fs.writeFileSync(file, text);
    fs.fchmodSync(file, mode);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** A rename lasts through a power cut only when the directory itself is on disk. */
function renameDurably(from: string, to: string): void {
  fs.renameSync(from, to);
  syncDirectory(dirname(to));
}

function syncDirectory(path: string): void {
  const directory = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

/** A hidden name without a unit extension: generators must not take it for a unit (Quadlet reads dotfiles). */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
}

/** Real path of `path`, or of the nearest directory above it that exists. */
function realPath(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      return fs.realpathSync.native(at);
    } catch (error) {
      if (!isCode(error, 'ENOENT', 'ENOTDIR')) throw explain(error, 'read', at);
    }
  }
}

function absentAs<T>(absent: T, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return absent;
    throw error;
  }
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** System errors in the user's words. */
export function explain(error: unknown, verb: string, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (isCode(error, 'EACCES', 'EPERM')) {
    // Immutable (chattr), or a network file system that does not trust this machine's root.
    if (process.geteuid?.() === 0) {
      return new UserError(`cannot ${verb} ${path}: permission denied, even to root`);
    }
    return new UserError(
      `cannot ${verb} ${path}: permission denied; run it with sudo`,
      ExitCode.needsRoot,
    );
  }
  if (isCode(error, 'ENOSPC', 'EDQUOT')) {
    return new UserError(
      `cannot ${verb} ${path}: no space left on the device; free some and repeat`,
    );
  }
  if (isCode(error, 'EROFS')) {
    return new UserError(
      `cannot ${verb} ${path}: the file system is read-only; mount it writable and repeat`,
    );
  }
  if (verb === 'read' && isCode(error, 'EISDIR')) {
    return new UserError(`${path}: should be a file, is a directory`, ExitCode.badConfiguration);
  }
  if (verb === 'write' && isCode(error, 'ENOENT', 'ENOTDIR')) {
    const directory = dirname(path);
    return new UserError(
      `cannot ${verb} ${path}: ${directory} should be a directory; make it and repeat`,
    );
  }
  return new UserError(`cannot ${verb} ${path}: ${error.message}`);
}
