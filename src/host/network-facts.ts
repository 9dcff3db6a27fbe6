/** Gathers what detection needs from /proc/net, /sys/class and Podman's network files. */

import { basename } from 'node:path';
import { UserError } from '../errors.ts';
import type { Link, NetworkFacts } from '../network/facts.ts';
import {
  broadcastOf,
  type Cidr,
  cidrsBetween,
  ipv4ToNumber,
  networkOf,
  parseCidr,
  parseIpv4,
} from '../network/ipv4.ts';
import {
  type Parsed,
  parseInterfaces,
  parseLocalAddresses,
  parseNeighbours,
  parseRoutes,
} from '../network/proc.ts';
import type { FileReader } from './host.ts';
import { listPodmanNetworks } from './podman-networks.ts';

/** A file that is absent is a warning and an empty table: what can be told without it is told. */
export function readNetworkFacts(files: FileReader): NetworkFacts {
  const warnings: string[] = [];
  function table<T>(path: string, parse: (text: string) => Parsed<T>): T[] {
    const text = files.readText(path);
    if (text === null) {
      warnings.push(`${path}: not there`);
      return [];
    }
    const { entries, skipped } = parse(text);
    if (skipped > 0) warnings.push(`${path}: ${skipped} line(s) make no sense and were skipped`);
    return entries;
  }
  const names = table('/proc/net/dev', parseInterfaces);
  return {
    links: names.map((name) => readInterface(files, name)),
    routes: table('/proc/net/route', (text) => parseRoutes(text)),
    addresses: table('/proc/net/fib_trie', parseLocalAddresses),
    neighbours: table('/proc/net/arp', parseNeighbours),
    machine: {
      sysVendor: readWord(files, '/sys/class/dmi/id/sys_vendor'),
      productName: readWord(files, '/sys/class/dmi/id/product_name'),
      biosVendor: readWord(files, '/sys/class/dmi/id/bios_vendor'),
      biosVersion: readWord(files, '/sys/class/dmi/id/bios_version'),
      chassisAssetTag: readWord(files, '/sys/class/dmi/id/chassis_asset_tag'),
    },
    warnings,
  };
}

function readInterface(files: FileReader, name: string): Link {
  const directory = `/sys/class/net/${name}`;
  const present = new Set(files.list(directory));
  const word = (file: string) =>
    present.has(file) ? readWord(files, `${directory}/${file}`) : null;
  const type = word('type');
  const devtype = /^DEVTYPE=(.+)$/m.exec(word('uevent') ?? '')?.[1] ?? null;
  const master = present.has('master') ? files.readLink(`${directory}/master`) : null;
  return {
    name,
    type: type !== null && /^\d+$/.test(type) ? Number(type) : null,
    operstate: word('operstate'),
    mac: word('address'),
    devtype,
    // Without wireless extensions in the kernel there is no wireless/, but there is a phy80211.
    wireless: present.has('wireless') || present.has('phy80211') || devtype === 'wlan',
    bridge: present.has('bridge') || devtype === 'bridge',
    bridgePort: present.has('brport'),
    bond: present.has('bonding') || devtype === 'bond',
    master: master === null ? null : basename(master),
    tun: present.has('tun_flags'),
    lower: lowerOf(present),
  };
}

/** The kernel links a link to each one below it (netdev_adjacent_sysfs_add of net/core/dev.c). */
function lowerOf(entries: ReadonlySet<string>): string | null {
  const entry = [...entries].find((name) => name.startsWith('lower_'));
  return entry?.slice('lower_'.length) ?? null;
}

/** Without its last newline; `null` where absent or where the kernel does not let it be read. */
function readWord(files: FileReader, path: string): string | null {
  try {
    return files.readText(path)?.trim() ?? null;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/**
 * Addresses that Podman's other networks give out: the lease range where one is set, else the
 * subnet. ibq's own networks are not among them. Format: containers/common libnetwork/types.
 */
export function readPodmanSubnets(files: FileReader): Cidr[] {
  const subnets: Cidr[] = [];
  for (const { name, path } of listPodmanNetworks(files)) {
    if (name.startsWith('ibq-')) continue;
    const text = readWord(files, path);
    if (text !== null) subnets.push(...subnetsOf(text));
  }
  return subnets;
}

function subnetsOf(text: string): Cidr[] {
  let network: unknown;
  try {
    network = JSON.parse(text);
  } catch {
    return [];
  }
  return listOf(field(network, 'subnets')).flatMap((entry) => {
    const subnet = parseCidr(String(field(entry, 'subnet')));
    if (!subnet) return [];
    const lease = field(entry, 'lease_range');
    const first = parseIpv4(String(field(lease, 'start_ip')));
    const last = parseIpv4(String(field(lease, 'end_ip')));
    return cidrsBetween(
      first ? ipv4ToNumber(first) : networkOf(subnet),
      last ? ipv4ToNumber(last) : broadcastOf(subnet),
    );
  });
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
