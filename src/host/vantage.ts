/** ibq itself, started in another network namespace: tries connections from there. */

import { type ChildProcess, spawn } from 'node:child_process';
import { UserError } from '../errors.ts';
import type { Outcome } from '../network/judge-tries.ts';
import { type Connection, LONGEST_TRY_MS } from './try-connections.ts';

/** How long a process may take to start, on top of its tries. */
const START_MS = 30_000;

export interface Vantage {
  /** Its namespace is `/proc/PID/ns/net`. */
  pid: number;
  /** Null: it gave no answer in time, or has ended. */
  ask(connections: readonly Connection[]): Promise<Outcome[] | null>;
  /** Resolves when the process, and a namespace that was its own, are gone. */
  end(): Promise<void>;
}

/**
 * @param enter what puts it into a namespace: `unshare --net`, or `nsenter --net=…`
 * @throws UserError where it does not start
 */
export async function openVantage(enter: readonly [string, ...string[]]): Promise<Vantage> {
  const [program, ...rest] = enter;
  const self = [process.execPath, process.argv[1] ?? '', 'network', 'test', '--answer'];
  // In a session of its own: an interrupt at the terminal is for ibq, which ends it in good order.
  const child = spawn(program, [...rest, '--', ...self], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    cwd: '/',
  });
  child.stdin.on('error', () => {});
  const lines = readLines(child);
  const ready = await lines.next(START_MS);
  if (ready !== 'ready' || child.pid === undefined) {
    child.kill('SIGKILL');
    throw new UserError(`${enter.join(' ')}: ibq could not be started there`);
  }
  return {
    pid: child.pid,
    async ask(connections) {
      if (connections.length === 0) return [];
      child.stdin.write(`${JSON.stringify(connections)}\n`);
      const line = await lines.next(LONGEST_TRY_MS + START_MS);
      return line === null ? null : (JSON.parse(line) as Outcome[]);
    },
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.stdin.end();
        setTimeout(() => child.kill('SIGKILL'), 2000).unref();
      }),
  };
}

function readLines(child: ChildProcess): { next(ms: number): Promise<string | null> } {
  const lines: string[] = [];
  let rest = '';
  let over = false;
  let wake: () => void = () => {};
  child.stdout?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  for (const event of ['error', 'close']) {
    child.once(event, () => {
      over = true;
      wake();
    });
  }
  return {
    async next(ms) {
      if (lines.length === 0 && !over) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return lines.shift() ?? null;
    },
  };
}
