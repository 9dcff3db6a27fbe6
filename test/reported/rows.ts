/**
 * What people reported, as a table: each input with what it has to end in. A row is tried here, or seen by a test
 * that is named (its title is looked up in its file), or judged to be no fault, with the reason.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { main } from '../../src/main.ts';
import { sandbox } from '../support/sandbox.ts';

export type Row =
  | { id: string; input: string; right: () => void | Promise<void> }
  | { id: string; input: string; seen: readonly [file: string, title: string] }
  | { id: string; input: string; noFault: string };

export function reported(what: string, rows: readonly Row[]): void {
  describe(what, () => {
    test.each(rows.map((row) => [row.id, row.input, row] as const))(
      '%s: %s',
      async (...[, , row]) => {
        if ('right' in row) await row.right();
        else if ('seen' in row) expectTitle(...row.seen);
        else expect(row.noFault).toMatch(/\w+ \w+/);
      },
    );
  });
}

/** The words of a title as they stand in the file: a case of a table counts too. */
function expectTitle(file: string, title: string): void {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  expect(text.replace(/\\'/g, "'"), `${file} has no test "${title}"`).toContain(title);
}

export interface Typed {
  exitCode: number;
  out: string;
  err: string;
  root: string;
  read(path: string): string | null;
}

export interface Place {
  /** Path → text, below `--root`. */
  files?: Readonly<Record<string, string>>;
  /** A fixture host: its /proc and /sys. */
  host?: string;
  env?: Readonly<Record<string, string>>;
  /** Commands that are typed before, at the same tree. */
  before?: readonly string[];
}

/** What the whole program says to a line, run on a tree of its own. Words are parted by blanks; `'…'` is one. */
export async function typed(
  line: string,
  { files, host, env, before = [] }: Place = {},
): Promise<Typed> {
  const box = sandbox(files, {}, host ?? null);
  for (const [name, value] of Object.entries(env ?? {})) vi.stubEnv(name, value);
  try {
    for (const earlier of before) await run(earlier, box.root);
    return { ...(await run(line, box.root)), root: box.root, read: box.read };
  } finally {
    vi.unstubAllEnvs();
  }
}

async function run(line: string, root: string): Promise<Pick<Typed, 'exitCode' | 'out' | 'err'>> {
  const said = { out: '', err: '' };
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += text;
    return true;
  });
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.err += text;
    return true;
  });
  try {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, word]) => quoted ?? word ?? '',
    );
    const exitCode = await main(['--root', root, ...words], '0.0.0');
    // A hint has the tree of this test in it, whose name is another each time.
    const plain = (text: string) => text.replaceAll(`--root ${root} `, '').replaceAll(root, 'ROOT');
    return { exitCode, out: plain(said.out), err: plain(said.err) };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

/** Everything that was said, and the code. */
export async function says(
  line: string,
  place: Place,
  exitCode: number,
  ...words: readonly string[]
): Promise<Typed> {
  const result = await typed(line, place);
  const all = `${result.out}${result.err}`;
  for (const word of words) expect(all).toContain(word);
  expect(result.exitCode, all).toBe(exitCode);
  return result;
}
