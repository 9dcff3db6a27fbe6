/** Writes down what V8 has made of a part. */

import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { keptFile, type Part } from './parts.ts';

/** Whole and on disk, or not at all: V8 believes what it reads. */
export function keepPart(directory: string, { name, header, script }: Part): void {
  const path = keptFile(directory, name);
  const fd = openSync(`${path}.new`, 'w', 0o644);
  try {
    fchmodSync(fd, 0o644);
    writeFileSync(fd, Buffer.concat([Buffer.from(header, 'latin1'), script.createCachedData()]));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
}
