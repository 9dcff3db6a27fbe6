/** The file that a soft restart leaves in the settings: it saves one login, and is used once. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { userDirectory } from './kept-settings.ts';

const NAME = 'autorestart';

/**
 * The gateway keeps it in a directory named after the user. `directory` is one of this machine.
 * @param token what IBKR takes for a login, once
 */
export function writeAutorestart(directory: string, user: string, token: string): void {
  const own = userDirectory(directory, user);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, NAME), `${token}\n`);
}

export type Found =
  | { kind: 'none' }
  | { kind: 'one'; name: string; path: string }
  | { kind: 'several' };

/**
 * ibcstart.sh `find_auto_restart`: looks one level down (and in the directory itself, where it is of
 * no use). With more than one it deletes them all: that is what two instances on one volume get.
 */
export function findAutorestart(directory: string): Found {
  if (!existsSync(directory)) return { kind: 'none' };
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => isFile(join(directory, name, NAME)));
  const own = isFile(join(directory, NAME));
  const [name] = names;
  if (name !== undefined && names.length === 1 && !own) {
    return { kind: 'one', name, path: join(directory, name, NAME) };
  }
  if (name === undefined && !own) return { kind: 'none' };
  for (const extra of names) rmSync(join(directory, extra, NAME), { force: true });
  return { kind: 'several' };
}

/** The resumed gateway takes the file away, and what is in it. */
export function useAutorestart(path: string): string {
  const token = readFileSync(path, 'utf8').trim();
  rmSync(path, { force: true });
  return token;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
