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
} from './ipv4.ts';

export interface PublishSubnetInput {
  /** Host routes, the LAN, other Podman networks. Our own installed bridge may be among them. */
  used: readonly Cidr[];
  /** The installed bridge network: name and subnet. */
  previous: { name: string; subnet: Cidr } | null;
  /** Name of the network as it would be rendered with a subnet (`publishNetworkName`). */
  nameFor: (subnet: Cidr) => string;
  /** Number of instances that need an address on it. */
  instances: number;
}

/** Where Podman's own pools lie (default_subnet_pools), then blocks for hosts whose LAN is all of 10.0.0.0/8. */
const pools = [
  '10.89.0.0/16',
  '10.90.0.0/15',
  '10.92.0.0/14',
  '10.96.0.0/11',
  '10.128.0.0/9',
  '172.20.0.0/14',
  '172.24.0.0/13',
  '192.168.0.0/16',
];

/**
 * The installed subnet while the definition is still the same; else a fresh one, since two bridges
 * with one subnet can't exist side by side while instances move over. `null`: everything is in use.
 */
export function choosePublishSubnet(input: PublishSubnetInput): Cidr | null {
  const { previous, nameFor, instances } = input;
  // A default route covers everything and says nothing about what is used.
  const used = input.used.filter((cidr) => !cidr.endsWith('/0'));
  const prefix = prefixFor(instances);
  if (previous?.subnet.endsWith(`/${prefix}`) && nameFor(previous.subnet) === previous.name) {
    const others = used.filter((cidr) => cidr !== previous.subnet);
    if (!others.some((cidr) => cidrsOverlap(cidr, previous.subnet))) return previous.subnet;
  }
  const taken = [...used, ...(previous ? [previous.subnet] : [])];
  for (const pool of pools) {
    const subnet = firstFree(parseCidr(pool) as Cidr, prefix, taken);
    if (subnet !== null) return subnet;
  }
  return null;
}

/** Address of the host on the bridge: what published connections seem to come from. */
export function bridgeGateway(subnet: Cidr): Ipv4 {
  return ipv4FromNumber(networkOf(subnet) + 1);
}

/** A /24 as Podman gives out, larger where the instances would fill more than about three quarters of it. */
function prefixFor(instances: number): number {
  let prefix = 24;
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
