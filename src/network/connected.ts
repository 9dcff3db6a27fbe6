/** What the routing table says of one interface: its subnets, its gateway, the addresses still free. */

import type { NetworkFacts } from './facts.ts';
import {
  type Cidr,
  cidrContains,
  cidrCovers,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  isPrivate,
  makeCidr,
  networkOf,
  prefixOf,
} from './ipv4.ts';
import { RTF_UP } from './proc.ts';
import type { UsedSubnet } from './publish-network.ts';
import { enlargeRange, isRangeUsable, proposeRange } from './range.ts';

/** A /31 is two hosts and nothing to give out. */
export const LONGEST_PREFIX = 30;

/** The subnet that counts: the first private one in route order, else the first. */
export function subnetOf(facts: NetworkFacts, name: string): Cidr | null {
  const subnets = connectedSubnets(facts, name);
  const fits = (subnet: Cidr) => isPrivate(subnet) && prefixOf(subnet) <= LONGEST_PREFIX;
  return subnets.find(fits) ?? subnets.find(isPrivate) ?? subnets[0] ?? null;
}

/**
 * Directly connected subnets: up, no gateway, no default route. A static on-link route looks the
 * same, so those that the host has an address in come first.
 */
export function connectedSubnets(facts: NetworkFacts, name: string): Cidr[] {
  const subnets = facts.routes
    .filter((route) => route.interface === name && (route.flags & RTF_UP) !== 0)
    .filter((route) => route.gateway === null && prefixOf(route.destination) > 0)
    .map((route) => route.destination);
  const own = (subnet: Cidr) => (ownAddress(facts, subnet) === null ? 1 : 0);
  return [...new Set(subnets)].sort((a, b) => own(a) - own(b));
}

/**
 * What the routes of the host lead to. A subnet is connected where the host has an address in it and no
 * router stands before it; half of all addresses on a tunnel is no subnet that anybody is in.
 */
export function routedSubnets({ routes, addresses }: NetworkFacts): UsedSubnet[] {
  return routes.map(({ destination, gateway, interface: name }) => {
    const connected =
      gateway === null &&
      prefixOf(destination) >= WIDEST_SUBNET &&
      addresses.some((address) => cidrContains(destination, address));
    return { subnet: destination, kind: connected ? 'connected' : 'route', name };
  });
}

/** 10.0.0.0/8 is the widest private network there is (RFC 1918). */
const WIDEST_SUBNET = 8;

/** ibq's own shim has an address of the range, and that is not the host's own. */
export function ownAddress(facts: NetworkFacts, subnet: Cidr): Ipv4 | null {
  const shims = facts.routes.filter(isOurs).map((route) => route.destination);
  return (
    facts.addresses.find(
      (address) =>
        cidrContains(subnet, address) && !shims.some((range) => cidrContains(range, address)),
    ) ?? null
  );
}

function isOurs(route: { interface: string }): boolean {
  return route.interface.startsWith('ibq');
}

/** The default route of the interface, else its best gateway route, else the subnet's first address. */
export function findGateway(
  facts: NetworkFacts,
  name: string,
  subnet: Cidr,
): { gateway: Ipv4; gatewaySource: 'route' | 'assumed' } {
  const isDefault = (destination: Cidr) => (prefixOf(destination) === 0 ? 0 : 1);
  const gateways = facts.routes
    .filter((route) => route.interface === name && (route.flags & RTF_UP) !== 0)
    .sort((a, b) => isDefault(a.destination) - isDefault(b.destination) || a.metric - b.metric)
    .flatMap(({ gateway }) => (gateway !== null && cidrContains(subnet, gateway) ? [gateway] : []));
  const [gateway] = gateways;
  return gateway
    ? { gateway, gatewaySource: 'route' }
    : { gateway: ipv4FromNumber(networkOf(subnet) + 1), gatewaySource: 'assumed' };
}

export interface RangeOptions {
  /** How many instances will need an address. */
  instances: number;
  /** Addresses that other Podman networks give out. */
  usedSubnets: readonly Cidr[];
  /** The range in force, which is kept as long as it fits: instances have addresses in it. */
  pinnedRange?: Cidr | null;
}

export function chooseRange(
  facts: NetworkFacts,
  subnet: Cidr,
  gateway: Ipv4,
  { instances, usedSubnets, pinnedRange = null }: RangeOptions,
): Cidr | null {
  const single = (address: Ipv4) => makeCidr(ipv4ToNumber(address), 32);
  const others = [
    single(gateway),
    // A Podman network of the whole subnet leaves nothing; that is a warning, not an end.
    ...usedSubnets.filter((used) => !cidrCovers(used, subnet)),
  ];
  // The neighbours in a range that is in force are the instances themselves.
  if (pinnedRange && isRangeUsable(pinnedRange, subnet, others, instances)) return pinnedRange;
  const inside = facts.routes
    .filter((route) => !isOurs(route) && prefixOf(route.destination) > prefixOf(subnet))
    .map((route) => route.destination);
  const gateways = facts.routes.flatMap((route) => (route.gateway ? [single(route.gateway)] : []));
  const neighbours = facts.neighbours.map((neighbour) => single(neighbour.address));
  const addresses = facts.addresses.map(single);
  const taken = [...others, ...inside, ...gateways, ...neighbours, ...addresses];
  // A range that has become too small grows around itself: another one would move all that have an address.
  const larger =
    pinnedRange && cidrCovers(subnet, pinnedRange)
      ? enlargeRange(pinnedRange, subnet, taken, instances)
      : null;
  return larger ?? proposeRange(subnet, taken, instances);
}
