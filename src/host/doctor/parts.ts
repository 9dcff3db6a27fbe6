/** Facts about what is installed: Podman, systemd, the parts, the guard's hook, the kernel. */

import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Environment } from '../../config/load.ts';
import type { LanDriver } from '../../config/types.ts';
import type { FactValues, HookFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { PARTS } from '../../plan/parts.ts';
import type { FileReader, HostReader, RunResult } from '../host.ts';
import { parsePodmanVersion, parseSystemdVersion } from '../podman.ts';
import { readPodmanDatabase } from '../podman-database.ts';
import { libraryDirectory } from '../shipped.ts';

/** `podman ps` waits for the locks that make every other podman hang. */
export async function readPodmanState(
  host: HostReader,
  env: Environment,
): Promise<FactValues['podman']> {
  const [version, list, database] = await Promise.all([
    host.run(['podman', '--version']),
    host.run(['podman', 'ps', '--quiet']),
    readPodmanDatabase(host, env),
  ]);
  const hangs = version.failure === 'timed-out' || list.failure === 'timed-out';
  const failed = [version, list].find(({ exitCode }) => exitCode !== 0);
  return {
    version: parsePodmanVersion(version.stdout),
    database,
    failure:
      version.failure === 'not-found' ? 'missing' : hangs ? 'hangs' : failed ? 'fails' : null,
    said: failed?.stderr.trim().split('\n').at(-1) ?? '',
  };
}

/** @param running the word of the systemd that runs; the version is the program's */
export async function readSystemdState(
  host: HostReader,
  running: Promise<RunResult>,
): Promise<FactValues['systemd']> {
  const [tool, manager] = await Promise.all([host.run(['systemctl', '--version']), running]);
  const version = parseSystemdVersion(tool.stdout);
  if (tool.failure === 'not-found') return { version, failure: 'missing' };
  // sd_booted(3)
  if (!host.files.exists('/run/systemd/system')) return { version, failure: 'not-booted' };
  const hangs = [tool, manager].some(({ failure }) => failure === 'timed-out');
  return { version, failure: hangs ? 'hangs' : null };
}

export function findParts(files: FileReader): FactValues['parts'] {
  return Object.fromEntries(
    PARTS.map(({ id, paths }) => [id, paths.find((path) => files.exists(path)) ?? null]),
  );
}

/** Whoever can write one of these directories can put another guard in its place. */
export async function readHook(files: FileReader): Promise<HookFacts> {
  const libDir = libraryDirectory();
  const definition = `${libDir}/hooks.d/ibq-guard.json`;
  const programs = [`${libDir}/guard`, `${libDir}/settings`, `${libDir}/own-settings`];
  const candidates = [libDir, `${libDir}/hooks.d`, definition, ...programs];
  for (let up = dirname(libDir); up !== '/'; up = dirname(up)) candidates.push(up);
  const paths: HookFacts['paths'][number][] = [];
  const unfit = new Set(programs);
  for (const path of candidates) {
    if (!files.exists(path)) continue;
    const { uid, mode } = await stat(path);
    paths.push({ path, uid, mode });
    if ((mode & 0o111) !== 0) unfit.delete(path);
  }
  return { libDir, paths, unfit: [...unfit], definition: files.readText(definition) };
}

export function readCgroups(files: FileReader): FactValues['cgroups'] {
  return { unified: files.exists('/sys/fs/cgroup/cgroup.controllers') };
}

/**
 * By the kernel's own lists where they are there, else by a try in a network namespace that is gone
 * with its command.
 */
export async function readKernelDriver(
  host: HostReader,
  driver: LanDriver,
): Promise<FactValues['kernelDriver']> {
  const { files } = host;
  if (files.exists(`/sys/module/${driver}`)) return { driver, available: true, said: 'loaded' };
  const release = files.readText('/proc/sys/kernel/osrelease')?.trim() ?? '';
  const modules = `/lib/modules/${release}`;
  const lists = ['modules.dep', 'modules.builtin'].map((it) => files.readText(`${modules}/${it}`));
  if (lists.some((text) => text?.includes(`/${driver}.ko`))) {
    return { driver, available: true, said: `a module of ${release}` };
  }
  const attempt = `ip link add ibq0 type veth peer name ibq1 && ip link add link ibq0 name ibq2 type ${driver}`;
  const result = await host.run(['unshare', '--net', 'sh', '-c', attempt]);
  if (result.failure === 'not-found' || result.exitCode === 127) {
    throw new UserError('unshare and ip are needed to try it; install util-linux and iproute2');
  }
  // No time to try it is not the same as a kernel without it.
  if (result.failure !== null) throw new UserError('a try of the driver did not end in time');
  const said = result.exitCode === 0 ? 'tried' : (result.stderr.trim().split('\n').at(-1) ?? '');
  return { driver, available: result.exitCode === 0, said };
}
