/** What a user should know before a detection is pinned. */

import { connectedSubnets, type RangeOptions } from './connected.ts';
import type { Link, NetworkFacts } from './facts.ts';
import { type Cidr, cidrCovers, type Ipv4, isPrivate, prefixOf } from './ipv4.ts';
import { hypervisorWarning } from './machine.ts';
import type { ParsedOverrides } from './overrides.ts';
import { addressesNeeded } from './range.ts';

/** Which of several was selected is a choice nobody made: say how to make another. */
export function severalInterfaces(
  eligible: readonly { interface: string; subnet: Cidr | null }[],
  selected: { interface: string },
): string {
  const list = eligible.map((found) => `${found.interface} (${found.subnet})`).join(', ');
  const names = eligible.map((found) => found.interface);
  const other = names.find((name) => name !== selected.interface);
  const why = names[0] === selected.interface ? 'the first' : 'a cable into the same subnet';
  return `several private interfaces: ${list}; ${selected.interface} is ${why} and is selected; to pin another: sudo NETWORK_INTERFACE=${other} ibq network detect --write`;
}

export function subnetWarnings(
  link: Link,
  facts: NetworkFacts,
  subnet: Cidr,
  wanted: ParsedOverrides,
): string[] {
  const connected = connectedSubnets(facts, link.name);
  if (wanted.subnet) {
    const list = connected.length > 0 ? `it has ${connected.join(', ')}` : 'it has none';
    return connected.includes(subnet)
      ? []
      : [`NETWORK_SUBNET=${subnet} is not a connected subnet of ${link.name} (${list})`];
  }
  const others = connected.filter(
    (other) => other !== subnet && prefixOf(other) < 32 && !cidrCovers(LINK_LOCAL, other),
  );
  if (others.length === 0) return [];
  const other = others.find(isPrivate);
  const pin = other
    ? `; to pin another: sudo NETWORK_SUBNET=${other} ibq network detect --write`
    : '';
  return [
    `${link.name} has several subnets: ${subnet} is selected, not ${others.join(', ')}${pin}`,
  ];
}

/** Many systems add this route to a NIC (zeroconf); nobody means it. */
const LINK_LOCAL = '169.254.0.0/16' as Cidr;

export function rangeWarnings(
  subnet: Cidr,
  range: Cidr | null,
  { instances, usedSubnets, pinnedRange = null }: RangeOptions,
): string[] {
  const warnings = usedSubnets
    .filter((used) => cidrCovers(used, subnet))
    .map(
      (used) => `another Podman network gives out all of ${used}: give it an IPRange of its own`,
    );
  if (range !== null && pinnedRange !== null && !cidrCovers(range, pinnedRange)) {
    warnings.push(
      `${range} does not hold ${pinnedRange}, which is pinned: with it every instance gets a new address at its next restart`,
    );
  }
  if (range === null) {
    warnings.push(
      `no free block of ${addressesNeeded(instances)} addresses in ${subnet}: bridge mode, without addresses on the LAN`,
    );
  }
  return warnings;
}

export function machineWarnings(facts: NetworkFacts, cloud: string | null): string[] {
  if (cloud !== null) {
    return [
      `${cloud} drops addresses it did not assign: bridge mode, without addresses on the LAN`,
    ];
  }
  const warning = hypervisorWarning(facts.machine);
  return warning ? [warning] : [];
}

export function gatewayWarnings(facts: NetworkFacts, gateway: Ipv4, source: string): string[] {
  return facts.addresses.includes(gateway)
    ? [
        `the gateway ${gateway} (${source}) is this host's own address: instances cannot use it as their way out on the LAN`,
      ]
    : [];
}
