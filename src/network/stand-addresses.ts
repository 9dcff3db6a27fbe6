/** Which addresses the stand-ins of `network test` may try to have. Pure. */

import {
  broadcastOf,
  type Cidr,
  cidrContains,
  cidrsOverlap,
  type Ipv4,
  ipv4FromNumber,
  networkOf,
  parseCidr,
  parseIpv4,
} from './ipv4.ts';

/** How many addresses of each sort are asked for on the LAN. */
const ASKED = 12;

export interface LanNeeds {
  subnet: Cidr;
  /** Live allow lists; an address is allowed or not for all instances alike. */
  allow: readonly string[];
  /** The host's, gateways, instances. */
  taken: ReadonlySet<string>;
  /** Subnets of gateways: their rules drop these before the allow list counts. */
  ranges: readonly string[];
}

/**
 * From the top of the subnet down, where a DHCP server rarely begins. Never an address that stands
 * in an allow list by itself: it is another machine's, even where that one is off now.
 *
 * @param isAllowed by the allow list as it stands
 */
export function lanCandidates(
  { subnet, allow, taken, ranges }: LanNeeds,
  isAllowed: (address: Ipv4) => boolean,
): { allowed: Ipv4[]; others: Ipv4[] } {
  const allowed: Ipv4[] = [];
  const others: Ipv4[] = [];
  const blocked = ranges.flatMap((range) => parseCidr(range) ?? []);
  const low = Math.max(networkOf(subnet) + 1, broadcastOf(subnet) - 65_536);
  for (let at = broadcastOf(subnet) - 1; at >= low; at--) {
    if (allowed.length >= ASKED && others.length >= ASKED) break;
    const address = ipv4FromNumber(at);
    if (taken.has(address) || allow.includes(address)) continue;
    if (blocked.some((range) => cidrContains(range, address))) continue;
    const list = isAllowed(address) ? allowed : others;
    if (list.length < ASKED) list.push(address);
  }
  return { allowed, others };
}

/** For documentation only (RFC 5737): no machine has these. */
const DOCUMENTATION = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'] as Cidr[];

/** @param routes destinations of the host's routes @returns three octets, or null: all are in use */
export function freeBlock(routes: readonly string[]): string | null {
  const used = routes.flatMap((route) => parseCidr(route) ?? []);
  const free = DOCUMENTATION.find((block) => !used.some((route) => cidrsOverlap(route, block)));
  return free ? free.replace(/\.0\/24$/, '') : null;
}

/** @param allow elements of an nft set: addresses, subnets, `first-last` */
export function isAllowed(allow: readonly string[], address: Ipv4): boolean {
  return allow.some((element) => {
    const [first = '', last] = element.split('-');
    if (last !== undefined) return between(first, address, last);
    const cidr = parseCidr(element);
    return cidr !== null && cidrContains(cidr, address);
  });
}

function between(first: string, address: Ipv4, last: string): boolean {
  const [low, high] = [parseIpv4(first), parseIpv4(last)];
  const padded = (text: string) =>
    text
      .split('.')
      .map((part) => part.padStart(3, '0'))
      .join('.');
  return (
    low !== null &&
    high !== null &&
    padded(low) <= padded(address) &&
    padded(address) <= padded(high)
  );
}
