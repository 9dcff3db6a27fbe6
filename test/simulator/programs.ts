/** Programs that run beside the gateway: scripts of the user, ssh and its agent. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from './contract.ts';
import { type Locate, reason } from './files.ts';
import type { Identity } from './identity.ts';

export interface Programs {
  /** Runs a program of the container; its output goes to the log. Resolves with its status. */
  run(argv: readonly [string, ...string[]], env: Environment): Promise<number>;
  /** As `run`, with its output instead. */
  capture(argv: readonly [string, ...string[]], env: Environment): Promise<Output>;
  /** There is a real ssh here, and it is to be run. */
  hasSsh: boolean;
}

interface Output {
  status: number;
  text: string;
}

export interface ProgramsOptions {
  locate: Locate;
  log: (line: string) => void;
  /** Ends what still runs. */
  ended: AbortSignal;
  identity: Identity;
  runSsh: boolean;
}

export function createPrograms(options: ProgramsOptions): Programs {
  const { locate, log, ended, identity, runSsh } = options;
  const start = async (
    [program, ...words]: readonly [string, ...string[]],
    env: Environment,
    take: (line: string) => void,
  ): Promise<number> => {
    const child = identity.spawnAs((as) =>
      spawn(program.startsWith('/') ? locate(program) : program, words, {
        env: env as NodeJS.ProcessEnv,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...as,
      }),
    );
    const kill = () => child.kill('SIGTERM');
    ended.addEventListener('abort', kill);
    const lines = readLines(child, take);
    const status = await new Promise<number>((resolve) => {
      child.on('error', (error) => {
        take(`${program}: ${reason(error)}`);
        resolve(127);
      });
      child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 143)));
    });
    ended.removeEventListener('abort', kill);
    // What a daemon left behind still holds its output open: no waiting for its end.
    await Promise.race([lines, sleep(100, undefined, { ref: false })]);
    return status;
  };
  return {
    run: (argv, env) => start(argv, env, log),
    async capture(argv, env) {
      const lines: string[] = [];
      const status = await start(argv, env, (line) => lines.push(line));
      return { status, text: lines.join('\n') };
    },
    hasSsh: runSsh && existsSync(locate('/usr/bin/ssh')),
  };
}

/** Resolves when both streams have ended. */
async function readLines(child: ChildProcess, take: (line: string) => void): Promise<void> {
  await Promise.all(
    [child.stdout, child.stderr].map(async (stream) => {
      let rest = '';
      for await (const chunk of stream ?? []) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(line);
      }
      if (rest !== '') take(rest);
    }),
  ).catch(() => undefined);
}
