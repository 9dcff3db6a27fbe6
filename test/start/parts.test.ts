/** The kept code of a part: taken where it fits and is root's, else as if it were not there. */

import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { keepPart } from '../../src/start/keep.ts';
import { keptFile, openParts } from '../../src/start/parts.ts';
import { temporaryDirectory } from '../support/sandbox.ts';

const require = createRequire(import.meta.url);
/** Nobody else's code is taken, so only a test that root runs sees it taken. */
const asRoot = process.getuid?.() === 0;

const code = (body: string) =>
  `//hash of ${body.length}\n(function(exports,require,module,__filename,__dirname){${body}\n})`;
const ANSWER =
  'exports.answer=()=>42;exports.place=[__filename,__dirname];exports.path=require("node:path")';

let directory = '';
beforeEach(() => {
  directory = join(temporaryDirectory(), 'parts');
  mkdirSync(directory, { mode: 0o755 });
  writeFileSync(join(directory, 'one.cjs'), code(ANSWER));
  writeFileSync(join(directory, 'two.cjs'), code('exports.one=require("ibq:one");'));
});

interface One {
  answer: () => number;
  place: string[];
  path: unknown;
}

function load({ kept }: { kept: boolean }) {
  const parts = openParts(directory, require, { kept });
  const one = parts.load('one') as One;
  const part = parts.loaded.get('one');
  return { one, part, taken: part?.script.cachedDataRejected === false };
}

function keep(): void {
  const { one, part } = load({ kept: false });
  expect(one.answer()).toBe(42);
  if (part) keepPart(directory, part);
}

test('a part is a module: it has its place, Node’s modules, and other parts, each once', () => {
  const parts = openParts(directory, require, { kept: true });
  const two = parts.load('two') as { one: One };
  expect(two.one.answer()).toBe(42);
  expect(two.one.place).toEqual([join(directory, 'one.cjs'), directory]);
  expect(two.one.path).toBe(require('node:path'));
  expect(parts.load('one')).toBe(two.one);
  expect([...parts.loaded.keys()].sort()).toEqual(['one', 'two']);
});

test('what was kept is taken, and does the same', () => {
  keep();
  const { one, taken } = load({ kept: true });
  expect({ taken, answer: one.answer() }).toEqual({ taken: asRoot, answer: 42 });
});

describe('not taken, and the part works all the same', () => {
  const file = () => keptFile(directory, 'one');
  const header = (change: (text: string) => string) => {
    const all = readFileSync(file());
    writeFileSync(
      file(),
      Buffer.concat([
        Buffer.from(change(all.toString('latin1', 0, 1024)), 'latin1'),
        all.subarray(1024),
      ]),
    );
  };
  test.each<[string, () => void]>([
    ['nothing is kept', () => renameSync(file(), `${file()}.away`)],
    ['others may write it', () => chmodSync(file(), 0o666)],
    ['its group may write it', () => chmodSync(file(), 0o664)],
    ['others may write its directory', () => chmodSync(directory, 0o777)],
    [
      'it is a link',
      () => {
        renameSync(file(), `${file()}.away`);
        symlinkSync(`${file()}.away`, file());
      },
    ],
    [
      'it is of another Node',
      () => header((it) => it.replace(process.version, 'v20.0.0'.padEnd(process.version.length))),
    ],
    [
      'it is of another program of that name',
      () => header((it) => it.replace(process.execPath, process.execPath.toUpperCase())),
    ],
    ['it was cut off', () => writeFileSync(file(), readFileSync(file()).subarray(0, 600))],
    ['it is empty', () => writeFileSync(file(), '')],
    [
      'another build of the same length',
      () => writeFileSync(join(directory, 'one.cjs'), code(ANSWER).replace('hash', 'HASH')),
    ],
    ['the part was edited by hand', () => utimesSync(join(directory, 'one.cjs'), 1, 1)],
  ])('%s', (_, change) => {
    keep();
    change();
    const { one, taken } = load({ kept: true });
    expect({ taken, answer: one.answer() }).toEqual({ taken: false, answer: 42 });
  });

  test('it is of somebody else', () => {
    keep();
    // Root may give it away; anybody else's own is somebody else's already.
    if (asRoot) chownSync(file(), 65_534, 65_534);
    expect(load({ kept: true }).taken).toBe(false);
  });
});

test('what is kept is readable by all, and written by its owner alone, whatever the umask is', () => {
  const old = process.umask(0);
  try {
    keep();
  } finally {
    process.umask(old);
  }
  expect(statSync(keptFile(directory, 'one')).mode & 0o777).toBe(0o644);
});
