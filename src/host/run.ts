/** Starting other programs. execa is loaded with the first one, not with ibq. */

import { constants } from 'node:os';
import { ExitCode, UserError } from '../errors.ts';
import type { HostReader, RunOptions, RunResult } from './host.ts';

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * The programs' messages are read by ibq, so their language is fixed. They run in a process group
 * of their own: an interrupt at the terminal reaches ibq alone, and ibq finishes the step in hand.
 *
 * @param verbose called with each command line before it starts; input is never part of it
 */
export function runner(verbose: (line: string) => void): HostReader['run'] {
  return async (argv, options: RunOptions = {}): Promise<RunResult> => {
    verbose(shellLine(argv));
    const { execa } = await import('execa');
    const [program, ...rest] = argv;
    const subprocess = execa(program, rest, {
      reject: false,
      // Where ibq was called may be a place that is gone, or closed to it.
      cwd: '/',
      detached: true,
      cleanup: true,
      timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      forceKillAfterDelay: 2000,
      env: { LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: 'cat', ...options.env },
      stripFinalNewline: false,
      ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    });
    if (options.onStderrLine) forEachLine(subprocess.stderr, options.onStderrLine);
    const result = await subprocess;
    return {
      stdout: String(result.stdout ?? ''),
      stderr: String(result.stderr ?? ''),
      exitCode: result.exitCode ?? null,
      failure: failureOf(result),
    };
  };
}

/** Programs that talk to the user themselves: journalctl, podman exec. */
export function attacher(verbose: (line: string) => void): HostReader['attach'] {
  return async (argv) => {
    verbose(shellLine(argv));
    const { execa } = await import('execa');
    const [program, ...rest] = argv;
    // The terminal sends an interrupt to both; the program's own end decides.
    const ignore = () => {};
    process.on('SIGINT', ignore);
    try {
      const result = await execa(program, rest, { reject: false, cwd: '/', stdio: 'inherit' });
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
  timedOut: boolean;
  isTerminated: boolean;
  exitCode?: number | undefined;
}): RunResult['failure'] {
  if (result.code === 'ENOENT') return 'not-found';
  if (result.timedOut) return 'timed-out';
  if (result.isTerminated) return 'signal';
  // Neither an exit status nor a signal: it could not be started (no permission, no memory).
  return result.exitCode === undefined ? 'not-found' : null;
}

function forEachLine(stream: NodeJS.ReadableStream | null, callback: (line: string) => void): void {
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split(/[\r\n]+/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') callback(line);
  });
}

/** A line that can be pasted into a shell. */
export function shellLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
