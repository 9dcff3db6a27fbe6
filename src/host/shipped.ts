/** Files that came with ibq: beside the installed program, or in the source tree it was built in. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExitCode, UserError } from '../errors.ts';

/**
 * Where ibq lies on this machine: `PREFIX/lib/ibq` when installed. The guard hook is loaded from
 * there, so units carry this path.
 */
export function libraryDirectory(): string {
  const start = import.meta.dirname;
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'quadlets', 'ib-gateway@.container'))) return directory;
    if (directory === dirname(directory)) {
      throw new UserError(`no quadlets/ above ${start}; install ibq again`, ExitCode.missingPart);
    }
  }
}

/** @param name file in `quadlets/` */
export function readShipped(libDir: string, name: string): string {
  return readFileSync(join(libDir, 'quadlets', name), 'utf8');
}
