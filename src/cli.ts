/** Process entry: the version, or the part of the program that knows everything else. */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type * as Main from './main.ts';
import { openParts } from './start/parts.ts';

declare const IBQ_VERSION: string;

const args = process.argv.slice(2);
if (args.length === 1 && args[0] === '--version') {
  // Asked for by scripts on every login or deploy: answered before anything is loaded.
  try {
    writeSync(1, `${IBQ_VERSION}\n`);
  } catch {
    // Whoever reads has had enough.
  }
} else {
  const parts = openParts(join(import.meta.dirname, 'parts'), require, { kept: true });
  const { start } = parts.load('main') as typeof Main;
  start(args, IBQ_VERSION).then((exitCode) => {
    process.exitCode = exitCode;
  });
}
