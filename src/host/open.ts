/** Opens the host that a command works on: this machine, or a tree of files under `--root`. */

import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, UserError } from '../errors.ts';
import { openFiles } from './files.ts';
import type { Host } from './host.ts';
import { attacher, runner } from './run.ts';

export function openHost({
  root,
  verbose,
  slow = () => {},
}: {
  root: string | null;
  verbose: (line: string) => void;
  /** Called where a program lets people wait, with what it is. */
  slow?: (line: string) => void;
}): Host {
  const stat = root === null ? null : statSync(root, { throwIfNoEntry: false });
  if (stat === undefined || stat?.isDirectory() === false) {
    const found = stat === undefined ? 'not there' : 'a file';
    throw new UserError(`--root ${root}: should be a directory, is ${found}`, ExitCode.usage);
  }
  return {
    root,
    files: openFiles(root),
    run: root === null ? runner(verbose, slow) : refuseToRun,
    attach: root === null ? attacher(verbose) : refuseToRun,
    now: () => Date.now(),
    sleep: (ms) => sleep(ms),
  };
}

/** With `--root` nothing is started: a call here is a bug of ours, not of the user. */
async function refuseToRun(argv: readonly string[]): Promise<never> {
  throw new Error(`--root: ${argv.join(' ')} should not have been started`);
}
