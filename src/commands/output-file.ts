/** A file that the user names for what a command makes: `--svg FILE`. */

import { resolve } from 'node:path';
import { ExitCode, UserError } from '../errors.ts';
import type { FileReader } from '../host/host.ts';

/**
 * A file that is there is replaced, and nothing else is: ibq runs as root, and a rename would also
 * put a file in the place of /dev/null, or of /dev/stdout, which is a link.
 *
 * @param file as the user typed it @param flag for messages, `--svg`
 * @returns its absolute path
 * @throws UserError (64) where it can't be one
 */
export function parseOutputFile(files: FileReader, file: string, flag: string): string {
  const path = resolve(file);
  const kind = file === '' ? 'nothing' : file.endsWith('/') ? 'directory' : files.kindOf(path);
  if (kind === null || kind === 'file') return path;
  throw new UserError(
    `${[flag, file].filter(Boolean).join(' ')}: should be a file, or - for standard output, got ${WORDS[kind]}`,
    ExitCode.usage,
  );
}

const WORDS = {
  nothing: 'nothing',
  directory: 'a directory',
  link: 'a link; name the file itself',
  special: 'a device, a pipe or a socket',
} as const;
