/**
 * What Podman keeps, by its own files: for words that nobody waits a process for. Where the files are not there, or
 * are another Podman's, nothing is known to be lost.
 */

import { parseJson } from '../network/json.ts';
import { CURRENT } from '../plan/paths.ts';
import { volumeName } from '../quadlet/render-instance.ts';
import type { FileReader, HostReader } from './host.ts';
import { graphRoot, readImageNames, withTag } from './image-store.ts';
import { listSecrets } from './podman.ts';

/**
 * Names of all secrets (containers/common, pkg/secrets: `nameToID` of secrets.json), whatever driver keeps their
 * values; null: nobody knows.
 */
function storedSecrets(files: FileReader): Set<string> | null {
  const text = files.readText(`${graphRoot(files)}/secrets/secrets.json`);
  const names = (parseJson(text ?? '') as { nameToID?: unknown } | undefined)?.nameToID;
  return typeof names === 'object' && names !== null ? new Set(Object.keys(names)) : null;
}

/**
 * Names of all secrets: by Podman's own file, which `podman secret ls` reads too, where it has all that are wanted, and
 * else by Podman's word.
 */
export async function readSecretNames(
  host: HostReader,
  wanted: readonly string[],
): Promise<ReadonlySet<string>> {
  const stored = storedSecrets(host.files);
  const all = stored !== null && wanted.every((name) => stored.has(name));
  return all ? stored : listSecrets(host);
}

/** Podman's own word is worth asking for where its files miss one of these. */
export function seemsLost(
  files: FileReader,
  wanted: { secrets: readonly string[]; images: readonly string[] },
): boolean {
  const secrets = storedSecrets(files);
  const images = readImageNames(files);
  return (
    (secrets !== null && wanted.secrets.some((name) => !secrets.has(name))) ||
    (images.size > 0 && wanted.images.some((reference) => !images.has(withTag(reference))))
  );
}

/** Instances that keep their settings in a volume, were deployed before, and have none. */
export function lostVolumes(files: FileReader, names: readonly string[]): string[] {
  const volumes = `${graphRoot(files)}/volumes`;
  if (!files.exists(volumes)) return [];
  return names.filter((name) => {
    const volume = volumeName(name);
    const dropIn = `${CURRENT}/units/ib-gateway@${name}.container.d/10-ibq.conf`;
    const keeps = files.readText(dropIn)?.includes(`\nVolume=${volume}:`) === true;
    return keeps && !files.exists(`${volumes}/${volume}`);
  });
}

export function volumeLost(name: string): string {
  return `${name} has no settings volume (${volumeName(name)}): somebody removed it, or ${name} has never run; it starts with new settings, and with a full login`;
}
