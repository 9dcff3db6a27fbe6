/** What a start of an instance needs of the host: of the one that is wanted, and of the one that is deployed. Pure. */

import { assignments, parseUnit } from '../quadlet/unit-file.ts';
import type { DesiredInstance } from './desired.ts';
import type { ManifestInstance } from './manifest.ts';
import { publishedOf, type Reachable } from './services.ts';

export interface StartNeeds {
  name: string;
  image: string;
  /** Podman secrets, and what sets each. */
  secrets: readonly { name: string; key: string; mend: string }[];
  /** Directories and files of the host that it mounts. */
  hostPaths: readonly string[];
  /** Its users are numbers of their own on this host: what it mounts is idmapped. */
  ownUsers: boolean;
  /** Networks of Podman's: ibq's own by their hash, and those that it joins. */
  networks: readonly string[];
  /** Addresses of the host that it takes, `127.0.0.1:4001`; none in another container's network. */
  ports: readonly { title: string; publish: string }[];
  /** The interface that carries its LAN address; null: it has none. */
  parent: string | null;
}

export function needsOfDesired(instance: DesiredInstance): StartNeeds {
  const { name, image, secrets, hostPaths, idBase, inputs } = instance;
  return {
    name,
    image,
    secrets: secrets.flatMap(({ required, ...secret }) => (required ? secret : [])),
    hostPaths,
    ownUsers: idBase !== null,
    networks: instance.networks,
    ports: portsOf(instance),
    parent: parentOf(instance.lan, inputs),
  };
}

/** @param dropIn text of its `10-ibq.conf`, which names what the manifest does not */
export function needsOfDeployed(
  name: string,
  instance: ManifestInstance,
  dropIn: string,
): StartNeeds {
  const lines = assignments(parseUnit(dropIn));
  const values = (wanted: string) =>
    lines.flatMap(([section, key, value = '']) =>
      section === 'Container' && key === wanted && value !== '' ? [value] : [],
    );
  const volumes = values('Volume').map((volume) => unescaped(volume.split(':')[0] ?? ''));
  return {
    name,
    image: instance.image,
    secrets: values('Secret').map((option) => secretOf(name, option.split(',')[0] ?? '')),
    hostPaths: [...new Set(volumes.filter((source) => source.startsWith('/')))],
    ownUsers: instance.idBase !== null,
    networks: values('Network').flatMap(networkOf),
    ports: portsOf(instance),
    parent: parentOf(instance.lan, instance.inputs),
  };
}

/** As `quadlet/escape.ts` wrote it. */
function unescaped(path: string): string {
  return path.replaceAll('%%', '%').replaceAll('$$', '$');
}

/** `ibq-4001-password`; what stands for a file of the user's ends in a hash, and a deploy keeps it again. */
function secretOf(instance: string, secret: string): StartNeeds['secrets'][number] {
  const key = secret.slice(`ibq-${instance}-`.length);
  const ofFile = /^(?:config_ini|jts_ini)-[0-9a-f]+$/.test(key);
  const made = { ssh_key: 'tunnel key', ssh_known_hosts: 'tunnel trust' }[key];
  const mend = ofFile
    ? 'sudo ibq deploy'
    : made === undefined
      ? `sudo ibq secret set ${instance} ${key}`
      : `sudo ibq ${made} ${instance}`;
  return { name: secret, key: ofFile ? key.replace(/-[0-9a-f]+$/, '') : key, mend };
}

/** Of `ibq-lan-0123.network:ip=…` and `web:interface_name=net0`; another container's or the host's is none. */
function networkOf(value: string): string[] {
  const [name = ''] = value.split(':');
  if (name === 'host' || name.endsWith('.container')) return [];
  // A Quadlet network of the user's is started by its unit, whatever its name in Podman.
  if (name.endsWith('.network')) return /^ibq-/.test(name) ? [name.replace(/\.network$/, '')] : [];
  return [name];
}

function portsOf(instance: Reachable & Pick<DesiredInstance, 'inputs'>): StartNeeds['ports'] {
  // In another container's network it is that one which publishes, and it may well run.
  return instance.inputs['network.via'] === undefined ? publishedOf(instance) : [];
}

function parentOf(lan: object | null, inputs: Readonly<Record<string, string>>): string | null {
  return lan === null ? null : (inputs['network.interface'] ?? null);
}

/** A port that an instance wants and somebody has: whose it is by its unit, an instance or not. */
export interface PortHolding {
  name: string;
  title: string;
  publish: string;
  /** The instance that has it; null: it is none. */
  holder: string | null;
  /** For people. */
  shown: string;
}

/**
 * The order of restarts in which each finds its port free: who has the port of another goes first, and those
 * that wait for each other go together.
 *
 * @param blockers of each instance, those that have its port until their own restart
 */
export function restartGroups(
  names: readonly string[],
  blockers: ReadonlyMap<string, ReadonlySet<string>>,
): string[][] {
  const groups: string[][] = [];
  let left = [...names];
  const open = (name: string) =>
    left.filter((other) => other !== name && blockers.get(name)?.has(other));
  while (left.length > 0) {
    const free = left.find((name) => open(name).length === 0);
    const group = free === undefined ? circle(left[0] ?? '', open) : [free];
    groups.push(group);
    left = left.filter((name) => !group.includes(name));
  }
  return groups;
}

/** Everybody waits for somebody: by going from one to the next the circle is found. */
function circle(start: string, next: (name: string) => readonly string[]): string[] {
  const path: string[] = [];
  for (let at = start; ; at = next(at)[0] ?? start) {
    const seen = path.indexOf(at);
    if (seen >= 0) return path.slice(seen).sort();
    path.push(at);
  }
}
