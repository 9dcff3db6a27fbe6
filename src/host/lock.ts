/** One ibq at a time changes a host. */

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExitCode, UserError } from '../errors.ts';
import type { Host } from './host.ts';

const LOCK_DIRECTORY = '/run/ibq';
const LOCK_FILE = `${LOCK_DIRECTORY}/lock`;
/** What flock ends with when somebody else has it. */
const CONFLICT = 75;

/**
 * Runs `action` while holding the lock. The kernel keeps it (flock(2), through util-linux' flock,
 * as Node has no call for it) and lets go of it however ibq ends: the holder is a child that waits
 * for the end of its standard input.
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
  const file = host.root === null ? LOCK_FILE : join(host.root, LOCK_FILE);
  const holder = spawn(
    'flock',
    // Half a second: an ibq that was killed just now lets go as soon as the kernel closes its pipe.
    ['--timeout', '0.5', '--conflict-exit-code', `${CONFLICT}`, file, 'sh', '-c', 'echo; exec cat'],
    { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
  );
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const taken = await new Promise<boolean>((resolve, reject) => {
    holder.once('error', () =>
      reject(
        new UserError('flock is missing; install the package util-linux', ExitCode.missingPart),
      ),
    );
    holder.once('close', (code) => {
      if (code === CONFLICT) return resolve(false);
      const reason = complaint.trim() || `flock ended with ${code}`;
      reject(new UserError(`cannot take the lock ${file}: ${reason}`));
    });
    holder.stdout.once('data', () => resolve(true));
  });
  if (!taken) {
    const text = host.files.readText(LOCK_FILE)?.trim();
    throw new UserError(
      `another ibq is at work: ${text || 'it has not said its name yet'}; wait for it and repeat`,
      ExitCode.locked,
    );
  }
  try {
    // In place, not by rename: the lock belongs to the inode.
    const since = new Date(host.now()).toISOString();
    writeFileSync(file, `pid ${process.pid}, "ibq ${command}", since ${since}\n`);
    return await action();
  } finally {
    // Before it is let go: the next holder's name is not there yet when it has it.
    writeFileSync(file, '');
    holder.stdin.end();
    holder.stdout.destroy();
    holder.stderr.destroy();
    holder.unref();
  }
}
