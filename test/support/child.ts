/** A child of the test: its output so far, and how it ended. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';

export interface Child {
  process: ChildProcessWithoutNullStreams;
  readonly stdout: string;
  readonly stderr: string;
  /** Waits for a text on stdout or stderr. */
  said(text: string): Promise<void>;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>;
}

/** It is killed when the test ends. */
export function startChild(
  argv: readonly [string, ...string[]],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Child {
  const [program, ...args] = argv;
  const child = spawn(program, args, { ...options, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  return {
    process: child,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    ended,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (`${output.stdout}${output.stderr}`.includes(text)) resolve();
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        look();
        const lost = () => reject(new Error(`ended without "${text}": ${output.stderr}`));
        ended.then(lost, reject);
      }),
  };
}
