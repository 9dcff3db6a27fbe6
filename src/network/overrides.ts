/** NETWORK_INTERFACE, NETWORK_SUBNET and NETWORK_GATEWAY: each alone or together, never ignored. */

import { ConfigError, type Problem } from '../errors.ts';
import type { Link, NetworkFacts } from './facts.ts';
import { isImpossible, kindReasons, type Reason, reasons } from './interface-kind.ts';
import {
  broadcastOf,
  type Cidr,
  cidrContains,
  cidrsOverlap,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  makeCidr,
  networkOf,
  parseCidr,
  parseIpv4,
  prefixOf,
} from './ipv4.ts';

export interface Overrides {
  NETWORK_INTERFACE: string | null;
  NETWORK_SUBNET: string | null;
  NETWORK_GATEWAY: string | null;
}

export interface ParsedOverrides {
  link: Link | null;
  subnet: Cidr | null;
  gateway: Ipv4 | null;
}

/** The three of an environment; an empty variable counts as not set, as it does for shells. */
export function overridesOf(env: Readonly<Record<string, string | undefined>>): Overrides {
  return {
    NETWORK_INTERFACE: env.NETWORK_INTERFACE || null,
    NETWORK_SUBNET: env.NETWORK_SUBNET || null,
    NETWORK_GATEWAY: env.NETWORK_GATEWAY || null,
  };
}

/** @throws ConfigError (78) with everything wrong with any of them */
export function parseOverrides(overrides: Overrides, facts: NetworkFacts): ParsedOverrides {
  const problems: Problem[] = [];
  function check<T>(
    variable: keyof Overrides,
    parse: (text: string) => { value: T } | { expected: string },
  ): T | null {
    const text = overrides[variable];
    if (text === null) return null;
    const result = parse(text);
    if ('value' in result) return result.value;
    problems.push(overrideProblem(variable, result.expected, text));
    return null;
  }
  const parsed = {
    link: check('NETWORK_INTERFACE', (text) => parseInterface(text, facts)),
    subnet: check('NETWORK_SUBNET', parseSubnet),
    gateway: check<Ipv4>('NETWORK_GATEWAY', (text) => {
      const gateway = parseIpv4(text);
      return gateway ? { value: gateway } : { expected: 'an IPv4 address such as 10.0.0.1' };
    }),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return parsed;
}

/** @throws ConfigError (78) where `gateway` is no neighbour in `subnet` */
export function checkGateway(gateway: Ipv4, subnet: Cidr): void {
  const value = ipv4ToNumber(gateway);
  const outside = !cidrContains(subnet, gateway);
  if (!outside && value !== networkOf(subnet) && value !== broadcastOf(subnet)) return;
  const first = ipv4FromNumber(networkOf(subnet) + 1);
  const last = ipv4FromNumber(broadcastOf(subnet) - 1);
  const expected = `an address of ${subnet} (${first} to ${last})`;
  throw new ConfigError([overrideProblem('NETWORK_GATEWAY', expected, gateway)]);
}

export function overrideProblem(variable: keyof Overrides, expected: string, got: string): Problem {
  return {
    file: variable,
    message: `should be ${expected}, got ${JSON.stringify(got)}`,
  };
}

function parseInterface(
  text: string,
  { links }: NetworkFacts,
): { value: Link } | { expected: string } {
  const link = links.find(({ name }) => name === text);
  if (!link) return { expected: `an interface of this host (${namesOf(links)})` };
  const impossible = kindReasons(link, links).find((reason) => isImpossible(reason, link));
  return impossible
    ? { expected: `an interface that can carry macvlan or ipvlan (${why(impossible, link)})` }
    : { value: link };
}

function why(reason: Reason, link: Link): string {
  const master = link.master === null ? '' : `, use ${link.master}`;
  return `${link.name} is not one: ${reasons[reason]}${master}`;
}

/** Without the many that nobody means. */
function namesOf(links: readonly Link[]): string {
  const names = links.map(({ name }) => name).filter((name) => !/^(lo$|veth)/.test(name));
  const shown = names.slice(0, 12).join(', ');
  if (names.length === 0) return 'it has none';
  return names.length > 12 ? `${shown}, and ${names.length - 12} more` : shown;
}

/** "This network", loopback, multicast and reserved: no host has an address there. */
const NEVER_A_LAN = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3'] as Cidr[];

function parseSubnet(text: string): { value: Cidr } | { expected: string } {
  const subnet = parseCidr(text);
  if (subnet === null) {
    const canonical = withoutHostBits(text);
    return { expected: `a subnet such as ${canonical ?? '10.0.0.0/24'}` };
  }
  if (prefixOf(subnet) < 8 || prefixOf(subnet) > 30) {
    return { expected: 'a subnet with a prefix from /8 to /30' };
  }
  if (NEVER_A_LAN.some((other) => cidrsOverlap(other, subnet))) {
    return { expected: 'a subnet that hosts can have, such as 10.0.0.0/24' };
  }
  return { value: subnet };
}

/** What somebody who wrote `10.0.0.5/24` meant. */
function withoutHostBits(text: string): Cidr | null {
  const [, addressText = '', prefix = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const address = parseIpv4(addressText);
  return address && Number(prefix) <= 32 ? makeCidr(ipv4ToNumber(address), Number(prefix)) : null;
}
