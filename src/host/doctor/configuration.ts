/** Facts about the configuration and what its gateways need on this host. */

import { access, constants, stat, statfs } from 'node:fs/promises';
import type { Environment } from '../../config/load.ts';
import type { FactValues, VolumeFacts } from '../../doctor/facts.ts';
import { ConfigError, formatProblem, UserError } from '../../errors.ts';
import { PROFILE_IDS, profileOf } from '../../images/index.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { volumeName } from '../../quadlet/render-instance.ts';
import { loadHostConfig, readConfigSources } from '../config-files.ts';
import type { FileReader, HostReader } from '../host.ts';
import type { LocalImage } from '../podman.ts';
import { requireTrusted, requireTrustedFiles } from '../trusted-files.ts';

export function readConfiguration(
  files: FileReader,
  configFile: string,
  env: Environment,
  { live }: { live: boolean },
): FactValues['configuration'] {
  try {
    if (live) requireTrusted(files, configFile, env);
    const { main, pin, instances } = readConfigSources(files, configFile);
    const count = [main, pin, ...instances].filter((source) => source !== null).length;
    const { config } = loadHostConfig(files, configFile, env);
    if (live) requireTrustedFiles(config, env);
    return { problems: [], files: count };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const problems =
      error instanceof ConfigError ? error.problems.map(formatProblem) : error.message.split('\n');
    return { problems, files: 0 };
  }
}

/**
 * @param images those of the manifest
 * @throws UserError without Podman's answer
 */
export async function readVolumes(
  host: HostReader,
  manifest: Manifest,
  images: Promise<ReadonlyMap<string, LocalImage>>,
): Promise<VolumeFacts[]> {
  const [paths, known] = await Promise.all([readMountpoints(host), images]);
  const found = await Promise.all(
    Object.entries(manifest.instances).map(async ([instance, { profile, image, inputs }]) => {
      const path = paths.get(volumeName(instance));
      // Without a known profile: deployed by another version of ibq, perhaps.
      const id = PROFILE_IDS.find((known) => known === profile);
      const chosen = { uid: numberOf(inputs.uid), gid: numberOf(inputs.gid) };
      const user = id === undefined ? null : profileOf(id).user(chosen);
      // Or a user whose number only the image knows.
      if (path === undefined || user === null) return [];
      const { uid: ownerUid, gid: ownerGid } = await stat(path);
      const owner = `${ownerUid}:${ownerGid}`;
      // A number; what a name means would have to be looked up inside.
      const imageUser = /^(\d+)(:|$)/.exec(known.get(image)?.user ?? '')?.[1] ?? null;
      return [
        { instance, path, owner, wanted: `${user.uid}:${user.gid}`, image, imageUser, profile },
      ];
    }),
  );
  return found.flat();
}

function numberOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

async function readMountpoints(host: HostReader): Promise<Map<string, string>> {
  const format = '{{.Name}} {{.Mountpoint}}';
  const result = await host.run(['podman', 'volume', 'ls', '--format', format]);
  if (result.exitCode !== 0) throw new UserError('podman volume ls does not tell');
  const lines = result.stdout.split('\n').map((line) => /^(\S+) (.+)$/.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}

/** Where ibq writes, where it and the guard note what runs, and where Podman keeps images (its default graphroot). */
const DISKS = ['/etc/ibq', '/etc', '/run', '/var/lib/containers'];

export async function readDisks(files: FileReader): Promise<FactValues['disks']> {
  const there = DISKS.filter((path) => files.exists(path));
  const disks = await Promise.all(
    there.map(async (path) => {
      const [{ bavail, bsize }, { dev }, readOnly] = await Promise.all([
        statfs(path),
        stat(path),
        isReadOnly(path),
      ]);
      return { path, dev, freeBytes: bavail * bsize, readOnly };
    }),
  );
  const first = (dev: number) => disks.find((it) => it.dev === dev);
  return disks.filter((it) => first(it.dev) === it).map(({ dev: _, ...disk }) => disk);
}

/** access(2): EROFS, to root as well. */
async function isReadOnly(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS';
  }
}

/** systemd-timedated reads the kernel's own flag, whatever keeps the time (adjtimex(2)). */
export async function readClock(host: HostReader): Promise<FactValues['clock']> {
  const result = await host.run(['timedatectl', 'show', '--property=NTPSynchronized', '--value']);
  const word = result.stdout.trim();
  if (word !== 'yes' && word !== 'no') throw new UserError('timedatectl does not tell');
  return { synchronised: word === 'yes' };
}
