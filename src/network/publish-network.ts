/**
 * The subnet of the bridge that carries published ports. ibq chooses it, not Podman, because the
 * guard must know the bridge's gateway address before the network exists.
 */

import {
  broadcastOf,
  type Cidr,
  cidrsOverlap,
  type Ipv4,
  ipv4FromNumber,
  makeCidr,
  networkOf,
  parseCidr,
  prefixOf,
} from './ipv4.ts';

/** A subnet that something of this host has or leads to. */
export interface UsedSubnet {
  subnet: Cidr;
  /** `route`: a destination behind a router or a tunnel, and no subnet that the host is in. */
  kind: 'connected' | 'route' | 'podman';
  /** Interface, or Podman's network. */
  name: string;
}

/** A block that Podman takes the subnets of new networks from (containers.conf, default_subnet_pools). */
export interface SubnetPool {
  base: Cidr;
  /** Prefix length of a subnet. */
  size: number;
}

export interface PublishSubnetInput {
  used: readonly UsedSubnet[];
  /** The host's own pools; null: containers.conf names none. */
  pools: readonly SubnetPool[] | null;
  /** The installed bridge network: name and subnet. */
  previous: { name: string; subnet: Cidr } | null;
  /** Name of the network as it would be rendered with a subnet. */
  nameFor: (subnet: Cidr) => string;
  /** Number of instances that need an address on it. */
  instances: number;
}

/** Where Podman's own pools lie (default_subnet_pools), then blocks for hosts whose LAN is all of 10.0.0.0/8. */
const USUAL_POOLS: readonly SubnetPool[] = [
  '10.89.0.0/16',
  '10.90.0.0/15',
  '10.92.0.0/14',
  '10.96.0.0/11',
  '10.128.0.0/9',
  '172.20.0.0/14',
  '172.24.0.0/13',
  '192.168.0.0/16',
].map((base) => ({ base: parseCidr(base) as Cidr, size: 24 }));

/**
 * The installed subnet while the definition is still the same; else a fresh one, since two bridges
 * with one subnet can't exist side by side while instances move over. `null`: everything is in use.
 *
 * The kernel sends to the most specific route. So a route that covers a subnet (of a VPN, say) takes
 * nothing away from it: such a route is avoided where something else is free, and no more.
 */
export function choosePublishSubnet(input: PublishSubnetInput): Cidr | null {
  const { previous, nameFor, instances, pools } = input;
  const others = input.used.filter((it) => !isOwn(it) && prefixOf(it.subnet) > 0);
  if (previous !== null && holds(previous.subnet, instances)) {
    const same = nameFor(previous.subnet) === previous.name;
    if (same && takers(previous.subnet, others).length === 0) return previous.subnet;
  }
  const candidates = [...(pools ?? []), ...USUAL_POOLS].map(({ base, size }) => ({
    base,
    prefix: prefixFor(instances, size),
  }));
  const own = input.used.filter(isOwn).map(({ subnet }) => subnet);
  const mine = previous === null ? own : [...own, previous.subnet];
  const covers = (it: UsedSubnet, prefix: number) =>
    it.kind === 'route' && prefixOf(it.subnet) < prefix;
  for (const strict of [true, false]) {
    for (const { base, prefix } of candidates) {
      const taken = others.filter((it) => strict || !covers(it, prefix));
      const subnet = firstFree(base, prefix, [...taken.map((it) => it.subnet), ...mine]);
      if (subnet !== null) return subnet;
    }
  }
  return null;
}

/** What takes addresses of a subnet away from a bridge that has it: as specific a route, or a more specific one. */
export function takers(subnet: Cidr, used: readonly UsedSubnet[]): UsedSubnet[] {
  return used.filter(
    (it) =>
      !isOwn(it) && prefixOf(it.subnet) >= prefixOf(subnet) && cidrsOverlap(it.subnet, subnet),
  );
}

/** ibq's bridge, its shim and its networks. */
function isOwn({ name }: UsedSubnet): boolean {
  return name.startsWith('ibq');
}

/** Whether a subnet still has room, with some to spare. */
function holds(subnet: Cidr, instances: number): boolean {
  return prefixFor(instances, prefixOf(subnet)) === prefixOf(subnet);
}

/** Address of the host on the bridge: what published connections seem to come from. */
export function bridgeGateway(subnet: Cidr): Ipv4 {
  return ipv4FromNumber(networkOf(subnet) + 1);
}

/** How many instances a subnet has addresses for: network, host and broadcast take one each. */
export function roomOf(subnet: Cidr): number {
  return 2 ** (32 - prefixOf(subnet)) - 3;
}

/** The pool's own prefix, or a shorter one where the instances would fill more than about three quarters of it. */
function prefixFor(instances: number, size: number): number {
  let prefix = size;
  while (prefix > 16 && instances > 0.75 * 2 ** (32 - prefix)) prefix--;
  return prefix;
}

function firstFree(pool: Cidr, prefix: number, taken: readonly Cidr[]): Cidr | null {
  let at = networkOf(pool);
  while (at <= broadcastOf(pool)) {
    const subnet = makeCidr(at, prefix);
    const clash = taken.find((cidr) => cidrsOverlap(cidr, subnet));
    if (clash === undefined) return subnet;
    // Over the clashing block in one step: it may be a /8.
    at = Math.max(broadcastOf(clash), broadcastOf(subnet)) + 1;
  }
  return null;
}
