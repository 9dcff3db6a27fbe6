/**
 * The program is a few files, loaded when they are needed. V8 takes longer to compile them than they
 * take to run; so the installation keeps what it made of them (`compile.ts`), and a start takes it
 * from there, if it can be trusted and is of this very Node and of these very files.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** What `import` of a part's own parts looks like in its code (`scripts/build.mjs`). */
const PREFIX = 'ibq:';
/** V8 copies what does not begin at a multiple of eight; the rest of it is blank. */
const HEADER_BYTES = 1024;

export interface Part {
  name: string;
  script: Script;
  exports: unknown;
  /** What belongs at the beginning of its kept code. */
  header: string;
}

export interface Parts {
  load(name: string): unknown;
  readonly loaded: ReadonlyMap<string, Part>;
}

/**
 * @param directory where the parts lie, each a function around a CommonJS module
 * @param nodeRequire for Node's own modules
 * @param kept whether to look for kept code
 */
export function openParts(
  directory: string,
  nodeRequire: NodeJS.Require,
  { kept }: { kept: boolean },
): Parts {
  const loaded = new Map<string, Part>();

  function load(name: string): unknown {
    const known = loaded.get(name);
    if (known !== undefined) return known.exports;
    const path = join(directory, `${name}.cjs`);
    const { text, stats } = readPart(path);
    const header = headerOf(text, stats);
    const cachedData = kept ? readKept(directory, name, header) : null;
    const script = new Script(text, { filename: path, ...(cachedData && { cachedData }) });
    const module = { exports: {} };
    const part: Part = { name, script, exports: module.exports, header };
    loaded.set(name, part);
    script.runInThisContext()(module.exports, requirePart, module, path, directory);
    part.exports = module.exports;
    return part.exports;
  }

  function requirePart(id: string): unknown {
    return id.startsWith(PREFIX) ? load(id.slice(PREFIX.length)) : nodeRequire(id);
  }

  return { load, loaded };
}

/** A build writes nothing but ASCII: Latin-1 reads the same, without a look at each byte. */
function readPart(path: string): { text: string; stats: Stats } {
  const fd = openSync(path, 'r');
  try {
    return { stats: fstatSync(fd), text: readFileSync(fd, 'latin1') };
  } finally {
    closeSync(fd);
  }
}

/**
 * V8 itself looks only at its own version, its flags and the length of the text. The first line of a
 * part is a hash of the rest; its time tells of an edit by hand.
 */
function headerOf(text: string, { size, mtimeMs }: Stats): string {
  const { execPath, version, versions, arch } = process;
  const node = statSync(execPath);
  const words = [
    'ibq-code 1',
    ...[execPath, version, versions.v8, arch, node.size, node.mtimeMs],
    ...[text.slice(0, text.indexOf('\n')), size, mtimeMs],
  ];
  return words.join(' ').padEnd(HEADER_BYTES);
}

export function keptFile(directory: string, name: string): string {
  return join(directory, `${name}.code`);
}

/**
 * It is code that runs as root: taken only where nobody but root can have put it.
 *
 * @returns null where there is none, or none that fits
 */
function readKept(directory: string, name: string, header: string): Buffer | null {
  let fd: number;
  try {
    fd = openSync(keptFile(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return null;
  }
  try {
    if (![fstatSync(fd), lstatSync(directory)].every(isOfRootAlone)) return null;
    const kept = readFileSync(fd);
    return kept.toString('latin1', 0, HEADER_BYTES) === header ? kept.subarray(HEADER_BYTES) : null;
  } finally {
    closeSync(fd);
  }
}

function isOfRootAlone(stats: Stats): boolean {
  return stats.uid === 0 && (stats.mode & 0o022) === 0 && (stats.isFile() || stats.isDirectory());
}
