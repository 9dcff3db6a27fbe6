/** Random links and routes in network namespaces: what the kernel does with them, and what ibq makes of its tables. */

import fc from 'fast-check';
import { routedSubnets } from '../../src/network/connected.ts';
import type { Link, NetworkFacts } from '../../src/network/facts.ts';
import {
  broadcastOf,
  type Cidr,
  cidrContains,
  type Ipv4,
  ipv4FromNumber,
  makeCidr,
  networkOf,
  prefixOf,
} from '../../src/network/ipv4.ts';
import { parseInterfaces, parseLocalAddresses, parseRoutes } from '../../src/network/proc.ts';
import { choosePublishSubnet } from '../../src/network/publish-network.ts';

const LINKS = ['eth0', 'eth1', 'eth2'] as const;

export interface Case {
  /** Lines of `ip -batch`; the kernel refuses some, as it may. */
  commands: string[];
  /** Addresses whose way is asked for. */
  destinations: Ipv4[];
}

/** Blocks that matter: private ones, those of Podman's pools in them, and half of everything. */
const BLOCKS: readonly Cidr[] = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.89.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '203.0.113.0/24',
] as Cidr[];

const within = (block: Cidr, longest: number) =>
  fc
    .tuple(fc.nat(), fc.integer({ min: prefixOf(block), max: longest }))
    .map(([offset, prefix]) =>
      makeCidr(networkOf(block) + (offset % (broadcastOf(block) - networkOf(block) + 1)), prefix),
    );
const block = fc.constantFrom(...BLOCKS);
const subnet = fc
  .constantFrom(...BLOCKS.slice(1))
  .chain((it) => within(it, 28).filter((found) => prefixOf(found) >= 9));
const metric = fc.constantFrom(0, 0, 50, 100, 600);

const address = fc
  .tuple(fc.constantFrom(...LINKS), subnet)
  .map(([link, of]) => ({ link, of, own: ipv4FromNumber(networkOf(of) + 5) }));

const route = (addresses: readonly { link: string; of: Cidr }[]) =>
  fc
    .tuple(
      fc.oneof(
        fc.constant('0.0.0.0/0' as Cidr),
        block.chain((it) => within(it, 30)),
      ),
      fc.constantFrom(...LINKS),
      fc.option(fc.constantFrom(...addresses)),
      metric,
    )
    .map(([to, link, by, at]) =>
      by === null
        ? `route add ${to} dev ${link} metric ${at}`
        : `route add ${to} via ${ipv4FromNumber(networkOf(by.of) + 1)} dev ${by.link} metric ${at}`,
    );

export const cases: fc.Arbitrary<Case> = fc
  .array(address, { minLength: 1, maxLength: 4 })
  .chain((addresses) =>
    fc
      .tuple(
        fc.array(route(addresses), { maxLength: 8 }),
        fc.array(
          block.chain((it) => within(it, 32)).map((it) => ipv4FromNumber(networkOf(it))),
          { minLength: 6, maxLength: 6 },
        ),
      )
      .map(([routes, destinations]) => ({
        commands: [
          ...addresses.map(({ link, of, own }) => `address add ${own}/${prefixOf(of)} dev ${link}`),
          ...routes,
        ],
        destinations: ['9.9.9.9' as Ipv4, ...destinations].filter(
          (it) => !/^(0|127|22[4-9]|2[3-5]\d)\./.test(it),
        ),
      })),
  );

/** What a namespace with those links says. */
export interface Said {
  facts: NetworkFacts;
  /** Interface and gateway for each destination; null: there is no way. */
  ways: ({ interface: string; gateway: string | null } | null)[];
}

