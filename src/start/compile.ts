/**
 * `node LIB_DIR/parts/compile.cjs`: keeps what V8 makes of the program, for the Node that runs this
 * and for the files beside it. The installer runs it; an upgrade of Node makes it useless until it is
 * run again, and ibq then starts as if it had never been there.
 */

import type * as Main from '../main.ts';
import { keepPart } from './keep.ts';
import { openParts } from './parts.ts';
import { rehearse } from './rehearsal.ts';

const directory = import.meta.dirname;

async function compile(): Promise<void> {
  const parts = openParts(directory, require, { kept: false });
  const { main, openHost } = parts.load('main') as typeof Main;
  await openHost({ root: null, verbose: () => {} }).run(['true']);
  await rehearse(main, openHost);
  for (const part of parts.loaded.values()) keepPart(directory, part);
}

compile().catch((error: unknown) => {
  process.stderr.write(`ibq: its code was not compiled: ${error}\n`);
  process.exitCode = 1;
});
