/**
 * Who may write what root acts on, as ssh's StrictModes looks at it: the configuration says what is mounted and
 * run, so whoever can write it is root.
 */

import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../config/types.ts';
import { ExitCode, UserError } from '../errors.ts';
import { QUADLET_DIRECTORY, USER_TEMPLATES } from '../plan/paths.ts';
import { configPaths } from './config-files.ts';
import type { FileReader } from './host.ts';

/** What of a file's status counts. */
export type Access = Pick<Stats, 'uid' | 'gid' | 'mode'> & { directory: boolean };

/**
 * @param trusted users who may own it: root, and who called root by sudo
 * @returns what is wrong; null: nobody else can change it
 */
export function distrust(
  { uid, gid, mode, directory }: Access,
  trusted: ReadonlySet<number>,
): string | null {
  if (!trusted.has(uid)) return `belongs to user ${uid}`;
  // In a directory with the sticky bit (/tmp) others can't take away what is not theirs.
  if (directory && (mode & 0o1000) !== 0) return null;
  if ((mode & 0o002) !== 0) return 'can be written by everybody';
  // Debian gives each user a group of his own number.
  if ((mode & 0o020) !== 0 && gid !== 0 && gid !== uid) return `can be written by group ${gid}`;
  return null;
}

/** The owner may be who typed `sudo ibq`: he is root already. */
export function trustedUsers(env: NodeJS.ProcessEnv): ReadonlySet<number> {
  const caller = /^\d+$/.test(env.SUDO_UID ?? '') ? [Number(env.SUDO_UID)] : [];
  return new Set([0, ...caller]);
}

/**
 * Looks at ibq.toml, network.toml, instances/ and all in it, templates and drop-ins of the gateways, at what they
 * link to, and at every directory above.
 *
 * @throws UserError (78) naming each that somebody else could change
 */
export function requireTrusted(
  files: FileReader,
  configFile: string,
  env: NodeJS.ProcessEnv,
  accessOf: (path: string) => Access | null = readAccess,
): void {
  const { main, pin, instances } = configPaths(configFile);
  const within = (directory: string) => [
    directory,
    ...files.list(directory).map((it) => join(directory, it)),
  ];
  const dropIns = files
    .list(QUADLET_DIRECTORY)
    .filter((it) => /^ib-gateway@\w*\.container\.d$/.test(it));
  const read = [
    ...[main, pin, ...within(instances), ...within(USER_TEMPLATES)],
    ...dropIns.flatMap((it) => within(join(QUADLET_DIRECTORY, it))),
  ];
  refuseOthers(read, env, accessOf);
}

/** The same of files of the user's that instances name (`custom_config`): they decide how a gateway runs. */
export function requireTrustedFiles(
  { instances }: Config,
  env: NodeJS.ProcessEnv,
  accessOf: (path: string) => Access | null = readAccess,
): void {
  const own = instances.flatMap(({ settings: { custom_config: it } }) => [it.jts, it.ibc]);
  refuseOthers(
    own.filter((path) => path !== null),
    env,
    accessOf,
  );
}

function refuseOthers(
  read: readonly string[],
  env: NodeJS.ProcessEnv,
  accessOf: (path: string) => Access | null,
): void {
  const paths = new Set(read.flatMap(withAllAbove));
  const trusted = trustedUsers(env);
  const problems = [...paths].sort().flatMap((path) => {
    const access = accessOf(path);
    const problem = access && distrust(access, trusted);
    return problem ? [`${path}: ${problem}; ${mendOf(path)}`] : [];
  });
  if (problems.length === 0) return;
  throw new UserError(
    `${problems.join('\n')}\nwhoever can change the configuration decides what root runs`,
    ExitCode.badConfiguration,
  );
}

function mendOf(path: string): string {
  return `sudo chown root:root ${path} && sudo chmod go-w ${path}`;
}

/** Those of the path as it is written, and those of where its links lead. */
function withAllAbove(path: string): string[] {
  const real = realOf(path);
  return [...above(path), ...(real === null || real === path ? [] : above(real))];
}

function above(path: string): string[] {
  const found = [path];
  for (let at = path; at !== dirname(at); at = dirname(at)) found.push(dirname(at));
  return found;
}

function realOf(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

function readAccess(path: string): Access | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat
    ? { uid: stat.uid, gid: stat.gid, mode: stat.mode, directory: stat.isDirectory() }
    : null;
}
