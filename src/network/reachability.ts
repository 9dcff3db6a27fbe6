/** `network test`: which tries prove who reaches what. Pure; judge-tries.ts says what came of them. */

import type { SideService } from '../config/types.ts';
import type { Ipv4 } from './ipv4.ts';
import { isAllowed } from './stand-addresses.ts';

/** Who tries what. */
export type TryId =
  /** A program on the host, at the published port on loopback. */
  | 'host-loopback'
  /** The same, at the host's own LAN address. */
  | 'host-address'
  /** Without a published port: from inside, so that a gateway that is down is told from a closed one. */
  | 'inside'
  /** The host by its shim, at the instance's LAN address. */
  | 'host-shim'
  /** LAN clients at the instance's LAN address: allowed, not allowed, over IPv6. */
  | 'lan-allowed'
  | 'lan-other'
  | 'lan-ipv6'
  /** Another gateway, over the LAN and over the bridge. */
  | 'sibling-lan'
  | 'sibling-bridge'
  /** A neighbour that uses this host as its router, at the bridge address. */
  | 'routed'
  /** A container on another bridge: its connections look like the host's own. */
  | 'container'
  /** A neighbour at the published port, on the host's own address. */
  | 'neighbour'
  /** The instance itself, to a given HOST:PORT. */
  | 'way-out';

type Expected = 'ok' | 'refused' | 'dropped';

/** Where a try starts: the host itself, the stand-in for clients, or inside an instance. */
type Vantage = { kind: 'host' } | { kind: 'client' } | { kind: 'inside'; instance: string };

export interface Try {
  instance: string;
  /** What of it is tried. */
  service: 'api' | SideService;
  id: TryId;
  vantage: Vantage;
  /** Who that is, for people. */
  from: string;
  host: string;
  port: number;
  /** Source address; null: as the routes say. */
  source: string | null;
  expected: Expected;
  /** Set where it can't be tried, and why. */
  skipped: string | null;
}

export interface Target {
  name: string;
  /** Address and port as it runs; null: nothing is published. */
  publish: { address: Ipv4; port: number } | null;
  relayPort: number;
  /** It lives in the host's own network: no bridge, no LAN address. */
  sharesHost: boolean;
  bridge: Ipv4 | null;
  lan: { address: Ipv4; mac: string } | null;
  /** Clients that ibq let in when it loaded the rules. */
  allow: readonly string[];
  /** Its rules have a place for a stand-in that is not allowed by the list. */
  takesStandIn: boolean;
  /** Another running instance, whose way in is tried. */
  sibling: string | null;
  /** What else of it can be reached. */
  others: readonly OtherService[];
}

interface OtherService extends Pick<Target, 'publish' | 'relayPort'> {
  service: SideService;
  /** Allowed clients of the LAN may open it, not only the host. */
  forLan: boolean;
}

/** One service of a target. */
interface Way extends Target {
  service: 'api' | SideService;
  forLan: boolean;
}

/** Stand-ins for others, in a network namespace of their own. */
export interface Stand {
  /** On the LAN: one address that counts as allowed, one that does not; null: none could be had, and why. */
  allowed: Ipv4 | null;
  other: Ipv4 | null;
  lanReason: string;
  /** Why nothing can pass over the LAN at all now; null: it can. */
  lanBroken: string | null;
  /** Behind the host: a plain neighbour, and one whose connections are masqueraded as a container's are. */
  neighbour: Ipv4 | null;
  container: Ipv4 | null;
  hostReason: string;
  /** Interface on the LAN, for link-local addresses; null: no IPv6. */
  ipv6Interface: string | null;
  /** The host's own address on the LAN, or its first one; null: none. */
  hostAddress: Ipv4 | null;
  shim: boolean;
}

/** @param to where the instance itself should get out to */
export function planTries(
  target: Target,
  stand: Stand,
  to: readonly { host: string; port: number }[],
): Try[] {
  const api: Way = { ...target, service: 'api', forLan: true };
  const ways = [api, ...target.others.map((other): Way => ({ ...target, ...other }))];
  const tries = ways.flatMap((way) => [
    ...publishedTries(way, stand),
    ...lanTries(way, stand),
    ...siblingTries(way),
    ...bridgeTries(way, stand),
  ]);
  const inside: Vantage = { kind: 'inside', instance: target.name };
  const outwards = to.map(({ host, port }) =>
    make(api, 'way-out', inside, 'itself, outwards', [host, port], 'ok'),
  );
  return [...tries, ...outwards];
}

const HOST: Vantage = { kind: 'host' };
const CLIENT: Vantage = { kind: 'client' };

function make(
  { name, service }: Way,
  id: TryId,
  vantage: Vantage,
  from: string,
  [host, port]: readonly [string, number],
  expected: Expected,
  { source = null, skipped = null }: Partial<Pick<Try, 'source' | 'skipped'>> = {},
): Try {
  return { instance: name, service, id, vantage, from, host, port, source, expected, skipped };
}

/** The one address beyond loopback that the port is published on; null: on loopback, or on all. */
export function publishedAt({ publish }: Target): Ipv4 | null {
  const special = publish === null || /^127\.|^0\.0\.0\.0$/.test(publish.address);
  return special ? null : publish.address;
}

