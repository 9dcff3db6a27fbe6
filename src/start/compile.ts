/**
 * `node LIB_DIR/parts/compile.cjs`: keeps what V8 makes of the program, for the Node that runs this
 * and for the files beside it. The installer runs it; an upgrade of Node makes it useless until it is
 * run again, and ibq then starts as if it had never been there.
 */

import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import type * as Main from '../main.ts';
import { keptFile, openParts, type Part } from './parts.ts';
import { rehearse } from './rehearsal.ts';

const directory = import.meta.dirname;

async function compile(): Promise<void> {
  const parts = openParts(directory, require, { kept: false });
  const { main, openHost } = parts.load('main') as typeof Main;
  await openHost({ root: null, verbose: () => {} }).run(['true']);
  await rehearse(main, openHost);
  for (const part of parts.loaded.values()) keep(part);
}

/** Whole and on disk, or not at all: V8 believes what it reads. */
function keep({ name, header, script }: Part): void {
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

compile().catch((error: unknown) => {
  process.stderr.write(`ibq: its code was not compiled: ${error}\n`);
  process.exitCode = 1;
});
