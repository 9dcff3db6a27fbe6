/** Starting other programs. execa is loaded with the first one, not with ibq. */

import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { ExitCode, UserError } from '../errors.ts';
import { shellLine } from '../shell-line.ts';
import type { AttachOptions, HostReader, RunOptions, RunResult } from './host.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
/** Whoever waits longer hears for what. */
const SLOW_MS = 4000;
/** Of a command that may have a hundred. */
const SHOWN_WORDS = 6;
/** From the polite signal to the other one. */
const GRACE_MS = 2000;

/**
 * The programs' messages are read by ibq, so their language is fixed. They run in a process group
 * of their own: an interrupt at the terminal reaches ibq alone, and ibq finishes the step in hand.
 *
 * @param verbose called with each command line before it starts; input is never part of it
 * @param slow called with what is waited for, once for all that are slow at the same time
 */
export function runner(
  verbose: (line: string) => void,
  slow: (line: string) => void = () => {},
): HostReader['run'] {
  const waiting = new Set<object>();
  let told = false;
  /** @returns to be called when it has ended */
  const watch = (argv: readonly string[]): (() => void) => {
    const one = {};
    waiting.add(one);
    const timer = setTimeout(() => {
      if (!told) slow(`still waiting for: ${shellLine(argv.slice(0, SHOWN_WORDS))}`);
      told = true;
    }, SLOW_MS);
    return () => {
      clearTimeout(timer);
      waiting.delete(one);
      if (waiting.size === 0) told = false;
    };
  };
  return async (argv, options: RunOptions = {}): Promise<RunResult> => {
    verbose(shellLine(argv));
    const { execa } = await import('execa');
    const [program, ...rest] = argv;
    const subprocess = execa(program, rest, {
      reject: false,
      detached: true,
      env: { LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: 'cat', ...options.env },
      stripFinalNewline: false,
      ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    });
    if (options.onStderrLine) forEachLine(subprocess.stderr, options.onStderrLine);
    const timeout = endAfter(subprocess, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    // What tells its own progress needs no other word.
    const ended = options.onStderrLine ? () => {} : watch(argv);
    const result = await subprocess;
    ended();
    timeout.clear();
    return {
      stdout: String(result.stdout ?? ''),
      stderr: String(
        failureOf(result) === 'not-started' ? result.shortMessage : (result.stderr ?? ''),
      ),
      exitCode: timeout.passed ? null : (result.exitCode ?? null),
      failure: timeout.passed ? 'timed-out' : failureOf(result),
    };
  };
}

/**
 * Ends the program with all that it started: a child of its own that lived on would hold the output
 * open, and ibq would wait for that one without an end.
 */
function endAfter(
  subprocess: Pick<ChildProcess, 'pid' | 'stdout' | 'stderr'>,
  ms: number,
): { readonly passed: boolean; clear: () => void } {
  let passed = false;
  const signal = (name: NodeJS.Signals) => {
    try {
      if (subprocess.pid !== undefined) process.kill(-subprocess.pid, name);
    } catch {
      // The group is gone already.
    }
  };
  let timer = setTimeout(() => {
    passed = true;
    signal('SIGTERM');
    timer = setTimeout(() => {
      signal('SIGKILL');
      // Whoever left the group may still have it open.
      subprocess.stdout?.destroy();
      subprocess.stderr?.destroy();
    }, GRACE_MS);
  }, ms);
  return {
    get passed() {
      return passed;
    },
    clear: () => clearTimeout(timer),
  };
}

/** Programs that talk to the user themselves: journalctl, podman exec. */
export function attacher(verbose: (line: string) => void): HostReader['attach'] {
  return async (argv, { line, input }: AttachOptions = {}) => {
    verbose(shellLine(argv));
    const { execa } = await import('execa');
    const [program, ...rest] = argv;
    // The terminal sends an interrupt to both; the program's own end decides.
    const ignore = () => {};
    process.on('SIGINT', ignore);
    try {
      const subprocess = execa(program, rest, {
        reject: false,
        cwd: '/',
        ...(input === undefined ? { stdin: 'inherit' } : { input }),
        stdout: line === undefined ? 'inherit' : 'pipe',
        stderr: 'inherit',
        // What is followed has no end that would fit into memory.
        buffer: false,
      });
      if (line !== undefined) {
        forEachLine(subprocess.stdout, (text) => {
          const shown = line(text);
          if (shown !== null) process.stdout.write(`${shown}\n`);
        });
      }
      const result = await subprocess;
      if (result.code === 'ENOENT') {
        throw new UserError(`${program} is not installed`, ExitCode.missingPart);
      }
      if (result.signal) return 128 + constants.signals[result.signal];
      if (result.exitCode === undefined) throw new UserError(String(result.shortMessage));
      return result.exitCode;
    } finally {
      process.off('SIGINT', ignore);
    }
  };
}

function failureOf(result: {
  code?: string | undefined;
  isTerminated: boolean;
  exitCode?: number | undefined;
}): RunResult['failure'] {
  if (result.code === 'ENOENT') return 'not-found';
  if (result.isTerminated) return 'signal';
  // Neither an exit status nor a signal: it could not be started (no permission, no memory).
  return result.exitCode === undefined ? 'not-started' : null;
}

function forEachLine(stream: NodeJS.ReadableStream | null, callback: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string, last: boolean) => {
    const lines = (rest + text).split(/[\r\n]+/);
    rest = last ? '' : (lines.pop() ?? '');
    for (const line of lines) if (line.trim() !== '') callback(line);
  };
  stream?.on('data', (chunk: Buffer) => take(decoder.write(chunk), false));
  stream?.on('end', () => take(decoder.end(), true));
}
