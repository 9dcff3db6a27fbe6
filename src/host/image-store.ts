/**
 * Which image a container was made of, and which its tag names now: by the lists of Podman's own storage
 * (containers/storage: images.json, containers.json), read as files, so that nobody waits for a process.
 */

import type { FileReader } from './host.ts';

export interface RunningImage {
  /** `sha256:…` of the image that the container was made of; null: the storage does not say. */
  digest: string | null;
  /** The tag names another image by now: the next start takes that one. */
  moved: boolean;
}

interface Asked {
  /** Id of the container, whole. */
  container: string;
  /** The image as the container's definition names it. */
  reference: string;
}

/** Where Podman of root puts its storage by itself. */
export const DEFAULT_GRAPH_ROOT = '/var/lib/containers/storage';
const STORAGE_CONF = '/etc/containers/storage.conf';

/** Drivers of the storage by the names of their directories; a host may have changed from one to another. */
export const DRIVERS = ['overlay', 'btrfs', 'zfs', 'vfs'];

/**
 * @param asked containers by a key of the caller's
 * @returns those whose image is known; none where the storage lies elsewhere, or for a user who may not read it
 */
export function readRunningImages(
  files: FileReader,
  asked: ReadonlyMap<string, Asked>,
): Map<string, RunningImage> {
  const known = new Map<string, RunningImage>();
  if (asked.size === 0) return known;
  const root = graphRoot(files);
  for (const driver of DRIVERS) {
    const store = readStore(files, `${root}/${driver}`);
    for (const [key, { container, reference }] of asked) {
      const id = store.containers.get(container);
      if (id === undefined) continue;
      const now = store.tags.get(withTag(reference));
      const moved = now !== undefined && now !== id;
      known.set(key, { digest: store.digests.get(id) ?? null, moved });
    }
  }
  return known;
}

/** Every name that an image has, with its tag. */
export function readImageNames(files: FileReader): Set<string> {
  const root = graphRoot(files);
  const stores = DRIVERS.map((driver) => readStore(files, `${root}/${driver}`));
  return new Set(stores.flatMap(({ tags }) => [...tags.keys()]));
}

interface Store {
  /** By the id of the image. */
  digests: ReadonlyMap<string, string>;
  /** Id of the image that each name stands for. */
  tags: ReadonlyMap<string, string>;
  /** Id of the image that each container was made of. */
  containers: ReadonlyMap<string, string>;
}

/** @param driver path that the names of its directories begin with */
function readStore(files: FileReader, driver: string): Store {
  const digests = new Map<string, string>();
  const tags = new Map<string, string>();
  const containers = new Map<string, string>();
  for (const { id, digest, names } of readList(files, `${driver}-images/images.json`)) {
    if (typeof id !== 'string') continue;
    if (typeof digest === 'string' && digest !== '') digests.set(id, digest);
    for (const name of Array.isArray(names) ? names : []) tags.set(String(name), id);
  }
  // Containers of `--rm`, as Quadlet's are, stand in a list of their own.
  for (const list of ['containers.json', 'volatile-containers.json']) {
    for (const { id, image } of readList(files, `${driver}-containers/${list}`)) {
      if (typeof id === 'string' && typeof image === 'string') containers.set(id, image);
    }
  }
  return { digests, tags, containers };
}

/** containers-storage.conf(5); without it the storage lies where Podman puts it by itself. */
export function graphRoot(files: FileReader): string {
  const text = files.readText(STORAGE_CONF) ?? '';
  const [, quoted, literal] = /^\s*graphroot\s*=\s*(?:"([^"]+)"|'([^']+)')/m.exec(text) ?? [];
  return quoted ?? literal ?? DEFAULT_GRAPH_ROOT;
}

/** Empty where the list is not there, where it is not for this user's eyes, or where it is written in another way. */
function readList(files: FileReader, path: string): Record<string, unknown>[] {
  const text = files.exists(path) ? files.readText(path) : null;
  if (text === null) return [];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((it) => typeof it === 'object' && it !== null) : [];
  } catch {
    return [];
  }
}

/** As the storage writes names; one with a digest names one image for good. */
export function withTag(reference: string): string {
  return reference.includes('@') || /:[^/]*$/.test(reference) ? reference : `${reference}:latest`;
}
