/**
 * Finds the interface whose LAN the instances may join. Pure: facts in, `network detect --json` out.
 * The rules and their reasons are in docs/network-detect.md.
 */

import type { LanDriver } from '../config/types.ts';
import { ConfigError } from '../errors.ts';
import {
  chooseRange,
  connectedSubnets,
  findGateway,
  LONGEST_PREFIX,
  ownAddress,
  type RangeOptions,
  subnetOf,
} from './connected.ts';
import {
  gatewayWarnings,
  machineWarnings,
  rangeWarnings,
  severalInterfaces,
  subnetWarnings,
} from './detect-warnings.ts';
import type { Link, NetworkFacts } from './facts.ts';
import { kindReasons, type Reason, reasons } from './interface-kind.ts';
import { type Cidr, cidrsOverlap, type Ipv4, isPrivate, prefixOf } from './ipv4.ts';
import { cloudOf } from './machine.ts';
import {
  checkGateway,
  type Overrides,
  overrideProblem,
  type ParsedOverrides,
  parseOverrides,
} from './overrides.ts';

/** The object of `ibq network detect --json`. */
export interface Detection {
  /** `null` where nothing can carry a LAN; the candidates say why. */
  selected: Selected | null;
  /** Every interface, in the order of /proc/net/dev. */
  candidates: Candidate[];
  overrides: Overrides;
  warnings: string[];
}

export interface Selected {
  interface: string;
  subnet: Cidr;
  /** The host's own address in `subnet`, where /proc/net/fib_trie tells. */
  address: Ipv4 | null;
  gateway: Ipv4;
  gatewaySource: 'route' | 'assumed' | 'override';
  driver: LanDriver;
  /** `bridge` where the cloud drops unknown addresses or no range is free. */
  mode: 'dual' | 'bridge';
  /** Proposed addresses for instances, `null` where no large enough block is free. */
  range: Cidr | null;
}

export interface Candidate {
  interface: string;
  subnet: Cidr | null;
  eligible: boolean;
  /** All that hold. On an eligible one only `wireless` and `cloud`, which decide driver and mode. */
  reasons: Reason[];
}

/**
 * @param chosen an eligible interface that a person has chosen among several
 * @throws ConfigError (78) for a bad override: the variable, what it should be, what it was
 */
export function detectNetwork(
  facts: NetworkFacts,
  overrides: Overrides,
  options: RangeOptions,
  chosen: string | null = null,
): Detection {
  const wanted = parseOverrides(overrides, facts);
  const cloud = cloudOf(facts.machine);
  const candidates = facts.links.map((link) => judge(link, facts, cloud !== null));
  const warnings = [...facts.warnings];
  const link = chooseInterface(facts, candidates, { ...wanted, chosen }, warnings);
  const selected = link && describe(link, facts, wanted, options, cloud, warnings);
  return { selected, candidates, overrides, warnings };
}

function judge(link: Link, facts: NetworkFacts, inCloud: boolean): Candidate {
  const found = kindReasons(link, facts.links);
  const subnet = subnetOf(facts, link.name);
  if (subnet === null) found.push('no-ipv4-subnet');
  if (subnet !== null && !isPrivate(subnet)) found.push('not-private');
  if (subnet !== null && prefixOf(subnet) > LONGEST_PREFIX) found.push('prefix-too-long');
  const eligible = found.length === 0;
  if (eligible && link.wireless) found.push('wireless');
  if (eligible && inCloud) found.push('cloud');
  return { interface: link.name, subnet, eligible, reasons: found };
}

function chooseInterface(
  facts: NetworkFacts,
  candidates: readonly Candidate[],
  wanted: ParsedOverrides & { chosen: string | null },
  warnings: string[],
): Link | null {
  if (wanted.link) {
    const { name } = wanted.link;
    const against = candidates.find((candidate) => candidate.interface === name);
    for (const reason of against?.eligible ? [] : (against?.reasons ?? [])) {
      if (reason === 'no-ipv4-subnet' || reason === 'prefix-too-long') continue;
      warnings.push(`NETWORK_INTERFACE=${name} is used although ${reason}: ${reasons[reason]}`);
    }
    return wanted.link;
  }
  const eligible = candidates.filter((candidate) => candidate.eligible);
  const first = eligible[0];
  if (first === undefined) {
    if (wanted.subnet || wanted.gateway) {
      warnings.push(
        'NETWORK_SUBNET and NETWORK_GATEWAY are not used: no interface is eligible; set NETWORK_INTERFACE as well',
      );
    }
    return null;
  }
  const { subnet } = wanted;
  const onSubnet = (test: (connected: Cidr) => boolean) =>
    subnet === null
      ? undefined
      : eligible.find((candidate) => connectedSubnets(facts, candidate.interface).some(test));
  const named =
    onSubnet((connected) => connected === subnet) ??
    onSubnet((connected) => subnet !== null && cidrsOverlap(connected, subnet));
  const byPerson = eligible.find((candidate) => candidate.interface === wanted.chosen);
  const preferred = byPerson ?? wiredTwin(first, eligible) ?? first;
  if (!named && !byPerson && eligible.length > 1)
    warnings.push(severalInterfaces(eligible, preferred));
  const chosen = (named ?? preferred).interface;
  return facts.links.find(({ name }) => name === chosen) ?? null;
}

/** A cable into the same subnet is better than Wi-Fi, whichever comes first. */
function wiredTwin(first: Candidate, eligible: readonly Candidate[]): Candidate | undefined {
  if (!first.reasons.includes('wireless')) return undefined;
  return eligible.find(
    ({ subnet, reasons: found }) => subnet === first.subnet && !found.includes('wireless'),
  );
}

function describe(
  link: Link,
  facts: NetworkFacts,
  wanted: ParsedOverrides,
  options: RangeOptions,
  cloud: string | null,
  warnings: string[],
): Selected {
  const subnet = wanted.subnet ?? usableSubnet(link, facts);
  if (wanted.gateway) checkGateway(wanted.gateway, subnet);
  const address = ownAddress(facts, subnet);
  const { gateway, gatewaySource } = wanted.gateway
    ? { gateway: wanted.gateway, gatewaySource: 'override' as const }
    : findGateway(facts, link.name, subnet);
  const range = chooseRange(facts, subnet, gateway, options);
  warnings.push(
    ...subnetWarnings(link, facts, subnet, wanted),
    ...gatewayWarnings(facts, gateway, gatewaySource),
    ...rangeWarnings(subnet, range, options),
    ...machineWarnings(facts, cloud),
  );
  return {
    interface: link.name,
    subnet,
    address,
    gateway,
    gatewaySource,
    driver: link.wireless ? 'ipvlan' : 'macvlan',
    mode: cloud === null && range !== null ? 'dual' : 'bridge',
    range,
  };
}

/** @throws ConfigError (78): only an interface that was asked for can be without one */
function usableSubnet(link: Link, facts: NetworkFacts): Cidr {
  const subnet = subnetOf(facts, link.name);
  if (subnet !== null && prefixOf(subnet) <= LONGEST_PREFIX) return subnet;
  const lacks = subnet === null ? 'has no connected IPv4 subnet' : `has only ${subnet}`;
  const expected = `an interface with a subnet (${link.name} ${lacks}; set NETWORK_SUBNET as well)`;
  throw new ConfigError([overrideProblem('NETWORK_INTERFACE', expected, link.name)]);
}
