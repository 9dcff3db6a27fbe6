/** Definitions of Podman's networks, from its own files: what its commands would say, without a process. */

import { parse } from 'smol-toml';
import { UserError } from '../errors.ts';
import { type Cidr, parseCidr } from '../network/ipv4.ts';
import { field, textOf } from '../network/json.ts';
import type { FileReader } from './host.ts';

/** Of a rootful Podman with netavark, where containers.conf says nothing else. */
const USUAL_DIRECTORY = '/etc/containers/networks';
/** In the order in which Podman reads them; then the drop-ins of the last (containers.conf(5)). */
const CONFIGURATION = ['/usr/share/containers/containers.conf', '/etc/containers/containers.conf'];
const DROP_INS = '/etc/containers/containers.conf.d';

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
  return podmanNetworkTexts(files, prefix).flatMap((text) =>
    [...text.matchAll(/"subnet":\s*"([\d./]+)"/g)].flatMap(
      ([, subnet = '']) => parseCidr(subnet) ?? [],
    ),
  );
}

/** `network_config_dir` of `[network]`; a later file replaces what an earlier one says. */
function networkDirectory(files: FileReader): string {
  const dropIns = files.list(DROP_INS).filter((name) => name.endsWith('.conf'));
  const paths = [...CONFIGURATION, ...dropIns.map((name) => `${DROP_INS}/${name}`)];
  const named = paths.map((path) => directoryOf(readOrNothing(files, path)));
  return named.findLast((directory) => directory) ?? USUAL_DIRECTORY;
}

/** Null: the file says nothing of it. What is no TOML says nothing; Podman refuses it with its line. */
function directoryOf(text: string): string | null {
  // The shipped file is long and says it in a comment only.
  if (!/^[^#\n]*network_config_dir/m.test(text)) return null;
  try {
    return textOf(field(parse(text), 'network', 'network_config_dir'));
  } catch {
    return null;
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
