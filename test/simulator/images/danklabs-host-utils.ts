/** What the scripts of danklabs today share (ib_utils.sh): secrets in files, hooks. */

import { readFileSync } from 'node:fs';
import type { Container } from '../container.ts';
import { Exit } from '../contract.ts';
import { isExecutable, shellScripts } from '../scripts.ts';
import { isDirectory, readShellFile } from './gnzsnz-common.ts';

type Say = (message: string) => void;

/** `file_env`: sets NAME from itself or from the file that NAME_FILE names. */
export function fileEnvOf(container: Container, name: string, say: Say): void {
  const { env, locate } = container;
  const file = env[`${name}_FILE`];
  if (env[name] && file) {
    say(`ERROR: ${name} and ${name}_FILE are mutually exclusive`);
    throw new Exit(1);
  }
  if (!file) {
    env[name] ??= '';
    return;
  }
  if (!isReadableFile(locate(file))) {
    say(`ERROR: ${name}_FILE is not a readable file: ${file}`);
    throw new Exit(1);
  }
  env[name] = readShellFile(locate(file));
}

function isReadableFile(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** `run_script_dir`: an absolute directory, its executable *.sh in order. Throws on any trouble. */
export async function runHooks(
  container: Container,
  name: string,
  phase: string,
  say: Say,
): Promise<void> {
  const { env, locate, programs } = container;
  const directory = env[name] ?? '';
  const fail = (message: string): never => {
    say(`ERROR: ${message}`);
    throw new Exit(1);
  };
  if (directory === '') {
    say(`${phase} hooks disabled (${name} is not set)`);
    return;
  }
  if (!directory.startsWith('/')) fail(`${name} must be an absolute path: ${directory}`);
  if (!isDirectory(locate(directory))) fail(`${phase} hook directory does not exist: ${directory}`);
  const scripts = shellScripts(container, directory);
  if (scripts.length === 0) say(`${phase} hook directory has no .sh scripts: ${directory}`);
  for (const script of scripts) {
    if (!isExecutable(locate(script))) fail(`${phase} hook is not executable: ${script}`);
    say(`Running ${phase} hook: ${script}`);
    const status = await programs.run([script], env);
    if (status !== 0) throw new Exit(status);
  }
}
