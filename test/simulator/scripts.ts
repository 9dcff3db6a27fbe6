/** Directories of scripts that users bring along. */

import { accessSync, constants, readdirSync } from 'node:fs';
import type { Container } from './container.ts';

/** Paths of the `*.sh` of a directory of the container, in the shell's order. */
export function shellScripts({ locate }: Container, directory: string): string[] {
  return readdirSync(locate(directory))
    .filter((name) => name.endsWith('.sh') && !name.startsWith('.'))
    .sort()
    .map((name) => `${directory}/${name}`);
}

/** gnzsnz: `[ -f "$_f" ] && bash "$_f" || echo …`; a failure reads as if there were none. */
export async function runShellScripts(container: Container, directory: string): Promise<void> {
  const { env, log, locate, programs } = container;
  const scripts = shellScripts(container, directory);
  for (const script of scripts.length === 0 ? [`${directory}/*.sh`] : scripts) {
    log(`> Running ${script}`);
    const status = await programs.run(['bash', locate(script)], env);
    if (status !== 0) log(`File ${script} not found.`);
  }
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
