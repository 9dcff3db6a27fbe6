/** The container's file system: the machine's own inside an image, a directory in tests. */

import { join } from 'node:path';

/** Turns a path of the container into one of this machine. */
export type Locate = (path: string) => string;

export function locateBelow(root: string): Locate {
  return (path) => (root === '' ? path : join(root, path));
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  EEXIST: 'File exists',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EADDRINUSE: 'Address already in use',
};

/** A failed system call in the words that programs print. */
export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return WORDS[code] ?? (code || String(error));
}
