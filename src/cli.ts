/** Process entry: runs the command, maps every end to an exit code of the contract. */

import { ExitCode, UserError } from './errors.ts';

declare const IBQ_VERSION: string;

async function main(args: readonly string[]): Promise<number> {
  // Asked for by scripts on every login or deploy: answered before anything is loaded.
  if (args.length === 1 && args[0] === '--version') {
    process.stdout.write(`${IBQ_VERSION}\n`);
    return ExitCode.done;
  }
  const { runProgram } = await import('./program.ts');
  return runProgram(args, IBQ_VERSION);
}

function report(error: unknown): number {
  if (error instanceof UserError) {
    for (const line of error.message.split('\n')) process.stderr.write(`ibq: ${line}\n`);
    return error.exitCode;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `ibq: this is a bug in ibq ${IBQ_VERSION}; please report it with these lines:\n${trace}\n`,
  );
  return ExitCode.failed;
}

// `ibq status | head -1`: whoever reads has had enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.done);
  process.stderr.write(`ibq: cannot write to standard output: ${error.message}\n`);
  process.exit(ExitCode.failed);
});
// Nobody reads the progress any more: a deploy goes on to its end all the same.
process.stderr.on('error', () => {});

main(process.argv.slice(2))
  .catch(report)
  .then((exitCode) => {
    process.exitCode = exitCode;
  });
