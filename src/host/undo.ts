/** What is put right again however ibq ends: by its own hand, an interrupt, or kill -9. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Host } from './host.ts';

const DIRECTORY = '/run/ibq';
const FILE = `${DIRECTORY}/network-test.undo`;

/** The network namespace that stays until all is undone, for the commands. */
export const HELD_NAMESPACE = '/proc/self/fd/3';

/** Carries a shell line out; null, or the first line of what went wrong. */
export type Perform = (line: string) => Promise<string | null>;

/**
 * Runs `action`; then, or when this process is gone, the commands. A child that waits for the end of
 * its standard input both does and undoes: done by another child, a change could come after its own
 * undoing when ibq is killed. Where that child was killed too, `undoLeftovers` of the next ibq finds
 * what to do.
 *
 * @param pid a process whose network namespace is held until then
 * @param commands shell lines; each may fail
 */
export async function withUndo<T>(
  host: Host,
  { pid, commands }: { pid: number; commands: readonly string[] },
  action: (perform: Perform) => Promise<T>,
): Promise<T> {
  const quiet = commands.map((command) => `${command} 2>/dev/null\n`).join('');
  host.files.makeDirectory(DIRECTORY);
  host.files.writeText(FILE, `${quiet}rm -f ${FILE}\n`, 0o600);
  // Nobody reads its answers any more when ibq is gone: that must not end it.
  const script = `trap '' PIPE
while IFS= read -r line; do
  if said=$(eval "$line" 2>&1 >/dev/null); then echo; else echo "\${said:-failed}" | head -n 1; fi
done
exec sh ${FILE} >/dev/null`;
  const namespace = openSync(`/proc/${pid}/ns/net`, 'r');
  const holder = spawn('sh', ['-c', script], {
    stdio: ['pipe', 'pipe', 'ignore', namespace],
    detached: true,
    cwd: '/',
  }) as ChildProcessByStdio<Writable, Readable, null>;
  closeSync(namespace);
  holder.stdin.on('error', () => {});
  const answers = createInterface({ input: holder.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => {
    holder.once('exit', () => resolve());
    holder.once('error', () => resolve());
  });
  try {
    return await action(async (line) => {
      holder.stdin.write(`${line}\n`);
      const { value, done } = await answers.next();
      return done ? 'it could not be started' : value || null;
    });
  } finally {
    holder.stdin.end();
    await ended;
  }
}

/** What a `network test` that was killed with its helpers has left. Only under ibq's lock: what lies there belongs to nobody who is still at work. */
export async function undoLeftovers(host: Host): Promise<void> {
  if (host.root === null && host.files.exists(FILE)) await host.run(['sh', FILE]);
}
