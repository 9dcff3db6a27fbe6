/** Runs the command, maps every end to an exit code of the contract. */

import { ExitCode, UserError } from './errors.ts';
import { openHost } from './host/open.ts';
import { runProgram } from './program.ts';
import { clipLines, printableLines } from './ui/foreign-text.ts';

export { openHost };

/** Of a process of its own. */
export async function start(args: readonly string[], version: string): Promise<number> {
  // `ibq status | head -1`: whoever reads has had enough; that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.done);
    process.stderr.write(`ibq: cannot write to standard output: ${error.message}\n`);
    process.exit(ExitCode.failed);
  });
  // Nobody reads the progress any more: a deploy goes on to its end all the same.
  process.stderr.on('error', () => {});
  process.env.PATH = withSystemPrograms(process.env.PATH);
  return main(args, version);
}

const SYSTEM_PROGRAMS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** `su` without `-` keeps a user's PATH, in which nft and others of root's programs are not. */
export function withSystemPrograms(path: string | undefined): string {
  const places = (path ?? '').split(':').filter((it) => it !== '');
  return [...places, ...SYSTEM_PROGRAMS.filter((it) => !places.includes(it))].join(':');
}

/** @param open another door than the host's own: for the rehearsal of an installation */
export async function main(
  args: readonly string[],
  version: string,
  open = openHost,
): Promise<number> {
  try {
    return await runProgram(args, version, open);
  } catch (error) {
    return report(error, version);
  }
}

function report(error: unknown, version: string): number {
  if (error instanceof UserError) {
    const message = clipLines(printableLines(error.message));
    for (const line of message.split('\n')) process.stderr.write(`ibq: ${line}\n`);
    return error.exitCode;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `ibq: this is a bug in ibq ${version}; please report it with these lines:\n${printableLines(trace)}\n`,
  );
  return ExitCode.failed;
}