/** A shell script that makes a namespace, lays each case in it, and tells what is there. */
export function scriptOf(list: readonly Case[]): string {
  const links = LINKS.map(
    (link) =>
      `ip link add ${link} type veth peer name peer-${link}; ip link set ${link} up; ip link set peer-${link} up`,
  );
  const clean = ['link delete ibqbridge', ...LINKS.map((link) => `address flush dev ${link}`)];
  const one = ({ commands, destinations }: Case) => `
    batch '${[...clean, ...commands].join('\n')}'
    for table in route fib_trie dev; do cat /proc/net/$table; printf '\\035'; done
    batch '${destinations.map((to) => `route get ${to}`).join('\n')}'
    printf '\\034'`;
  return `exec unshare --net bash -s <<'END'
    exec 2>/dev/null
    batch() { printf '%s\\n' "$1" | ip -json -4 -force -batch -; }
    ip link set lo up
    ${links.join('\n')}
    ${list.map(one).join('')}\nEND\n`;
}

/** @param text of `scriptOf` of the list */
export function parseSaid(text: string, list: readonly Case[]): Said[] {
  return text
    .split('\u001c')
    .slice(0, -1)
    .map((part, index) => {
      const [routes = '', trie = '', devices = '', ways = ''] = part.split('\u001d');
      return {
        facts: {
          links: parseInterfaces(devices).entries.map(linkOf),
          // What the batch before has said comes first.
          routes: parseRoutes(routes.slice(routes.indexOf('Iface'))).entries,
          addresses: parseLocalAddresses(trie).entries,
          neighbours: [],
          machine: {
            sysVendor: null,
            productName: null,
            biosVendor: null,
            biosVersion: null,
            chassisAssetTag: null,
          },
          warnings: [],
        },
        ways: (list[index]?.destinations ?? []).map((to) => wayIn(ways, to)),
      };
    });
}

/** Where the kernel knows no way there is no line of it. */
function wayIn(text: string, to: Ipv4): Said['ways'][number] {
  for (const line of text.split('\n').filter((it) => it.startsWith('['))) {
    const [way] = JSON.parse(line) as { dst?: string; dev?: string; gateway?: string }[];
    if (way?.dst === to && way.dev !== undefined) {
      return { interface: way.dev, gateway: way.gateway ?? null };
    }
  }
  return null;
}

/** Cables, whatever they are made of. */
function linkOf(name: string): Link {
  return {
    name,
    type: name === 'lo' ? 772 : 1,
    operstate: 'up',
    mac: null,
    devtype: null,
    wireless: false,
    bridge: false,
    bridgePort: false,
    bond: false,
    master: null,
    tun: false,
    lower: null,
  };
}

/** Where a packet goes by the rows of /proc/net/route: the longest prefix, then the lowest metric, then the first. */
export function wayByTable({ routes }: NetworkFacts, to: Ipv4): Said['ways'][number] {
  const matching = routes.filter(({ destination }) => cidrContains(destination, to));
  const [best] = matching.sort(
    (a, b) => prefixOf(b.destination) - prefixOf(a.destination) || a.metric - b.metric,
  );
  return best === undefined ? null : { interface: best.interface, gateway: best.gateway };
}

/** The subnet that a bridge would get there. */
export function bridgeSubnet(facts: NetworkFacts, previous: Cidr | null): Cidr | null {
  return choosePublishSubnet({
    used: routedSubnets(facts),
    pools: null,
    previous: previous && { name: 'ibq-publish-1', subnet: previous },
    nameFor: () => 'ibq-publish-1',
    instances: 4,
  });
}

/** The case with such a bridge in it, and the way to addresses of its subnet. */
export function withBridge({ commands }: Case, of: Cidr): Case {
  const first = networkOf(of);
  const last = broadcastOf(of);
  return {
    commands: [
      'link add ibqbridge type bridge',
      'link set ibqbridge up',
      `address add ${ipv4FromNumber(first + 1)}/${prefixOf(of)} dev ibqbridge`,
      ...commands,
    ],
    destinations: [first + 2, first + 77, Math.floor((first + last) / 2), last - 1].map(
      ipv4FromNumber,
    ),
  };
}
