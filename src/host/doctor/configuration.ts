/** Facts about the configuration and what its gateways need on this host. */

import { stat, statfs } from 'node:fs/promises';
import type { Environment } from '../../config/load.ts';
import type { FactValues, VolumeFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { PROFILE_IDS, profileOf } from '../../images/index.ts';
import type { ProfileId } from '../../images/profile.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { volumeName } from '../../quadlet/render-instance.ts';
import { loadHostConfig, readConfigSources } from '../config-files.ts';
import type { FileReader, HostReader } from '../host.ts';

export function readConfiguration(
  files: FileReader,
  configFile: string,
  env: Environment,
): FactValues['configuration'] {
  try {
    const { main, pin, instances } = readConfigSources(files, configFile);
    const count = [main, pin, ...instances].filter((source) => source !== null).length;
    loadHostConfig(files, configFile, env);
    return { problems: [], files: count };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { problems: error.message.split('\n'), files: 0 };
  }
}

/** @throws UserError without Podman's answer */
export async function readVolumes(host: HostReader, manifest: Manifest): Promise<VolumeFacts[]> {
  const found = await Promise.all(
    Object.entries(manifest.instances).map(async ([instance, { profile }]) => {
      // Deployed by another version of ibq, perhaps.
      if (!PROFILE_IDS.includes(profile)) return [];
      const { uid, gid } = profileOf(profile as ProfileId);
      const name = volumeName(instance);
      const result = await host.run([
        'podman',
        'volume',
        'inspect',
        '--format',
        '{{.Mountpoint}}',
        name,
      ]);
      if (result.failure !== null) throw new UserError('podman did not answer');
      const path = result.stdout.trim();
      if (result.exitCode !== 0 || path === '') return [];
      const owner = await stat(path);
      return [{ instance, path, owner: `${owner.uid}:${owner.gid}`, wanted: `${uid}:${gid}` }];
    }),
  );
  return found.flat();
}

/** Where ibq writes, and where Podman keeps images (its default graphroot). */
const DISKS = ['/etc', '/var/lib/containers'];

export async function readDisks(files: FileReader): Promise<FactValues['disks']> {
  const there = DISKS.filter((path) => files.exists(path));
  return Promise.all(
    there.map(async (path) => {
      const { bavail, bsize } = await statfs(path);
      return { path, freeBytes: bavail * bsize };
    }),
  );
}

/** systemd-timedated reads the kernel's own flag, whatever keeps the time (adjtimex(2)). */
export async function readClock(host: HostReader): Promise<FactValues['clock']> {
  const result = await host.run(['timedatectl', 'show', '--property=NTPSynchronized', '--value']);
  const word = result.stdout.trim();
  if (word !== 'yes' && word !== 'no') throw new UserError('timedatectl does not tell');
  return { synchronised: word === 'yes' };
}
