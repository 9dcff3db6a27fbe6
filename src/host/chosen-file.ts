/** Reads a file that the configuration names: anything may lie there. */

import * as fs from 'node:fs';
import { MAX_SECRET_BYTES } from '../images/secret-value.ts';
import type { OwnFile } from '../plan/own-files.ts';

export const ABSENT_FILE: OwnFile = { kind: 'unfit', why: 'should be a file, is not there' };

/** Without waiting for a pipe, and not more than a secret may have. Throws the system's errors. */
export function readChosen(path: string, limit = MAX_SECRET_BYTES): OwnFile {
  const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    const status = fs.fstatSync(file);
    if (!status.isFile()) return unfit('should be a plain file, is none');
    if (status.size > limit) {
      const most = limit === MAX_SECRET_BYTES ? '512 kB' : `${limit} bytes`;
      return unfit(`should be shorter than ${most}, has ${status.size} bytes`);
    }
    const text = decode(fs.readFileSync(file));
    if (text === null) return unfit('should be text in UTF-8');
    if (text.trim() === '') return unfit('should not be empty');
    if (text.includes('\0')) return unfit('should be text, has NUL characters');
    return { kind: 'text', text, forAll: (status.mode & 0o004) !== 0 };
  } finally {
    fs.closeSync(file);
  }
}

function unfit(why: string): OwnFile {
  return { kind: 'unfit', why };
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
