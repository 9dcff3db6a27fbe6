/** An older ibq, built from this repository's history. */

import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';

const repository = resolve(import.meta.dirname, '../..');

/** The last one whose gateways have the users of the host. */
export const BEFORE_USER_NAMESPACES = '57691d7';

/**
 * The text of a file as it was in a commit.
 * @throws where the clone has no history
 */
export async function fileOf(commit: string, path: string): Promise<string> {
  await requireCommit(commit);
  const { stdout } = await execa('git', ['show', `${commit}:${path}`], {
    cwd: repository,
    stripFinalNewline: false,
  });
  return stdout;
}

/** Builds it beside this one. @returns its directory, which the caller removes */
export async function buildOlder(commit: string): Promise<string> {
  await requireCommit(commit);
  const directory = mkdtempSync(join(tmpdir(), 'ibq-older-'));
  await execa('git', ['archive', commit], { cwd: repository }).pipe('tar', ['-C', directory, '-x']);
  symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
  await execa('npm', ['run', 'build'], { cwd: directory });
  return directory;
}

async function requireCommit(commit: string): Promise<void> {
  const git = (...args: string[]) => execa('git', args, { cwd: repository, reject: false });
  const isThere = async () => (await git('cat-file', '-e', `${commit}^{commit}`)).exitCode === 0;
  if (await isThere()) return;
  // A shallow clone can get the rest from where it came from.
  await git('fetch', '--quiet', '--unshallow');
  if (await isThere()) return;
  throw new Error(
    `commit ${commit} is not in this clone: the test needs the history (git fetch --unshallow; in CI fetch-depth: 0)`,
  );
}
