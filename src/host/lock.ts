/** One ibq at a time changes a host. */

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { ExitCode, UserError } from '../errors.ts';
import { explain } from './files.ts';
import type { Host } from './host.ts';

const LOCK_DIRECTORY = '/run/ibq';
const LOCK_FILE = `${LOCK_DIRECTORY}/lock`;
/** What flock ends with when somebody else has it. */
const CONFLICT = 75;

/**
 * Runs `action` while holding the lock (flock(2)). Node has no call for it: util-linux' flock takes it on
 * a descriptor of ibq's, and the kernel keeps it for as long as that is open, so however ibq ends.
 *
 * @param command what is written into the lock, for whoever finds it taken
 * @throws UserError (75) naming the holder
 */
export async function withLock<T>(
  host: Host,
  command: string,
  action: () => Promise<T>,
): Promise<T> {
  host.files.makeDirectory(LOCK_DIRECTORY);
  if (host.files.readLink(LOCK_FILE) !== null) {
    throw new UserError(`${LOCK_FILE} should be a file, is a link; remove it`);
  }
  const path = host.root === null ? LOCK_FILE : join(host.root, LOCK_FILE);
  const file = openLock(path);
  try {
    if (!(await take(file, path))) {
      const text = host.files.readText(LOCK_FILE)?.trim();
      throw new UserError(
        `another ibq is at work: ${text || 'it has not said its name yet'}; wait for it and repeat`,
        ExitCode.locked,
      );
    }
    const since = new Date(host.now()).toISOString();
    writeName(file, `pid ${process.pid}, "ibq ${command}", since ${since}\n`);
    try {
      return await action();
    } finally {
      // Before the lock is let go: the next holder's name is not there yet when it has it.
      writeName(file, '');
    }
  } finally {
    fs.closeSync(file);
  }
}

/** Nobody but root may open it: who can read a file can lock it, and would keep ibq out. */
function openLock(path: string): number {
  try {
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW;
    const file = fs.openSync(path, flags | fs.constants.O_NONBLOCK, 0o600);
    // An older ibq made it readable for all.
    fs.fchmodSync(file, 0o600);
    return file;
  } catch (error) {
    throw explain(error, 'open the lock', path);
  }
}

/** In place, not by rename: the lock belongs to the inode. A full disk costs the name, not the lock. */
function writeName(file: number, text: string): void {
  try {
    fs.ftruncateSync(file);
    fs.writeSync(file, text, 0);
  } catch {
    // Whoever finds the lock taken then reads that it has not said its name yet.
  }
}

/** @returns false where another process has it */
async function take(file: number, path: string): Promise<boolean> {
  const flock = spawn(
    'flock',
    // Half a second: an ibq that was killed just now lets go as soon as the kernel closes its files.
    ['--timeout', '0.5', '--conflict-exit-code', `${CONFLICT}`, '3'],
    { stdio: ['ignore', 'ignore', 'pipe', file], detached: true },
  );
  let complaint = '';
  flock.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    flock.once('error', () =>
      reject(
        new UserError('flock is missing; install the package util-linux', ExitCode.missingPart),
      ),
    );
    flock.once('close', resolve);
  });
  if (code === 0) return true;
  if (code === CONFLICT) return false;
  const reason = complaint.trim() || `flock ended with ${code}`;
  throw new UserError(`cannot take the lock ${path}: ${reason}`);
}
