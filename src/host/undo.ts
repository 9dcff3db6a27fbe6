/** What is put right again however ibq ends: by its own hand, an interrupt, or kill -9. */

import { spawn } from 'node:child_process';
import type { Host } from './host.ts';

const DIRECTORY = '/run/ibq';
const FILE = `${DIRECTORY}/network-test.undo`;

/**
 * Runs `action`; then, or when this process is gone, the commands. They are held by a child that
 * waits for the end of its standard input; where that one was killed too, `undoLeftovers` of the next
 * ibq finds them.
 *
 * @param commands shell lines; each may fail
 */
export async function withUndo<T>(
  host: Host,
  commands: readonly string[],
  action: () => Promise<T>,
): Promise<T> {
  const quiet = commands.map((command) => `${command} 2>/dev/null\n`).join('');
  host.files.makeDirectory(DIRECTORY);
  host.files.writeText(FILE, `${quiet}rm -f ${FILE}\n`, 0o600);
  const holder = spawn('sh', ['-c', `cat >/dev/null; exec sh ${FILE}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  const ended = new Promise<void>((resolve) => {
    holder.once('exit', () => resolve());
    holder.once('error', () => resolve());
  });
  try {
    return await action();
  } finally {
    holder.stdin.end();
    await ended;
  }
}

/** Only under ibq's lock: what lies there belongs to nobody who is still at work. */
export async function undoLeftovers(host: Host): Promise<void> {
  if (host.files.exists(FILE)) await host.run(['sh', FILE]);
}
