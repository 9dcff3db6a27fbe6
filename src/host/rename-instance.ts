/**
 * What an instance keeps under another name: secrets, settings volume, LAN address, MAC and the numbers of its users.
 * All of it is copied: until the configuration has the new name the old one is whole, and may be started again.
 */

import { UserError } from '../errors.ts';
import { formatManifest } from '../plan/manifest.ts';
import { CURRENT } from '../plan/paths.ts';
import { volumeName } from '../quadlet/render-instance.ts';
import type { Host, HostReader } from './host.ts';
import { readCurrentManifest } from './installed.ts';
import { listSecrets, removeVolume, volumeExists, writeSecret } from './podman.ts';
import { requireDone } from './systemd.ts';

/** Both names, while it is under way: what lies under the new one is then its own work. */
const MARK = '/etc/ibq/renaming';

/** @returns `4003 trade`; null: none was broken off */
export function brokenOff({ files }: HostReader): string | null {
  return files.readText(MARK)?.trim() || null;
}

export function beginRename(host: Host, from: string, to: string): void {
  host.files.writeText(MARK, `${from} ${to}\n`, 0o600);
}

export function endRename(host: Host): void {
  host.files.remove(MARK);
}

/** Secrets of an instance by their keys; copies of the user's files are made by a deploy. */
async function secretKeys(host: HostReader, name: string): Promise<string[]> {
  const prefix = `ibq-${name}-`;
  return [...(await listSecrets(host))]
    .filter((secret) => secret.startsWith(prefix))
    .map((secret) => secret.slice(prefix.length))
    .filter((key) => !/^(?:config_ini|jts_ini)-[0-9a-f]+$/.test(key));
}

/** @returns what is there of a name, from an instance that had it before: `its secrets`, `its settings volume` */
export async function leftBehind(host: HostReader, name: string): Promise<string[]> {
  const [keys, volume] = await Promise.all([
    secretKeys(host, name),
    volumeExists(host, volumeName(name)),
  ]);
  return [...(keys.length > 0 ? ['its secrets'] : []), ...(volume ? ['its settings volume'] : [])];
}

/** @returns the keys */
export async function copySecrets(host: Host, from: string, to: string): Promise<string[]> {
  const keys = await secretKeys(host, from);
  for (const key of keys) {
    const show = ['podman', 'secret', 'inspect', '--showsecret', '--format', '{{.SecretData}}'];
    const [program = 'podman', ...rest] = show;
    const result = await host.run([program, ...rest, `ibq-${from}-${key}`]);
    requireDone(result, `podman secret inspect ibq-${from}-${key}`);
    // The template ends its line; what the value ends with is its own.
    await writeSecret(host, `ibq-${to}-${key}`, result.stdout.replace(/\n$/, ''));
  }
  return keys;
}

/** With owners, modes and times. @returns false where it has none */
export async function copyVolume(host: Host, from: string, to: string): Promise<boolean> {
  if (!(await volumeExists(host, volumeName(from)))) return false;
  // Half of a copy that was broken off.
  await removeVolume(host, volumeName(to));
  const created = await host.run(['podman', 'volume', 'create', volumeName(to)]);
  requireDone(created, `podman volume create ${volumeName(to)}`);
  const [source, target] = await Promise.all([mountpoint(host, from), mountpoint(host, to)]);
  const argv = ['cp', '--archive', '--', `${source}/.`, `${target}/`] as const;
  requireDone(await host.run(argv, { timeoutMs: COPY_MS }), `cp --archive ${source}/. ${target}/`);
  return true;
}

const COPY_MS = 600_000;

async function mountpoint(host: Host, name: string): Promise<string> {
  const volume = volumeName(name);
  const inspect = ['podman', 'volume', 'inspect', '--format', '{{.Mountpoint}}', volume] as const;
  const result = await host.run(inspect);
  requireDone(result, `podman volume inspect ${volume}`);
  const path = result.stdout.trim();
  if (path.startsWith('/')) return path;
  throw new UserError(`podman volume inspect ${volume} should tell a path, says ${path}`);
}

/** The next deploy reads them back from the current generation, where nothing else is changed. */
export function keepIdentity(host: Host, from: string, to: string): void {
  const manifest = readCurrentManifest(host.files);
  if (manifest === null) return;
  const also = <T>(all: Readonly<Record<string, T>>): Record<string, T> => {
    const own = all[from];
    return own === undefined ? { ...all } : { ...all, [to]: own };
  };
  const { addresses, idBases } = manifest;
  const kept = { ...manifest, addresses: also(addresses), idBases: also(idBases) };
  host.files.writeText(`${CURRENT}/manifest.json`, formatManifest(kept));
}
