/** Proposes the addresses that ibq may give out: the highest aligned block of a subnet that is free. */

import {
  broadcastOf,
  type Cidr,
  cidrCovers,
  cidrsOverlap,
  makeCidr,
  networkOf,
  prefixOf,
  sizeOf,
} from './ipv4.ts';

/** A /27 in a /24, an eighth of anything smaller. */
const USUAL_PREFIX = 27;

/** How many addresses a LAN needs: one an instance, and one for the host's own way to them. */
export function addressesNeeded(instances: number): number {
  return Math.max(instances, 1) + 1;
}

/**
 * The usual size where that is free, larger where the instances need it, smaller (but large enough)
 * where only less is free; `null` where nothing is.
 * @param taken addresses and subnets in use; the network and broadcast address need not be there
 */
export function proposeRange(subnet: Cidr, taken: readonly Cidr[], instances: number): Cidr | null {
  const subnetPrefix = prefixOf(subnet);
  const neededPrefix = 32 - Math.ceil(Math.log2(addressesNeeded(instances)));
  const wanted = Math.min(Math.max(USUAL_PREFIX, subnetPrefix + 3), neededPrefix);
  const excluded = [...taken, makeCidr(networkOf(subnet), 32), makeCidr(broadcastOf(subnet), 32)];
  for (let prefix = Math.max(wanted, subnetPrefix); prefix <= neededPrefix; prefix += 1) {
    const block = highestFree(subnet, prefix, excluded);
    if (block) return block;
  }
  return null;
}

/** Whether a range that is pinned already would still do. */
export function isRangeUsable(
  range: Cidr,
  subnet: Cidr,
  taken: readonly Cidr[],
  instances: number,
): boolean {
  return (
    range !== subnet &&
    cidrCovers(subnet, range) &&
    sizeOf(range) >= addressesNeeded(instances) &&
    !taken.some((block) => cidrsOverlap(block, range))
  );
}

/**
 * The smallest block around `range` with room for so many, so that everybody in it keeps his address; `null`
 * where there is none.
 * @param taken what may not lie in the part that is new
 */
export function enlargeRange(
  range: Cidr,
  subnet: Cidr,
  taken: readonly Cidr[],
  instances: number,
): Cidr | null {
  for (let prefix = prefixOf(range) - 1; prefix > prefixOf(subnet); prefix -= 1) {
    const block = makeCidr(networkOf(range), prefix);
    const edges = [networkOf(subnet), broadcastOf(subnet)];
    const lost = edges.filter((it) => it >= networkOf(block) && it <= broadcastOf(block)).length;
    if (taken.some((it) => cidrsOverlap(it, block) && !cidrCovers(range, it))) return null;
    if (sizeOf(block) - lost >= addressesNeeded(instances)) return block;
  }
  return null;
}

/** What to write where a range is too small, and what that costs. */
export function growRange(
  { range, subnet }: { range: Cidr; subnet: Cidr },
  taken: readonly Cidr[],
  instances: number,
): string {
  const larger = enlargeRange(range, subnet, taken, instances);
  return larger === null
    ? `no larger block around it is free in ${subnet}: choose another range, which gives every instance a new address at its next restart`
    : `set range = "${larger}", which must be outside the DHCP range: all keep their addresses, and what runs takes it over at its next restart`;
}

function highestFree(subnet: Cidr, prefix: number, excluded: readonly Cidr[]): Cidr | null {
  const size = 2 ** (32 - prefix);
  let start = broadcastOf(subnet) + 1 - size;
  while (start >= networkOf(subnet)) {
    const block = makeCidr(start, prefix);
    const obstacle = excluded.find((cidr) => cidrsOverlap(cidr, block));
    if (obstacle === undefined) return block;
    // The next block that does not reach into the obstacle, which may be much larger than a block.
    const below = networkOf(obstacle);
    start = below - (below % size) - size;
  }
  return null;
}
