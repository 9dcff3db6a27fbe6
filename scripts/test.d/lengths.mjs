/**
 * How long each job took: what this machine has seen, and until then what lengths.json beside this
 * file says. Only the order of the files hangs on it.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const COMMITTED = join(import.meta.dirname, 'lengths.json');
const CACHED = join(process.env.IBQ_CACHE ?? '/var/cache/ibq-test', 'lengths.json');

/** @returns {Record<string, number>} seconds by the id of a job */
export function knownLengths() {
  return { ...read(COMMITTED), ...read(CACHED) };
}

/** @param {Record<string, number>} lengths */
export function remember(lengths) {
  try {
    write(CACHED, { ...read(CACHED), ...lengths });
  } catch {
    // Without a cache the next run takes the committed lengths.
  }
}

/** For the next commit: lengths of a whole run. @param {Record<string, number>} lengths */
export function writeCommitted(lengths) {
  write(COMMITTED, lengths);
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

function write(path, lengths) {
  mkdirSync(dirname(path), { recursive: true });
  const sorted = Object.fromEntries(Object.entries(lengths).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(sorted, null, 2)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}
