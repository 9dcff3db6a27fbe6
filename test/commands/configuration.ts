/** A configuration in a temporary tree, and what a command says about it. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Context } from '../../src/context.ts';
import { openHost } from '../../src/host/open.ts';

export interface Sandbox {
  context: Context;
  /** What was printed, in order. */
  out: string[];
  json: object[];
  notes: string[];
  warnings: string[];
  /** Text of a file of the tree; `null` where there is none. */
  read(path: string): string | null;
}

/** @param files path → text */
export function sandbox(
  files: Readonly<Record<string, string>> = {},
  env: Record<string, string> = {},
): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'ibq-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const said = {
    out: [] as string[],
    json: [] as object[],
    notes: [] as string[],
    warnings: [] as string[],
  };
  const ui: Context['ui'] = {
    terminal: false,
    interactive: false,
    print: (text) => void said.out.push(text),
    json: (value) => void said.json.push(value),
    note: (text) => void said.notes.push(text),
    warn: (text) => void said.warnings.push(text),
    style: (_style, text) => text,
    confirm: async () => false,
    readHidden: async () => '',
  };
  const host = openHost({ root, verbose: () => {} });
  return {
    ...said,
    context: { host, ui, configFile: '/etc/ibq/ibq.toml', version: '0.0.0', env },
    read: (path) => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return null;
      }
    },
  };
}
