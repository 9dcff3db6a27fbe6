/** Definitions of Podman's networks, from its own files: what its commands would say, without a process. */

import { parse } from 'smol-toml';
import { UserError } from '../errors.ts';
import { type Cidr, parseCidr } from '../network/ipv4.ts';
import { field, textOf } from '../network/json.ts';
import type { SubnetPool, UsedSubnet } from '../network/publish-network.ts';
import type { FileReader } from './host.ts';

/** Of a rootful Podman with netavark, where containers.conf says nothing else. */
const USUAL_DIRECTORY = '/etc/containers/networks';
/**
 * In the order in which Podman reads them, the later before the earlier: files, and directories of drop-ins.
 * Podman 5 reads the two files and /etc/containers/containers.conf.d; the rest came with Podman 6
 * (containers-config(5)).
 */
const CONFIGURATION = [
  '/usr/share/containers/containers.conf',
  '/usr/share/containers/containers.conf.d/',
  '/usr/share/containers/containers.rootful.conf.d/',
  '/etc/containers/containers.conf',
  '/etc/containers/containers.conf.d/',
  '/etc/containers/containers.rootful.conf.d/',
];

/** Name and path of each network's file. */
export function listPodmanNetworks(files: FileReader): { name: string; path: string }[] {
  const directory = networkDirectory(files);
  return files
    .list(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ name: file.slice(0, -'.json'.length), path: `${directory}/${file}` }));
}

/** Text of one network's file; null: Podman has no file of it. */
export function readPodmanNetwork(files: FileReader, name: string): string | null {
  return files.readText(`${networkDirectory(files)}/${name}.json`);
}

/** @param prefix of the names of those that are asked for */
export function podmanNetworkTexts(files: FileReader, prefix: string): string[] {
  return listPodmanNetworks(files)
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ path }) => files.readText(path) ?? '');
}

/** @param prefix of the names of those that are asked for */
export function podmanSubnets(files: FileReader, prefix: string): Cidr[] {
  return podmanNetworkTexts(files, prefix).flatMap(subnetsIn);
}

/** Subnets of all networks, each with the network's name. */
export function allPodmanSubnets(files: FileReader): UsedSubnet[] {
  return listPodmanNetworks(files).flatMap(({ name, path }) =>
    subnetsIn(files.readText(path) ?? '').map((subnet) => ({ subnet, kind: 'podman', name })),
  );
}

function subnetsIn(text: string): Cidr[] {
  return [...text.matchAll(/"subnet":\s*"([\d./]+)"/g)].flatMap(
    ([, subnet = '']) => parseCidr(subnet) ?? [],
  );
}

/** `network_config_dir` of `[network]`; a later file replaces what an earlier one says. */
function networkDirectory(files: FileReader): string {
  return (
    readKey(files, 'network_config_dir')
      .map(textOf)
      .findLast((directory) => directory) ?? USUAL_DIRECTORY
  );
}

/** `default_subnet_pools` of `[network]`; null where no file sets it. */
export function readSubnetPools(files: FileReader): SubnetPool[] | null {
  const pools = readKey(files, 'default_subnet_pools').at(-1);
  if (!Array.isArray(pools)) return null;
  return pools.flatMap((pool: unknown) => {
    const base = parseCidr(textOf(field(pool, 'base')) ?? '');
    const size = field(pool, 'size');
    return base !== null && typeof size === 'number' && size <= 30 ? [{ base, size }] : [];
  });
}

/** What each file says of a key of `[network]`, in the order of their precedence. */
function readKey(files: FileReader, key: string): unknown[] {
  const paths = CONFIGURATION.flatMap((path) =>
    path.endsWith('/')
      ? files
          .list(path)
          .filter((name) => name.endsWith('.conf'))
          .map((name) => `${path}${name}`)
      : [path],
  );
  return paths
    .map((path) => valueIn(readOrNothing(files, path), key))
    .filter((value) => value !== undefined);
}

/** What is no TOML says nothing; Podman refuses it with its line. */
function valueIn(text: string, key: string): unknown {
  // The shipped file is long and says it in a comment only.
  if (!new RegExp(`^[^#\\n]*${key}`, 'm').test(text)) return undefined;
  try {
    return field(parse(text), 'network', key);
  } catch {
    return undefined;
  }
}

/** A file that this user may not read says nothing to him. */
function readOrNothing(files: FileReader, path: string): string {
  try {
    return files.readText(path) ?? '';
  } catch (error) {
    if (error instanceof UserError) return '';
    throw error;
  }
}