function publishedTries(target: Way, stand: Stand): Try[] {
  const { publish, relayPort, name } = target;
  if (publish === null) {
    const inside: Vantage = { kind: 'inside', instance: name };
    return [make(target, 'inside', inside, 'itself', ['127.0.0.1', relayPort], 'ok')];
  }
  const { address, port } = publish;
  const everywhere = address === '0.0.0.0';
  const loopback = address.startsWith('127.') ? address : '127.0.0.1';
  const at = (where: string) => (everywhere || address === where ? 'ok' : 'refused');
  const tries = [make(target, 'host-loopback', HOST, 'the host', [loopback, port], at(loopback))];
  const { neighbour, hostReason } = stand;
  const own = publishedAt(target) ?? stand.hostAddress;
  if (own === null) return tries;
  if (target.sharesHost) return [...tries, ...sharingTries(target, stand, own)];
  const letIn = neighbour !== null && isAllowed(target.allow, neighbour);
  // Where the port is open there, it is so for those who are allowed.
  const expected = at(own) === 'ok' && !letIn ? 'dropped' : at(own);
  return [
    ...tries,
    make(target, 'host-address', HOST, 'the host', [own, port], at(own)),
    make(target, 'neighbour', CLIENT, 'a neighbour that is not allowed', [own, port], expected, {
      source: neighbour,
      skipped: neighbour ? null : hostReason,
    }),
  ];
}

/** A relay in the host's own network listens on all its addresses: only rules keep others out. */
function sharingTries(target: Way, stand: Stand, own: Ipv4): Try[] {
  const { neighbour, container, hostReason } = stand;
  const open = publishedAt(target) !== null || target.publish?.address === '0.0.0.0';
  const one = (id: TryId, from: string, source: Ipv4 | null) => {
    const letIn = open && source !== null && isAllowed(target.allow, source);
    const at = [own, target.relayPort] as const;
    return make(target, id, CLIENT, from, at, letIn ? 'ok' : 'dropped', {
      source,
      skipped: source ? null : hostReason,
    });
  };
  return [
    one('neighbour', 'a neighbour that is not allowed', neighbour),
    one('container', 'a container on another bridge', container),
  ];
}

function lanTries(target: Way, stand: Stand): Try[] {
  const { lan, relayPort, allow, forLan } = target;
  if (lan === null) return [];
  const open = forLan ? 'ok' : 'dropped';
  const at = [lan.address, relayPort] as const;
  const { allowed, other, lanReason, lanBroken, ipv6Interface } = stand;
  const old =
    allowed === null || target.takesStandIn || isAllowed(allow, allowed)
      ? null
      : 'its guard is of an older ibq, which takes no stand-in: a deploy or its restart renews it';
  const nobody = allow.length === 0 ? 'network.allow names nobody' : old;
  const linkLocal = linkLocalOf(lan.mac);
  const ipv6 = ipv6Interface && linkLocal ? `${linkLocal}%${ipv6Interface}` : null;
  return [
    ...(stand.shim ? [make(target, 'host-shim', HOST, 'the host', at, open)] : []),
    make(target, 'lan-allowed', CLIENT, 'an allowed LAN client', at, open, {
      source: allowed,
      // Where the LAN is broken this one tells it.
      skipped: nobody ?? (allowed || lanBroken ? null : lanReason),
    }),
    make(target, 'lan-other', CLIENT, 'another LAN client', at, 'dropped', {
      source: other,
      skipped: other ? null : (lanBroken ?? lanReason),
    }),
    ...(ipv6
      ? [make(target, 'lan-ipv6', CLIENT, 'a LAN client over IPv6', [ipv6, relayPort], 'dropped')]
      : []),
  ];
}

function siblingTries(target: Way): Try[] {
  const { sibling, lan, bridge, relayPort } = target;
  if (sibling === null) return [];
  const inside: Vantage = { kind: 'inside', instance: sibling };
  const from = `gateway ${sibling}`;
  const one = (id: TryId, address: Ipv4 | undefined | null) =>
    address ? [make(target, id, inside, from, [address, relayPort], 'dropped')] : [];
  return [...one('sibling-lan', lan?.address), ...one('sibling-bridge', bridge)];
}

function bridgeTries(target: Way, { neighbour, container, hostReason }: Stand): Try[] {
  const { bridge, relayPort } = target;
  if (bridge === null) return [];
  const one = (id: TryId, from: string, source: Ipv4 | null) =>
    make(target, id, CLIENT, from, [bridge, relayPort], 'dropped', {
      source,
      skipped: source ? null : hostReason,
    });
  return [
    one('routed', 'a neighbour that routes through the host', neighbour),
    one('container', 'a container on another bridge', container),
  ];
}

/** The IPv6 address that an interface gives itself (EUI-64, RFC 4291 appendix A). */
function linkLocalOf(mac: string): string | null {
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16));
  const [a, b, c, d, e, f] = bytes;
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) return null;
  const pair = (high = 0, low = 0) => ((high << 8) | low).toString(16);
  return `fe80::${pair((a ?? 0) ^ 2, b)}:${pair(c, 0xff)}:${pair(0xfe, d)}:${pair(e, f)}`;
}
