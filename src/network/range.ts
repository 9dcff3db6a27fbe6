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
