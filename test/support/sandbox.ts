/** A host in a temporary tree, as `--root` sees it, and what a command says about it. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Context } from '../../src/context.ts';
import { openHost } from '../../src/host/open.ts';
import { hostPath } from '../network/hosts.ts';
import { fakeUi, type Said } from './fake-ui.ts';

export interface Sandbox extends Said {
  context: Context;
  /** The tree on this machine. */
  root: string;
  /** Text of a file of the tree; `null` where there is none. */
  read(path: string): string | null;
  write(path: string, text: string): void;
}

/** An empty directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ibq-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * @param files path → text
 * @param host name of a fixture whose /proc and /sys the tree gets
 */
export function sandbox(
  files: Readonly<Record<string, string>> = {},
  env: Record<string, string> = {},
  host: string | null = null,
): Sandbox {
  const root = temporaryDirectory();
  if (host !== null) cpSync(hostPath(host), root, { recursive: true, verbatimSymlinks: true });
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  const { ui, said } = fakeUi();
  return {
    ...said,
    root,
    context: {
      host: openHost({ root, verbose: () => {} }),
      ui,
      configFile: '/etc/ibq/ibq.toml',
      version: '0.0.0',
      env,
    },
    read: (path) => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return null;
      }
    },
    write,
  };
}
