/**
 * Parsers of the kernel's IPv4 tables in /proc/net. Text in, typed data out; a line that makes no
 * sense is skipped and counted, never an error: what is shown there is not ours to refuse.
 */

import { type Cidr, type Ipv4, ipv4FromNumber, ipv4ToNumber, makeCidr, parseIpv4 } from './ipv4.ts';

export interface Parsed<T> {
  entries: T[];
  /** Lines that could not be read. */
  skipped: number;
}

/** A row of /proc/net/route. */
export interface Route {
  interface: string;
  destination: Cidr;
  gateway: Ipv4 | null;
  /** RTF_… bits of include/uapi/linux/route.h. */
  flags: number;
  metric: number;
}

export type ByteOrder = 'little' | 'big';

export const RTF_UP = 0x1;
export const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

/**
 * /proc/net/route, as `fib_route_seq_show` of net/ipv4/fib_trie.c writes it. Unreachable routes and
 * those of no interface (`*`) are left out.
 * @param byteOrder of the host that wrote it; found from the masks when not given
 */
export function parseRoutes(text: string, byteOrder?: ByteOrder): Parsed<Route> {
  const rows = linesOf(text)
    .map((line) => line.split(/\s+/))
    .filter((fields) => fields[1] !== 'Destination');
  const order = byteOrder ?? byteOrderOf(rows.map((fields) => fields[7] ?? ''));
  const entries: Route[] = [];
  let skipped = 0;
  for (const fields of rows) {
    const route = parseRoute(fields, order);
    if (route === null) skipped += 1;
    else if (route.interface !== '*' && (route.flags & RTF_REJECT) === 0) entries.push(route);
  }
  return { entries, skipped };
}

function parseRoute(fields: string[], order: ByteOrder): Route | null {
  const [name = '', destinationText, gatewayText, flagsText, , , metricText, maskText] = fields;
  const destination = parseHex(destinationText, order);
  const gateway = parseHex(gatewayText, order);
  const mask = parseHex(maskText, order);
  const prefix = mask === null ? null : prefixOfMask(mask);
  const validFlags = /^[0-9A-Fa-f]{1,8}$/.test(flagsText ?? '');
  const validMetric = /^\d{1,10}$/.test(metricText ?? '');
  if (destination === null || gateway === null || prefix === null || !validFlags || !validMetric) {
    return null;
  }
  const flags = Number.parseInt(flagsText ?? '', 16);
  return {
    interface: name,
    destination: makeCidr(destination, prefix),
    gateway: (flags & RTF_GATEWAY) === 0 || gateway === 0 ? null : ipv4FromNumber(gateway),
    flags,
    metric: Number(metricText),
  };
}

/**
 * The kernel prints a big-endian field as a host number, so x86 shows 255.255.255.0 as `00FFFFFF`.
 * A netmask is contiguous from the top, so in the wrong order only 0 and 255.255.255.255 still are
 * one: every other mask tells. Little-endian where none does.
 */
export function byteOrderOf(masks: readonly string[]): ByteOrder {
  const votes = (order: ByteOrder) =>
    masks.filter((mask) => {
      const value = parseHex(mask, order);
      return value !== null && prefixOfMask(value) !== null;
    }).length;
  return votes('big') > votes('little') ? 'big' : 'little';
}

/** Interface names of /proc/net/dev in order (`dev_seq_show` of net/core/net-procfs.c). */
export function parseInterfaces(text: string): Parsed<string> {
  const entries: string[] = [];
  let skipped = 0;
  for (const line of linesOf(text)) {
    // Old kernels glue the first counter to the colon. A name has no colon and no space.
    const name = /^\s*(\S+?):\s*\d[\d\s]*$/.exec(line)?.[1];
    if (name !== undefined) entries.push(name);
    else if (!line.includes('|')) skipped += 1;
  }
  return { entries, skipped };
}

/**
 * The host's own addresses, ascending: the `/32 host LOCAL` leaves of /proc/net/fib_trie
 * (`fib_trie_seq_show` of net/ipv4/fib_trie.c). 127.0.0.1 is one of them.
 */
export function parseLocalAddresses(text: string): Parsed<Ipv4> {
  const addresses = new Set<Ipv4>();
  let leaf: Ipv4 | null = null;
  let skipped = 0;
  for (const line of linesOf(text)) {
    const address = /^\s*\|--\s+(\S+)$/.exec(line)?.[1];
    if (address !== undefined) {
      leaf = parseIpv4(address);
      if (leaf === null) skipped += 1;
    } else if (/^\s*\/32\s+\S+\s+LOCAL\b/.test(line) && leaf !== null) {
      addresses.add(leaf);
    } else if (!/^\s*(\/\d+\s|\+--\s)|^\S.*:$/.test(line)) {
      skipped += 1;
    }
  }
  return {
    entries: [...addresses].sort((a, b) => ipv4ToNumber(a) - ipv4ToNumber(b)),
    skipped,
  };
}

/** A row of /proc/net/arp. */
export interface Neighbour {
  address: Ipv4;
  /** Null while it is being asked for, and after it did not answer. */
  mac: string | null;
  interface: string;
}

/** /proc/net/arp (`arp_seq_show` of net/ipv4/arp.c), entries still being asked for included. */
export function parseNeighbours(text: string): Parsed<Neighbour> {
  const entries: Neighbour[] = [];
  let skipped = 0;
  for (const line of linesOf(text)) {
    if (line.startsWith('IP address')) continue;
    const fields = line.split(/\s+/);
    const address = parseIpv4(fields[0] ?? '');
    const device = fields[5];
    const mac = fields[3] === '00:00:00:00:00:00' ? null : (fields[3] ?? null);
    if (address !== null && device !== undefined) entries.push({ address, mac, interface: device });
    else skipped += 1;
  }
  return { entries, skipped };
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}

/** `null` unless exactly 8 hex digits; unsigned 32-bit. */
function parseHex(text: string | undefined, order: ByteOrder): number | null {
  if (!/^[0-9A-Fa-f]{8}$/.test(text ?? '')) return null;
  const value = Number.parseInt(text ?? '', 16);
  return order === 'big' ? value : swapBytes(value);
}

function swapBytes(value: number): number {
  const low = ((value & 0xff) << 24) | ((value & 0xff00) << 8);
  return (low | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

/** `null` for a mask with holes. */
function prefixOfMask(mask: number): number | null {
  const prefix = Math.clz32(~mask >>> 0);
  return (mask << prefix) >>> 0 === 0 || prefix === 32 ? prefix : null;
}
