/** supervisord: starts programs again, gives them up, and says so (Supervisor 4, process.py). */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../container.ts';
import { Exit } from '../contract.ts';

export interface Program {
  name: string;
  /** Runs it until it ends or `signal` aborts, which is its SIGTERM. Resolves with its status. */
  run: (signal: AbortSignal) => Promise<number>;
  /** Seconds it has to stay up to count as started; 0: it does at once. */
  startSeconds: number;
  /** Tries after the first one that is too short; then it is given up. */
  retries: number;
  /** `unexpected`: after another status than 0. */
  again: 'always' | 'unexpected' | 'never';
}

type State = 'STARTING' | 'RUNNING' | 'BACKOFF' | 'EXITED' | 'FATAL' | 'STOPPED';

export interface SupervisorOptions {
  programs: readonly Program[];
  log: Log;
  /** Level of an end that was not expected: INFO before 4.2, WARN since. */
  unexpected: 'INFO' | 'WARN';
  /** Seconds until the first try after one that was too short; the second waits twice as long. */
  backoffSeconds: number;
  /** How long a program has to stay up, instead of its own; `null`: its own. */
  startSeconds: number | null;
  /** Ends all programs. */
  signal: AbortSignal;
}

export interface Supervisor {
  states(): { name: string; state: State }[];
  /** Says what follows a SIGTERM. */
  announceExit(): void;
  /** Resolves once every program has ended, after `signal`. */
  ended: Promise<void>;
}

export function supervise(options: SupervisorOptions): Supervisor {
  const states = new Map<string, State>();
  const { log, signal } = options;
  say(log, 'INFO', 'supervisord started with pid 1');
  const all = options.programs.map((program) =>
    keep(program, options, (state) => states.set(program.name, state)),
  );
  return {
    states: () => [...states].map(([name, state]) => ({ name, state })),
    announceExit() {
      say(log, 'WARN', 'received SIGTERM indicating exit request');
      const up = [...states].filter(([, state]) => state === 'RUNNING' || state === 'STARTING');
      say(log, 'INFO', `waiting for ${up.map(([name]) => name).join(', ')} to die`);
    },
    // Where all have ended by themselves, supervisord stays.
    ended: Promise.all([...all, aborted(signal)]).then(() => undefined),
  };
}

/** One program, from its first start until it is left alone. */
async function keep(
  program: Program,
  options: SupervisorOptions,
  enter: (state: State) => void,
): Promise<void> {
  const { log, signal, unexpected, backoffSeconds } = options;
  const { name, retries, again } = program;
  const startSeconds =
    program.startSeconds === 0 ? 0 : (options.startSeconds ?? program.startSeconds);
  for (let quick = 0; !signal.aborted; ) {
    enter('STARTING');
    say(log, 'INFO', `spawned: '${name}' with pid ${nextPid++}`);
    const started = new AbortController();
    const success = () => {
      enter('RUNNING');
      quick = 0;
      const why = `process has stayed up for > than ${program.startSeconds} seconds (startsecs)`;
      say(log, 'INFO', `success: ${name} entered RUNNING state, ${why}`);
    };
    void sleep(startSeconds * 1000, undefined, { signal: started.signal }).then(
      success,
      () => undefined,
    );
    const since = Date.now();
    const status = await program.run(signal).catch(statusOf);
    started.abort();
    if (signal.aborted) {
      enter('STOPPED');
      say(log, status === 0 ? 'INFO' : unexpected, `stopped: ${name} (exit status ${status})`);
      return;
    }
    const tooQuick = Date.now() - since < startSeconds * 1000;
    const expected = status === 0 && !tooQuick;
    const words = expected ? 'expected' : 'not expected';
    say(log, expected ? 'INFO' : unexpected, `exited: ${name} (exit status ${status}; ${words})`);
    if (tooQuick) {
      quick++;
      enter('BACKOFF');
      if (quick > retries) {
        enter('FATAL');
        const why = 'entered FATAL state, too many start retries too quickly';
        say(log, 'INFO', `gave up: ${name} ${why}`);
        return;
      }
      await rest(backoffSeconds * quick, signal);
    } else {
      enter('EXITED');
      if (again === 'never' || (again === 'unexpected' && status === 0)) return;
      // supervisord looks once a second at most.
      await rest(backoffSeconds, signal);
    }
  }
}

let nextPid = 7;

function statusOf(error: unknown): number {
  if (error instanceof Exit) return error.status;
  throw error;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

async function rest(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}

export function say(log: Log, level: 'INFO' | 'WARN' | 'CRIT', message: string): void {
  const time = new Date().toISOString().replace('T', ' ').replace('.', ',').slice(0, 23);
  log(`${time} ${level} ${message}`);
}
