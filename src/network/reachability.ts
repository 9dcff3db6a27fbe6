/** `network test`: which tries prove who reaches what, and what their outcomes say. Pure. */

import { type Cidr, cidrContains, type Ipv4, parseCidr, parseIpv4 } from './ipv4.ts';

/** Who tries what. */
type TryId =
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

/** `closed`: accepted, and ended without a word of the API; `silent`: accepted, and nothing came. */
export type Actual = 'ok' | 'refused' | 'dropped' | 'unreachable' | 'closed' | 'silent';
type Expected = 'ok' | 'refused' | 'dropped';

/** Where a try starts: the host itself, the stand-in for clients, or inside an instance. */
type Vantage = { kind: 'host' } | { kind: 'client' } | { kind: 'inside'; instance: string };

export interface Try {
  instance: string;
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
  bridge: Ipv4 | null;
  lan: { address: Ipv4; mac: string } | null;
  /** Clients that ibq let in when it loaded the rules. */
  allow: readonly string[];
  /** Another running instance, whose way in is tried. */
  sibling: string | null;
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

export function planTries(
  target: Target,
  stand: Stand,
  to: readonly { host: string; port: number }[],
): Try[] {
  const make = (
    id: TryId,
    vantage: Vantage,
    from: string,
    [host, port]: readonly [string, number],
    expected: Expected,
    more: { source?: string | null; skipped?: string | null } = {},
  ): Try => ({
    instance: target.name,
    id,
    vantage,
    from,
    host,
    port,
    source: more.source ?? null,
    expected,
    skipped: more.skipped ?? null,
  });
  const host: Vantage = { kind: 'host' };
  const client: Vantage = { kind: 'client' };
  const { publish, relayPort, lan, bridge, sibling } = target;
  const tries: Try[] = [];

  if (publish) {
    const { address, port } = publish;
    const loopback = address.startsWith('127.') ? address : '127.0.0.1';
    const all = address === '0.0.0.0';
    const atLoopback = all || address === loopback ? 'ok' : 'refused';
    tries.push(make('host-loopback', host, 'the host', [loopback, port], atLoopback));
    if (stand.hostAddress) {
      const own = stand.hostAddress;
      tries.push(
        make(
          'host-address',
          host,
          'the host',
          [own, port],
          all || address === own ? 'ok' : 'refused',
        ),
      );
      const open = !address.startsWith('127.') && (all || address === own);
      const let_in = stand.neighbour !== null && isAllowed(target.allow, stand.neighbour);
      tries.push(
        make(
          'neighbour',
          client,
          'a neighbour that is not allowed',
          [own, port],
          open ? (let_in ? 'ok' : 'dropped') : 'refused',
          { source: stand.neighbour, skipped: stand.neighbour ? null : stand.hostReason },
        ),
      );
    }
  } else {
    const inside: Vantage = { kind: 'inside', instance: target.name };
    tries.push(make('inside', inside, 'itself', ['127.0.0.1', relayPort], 'ok'));
  }

  if (lan) {
    const at = [lan.address, relayPort] as const;
    if (stand.shim) tries.push(make('host-shim', host, 'the host', at, 'ok'));
    const nobody = target.allow.length === 0 ? 'network.allow names nobody' : null;
    tries.push(
      make('lan-allowed', client, 'an allowed LAN client', at, 'ok', {
        source: stand.allowed,
        skipped: nobody ?? (stand.allowed || stand.lanBroken ? null : stand.lanReason),
      }),
      make('lan-other', client, 'another LAN client', at, 'dropped', {
        source: stand.other,
        skipped: stand.other ? null : (stand.lanBroken ?? stand.lanReason),
      }),
    );
    const linkLocal = linkLocalOf(lan.mac);
    if (stand.ipv6Interface && linkLocal) {
      const address = `${linkLocal}%${stand.ipv6Interface}`;
      tries.push(
        make('lan-ipv6', client, 'a LAN client over IPv6', [address, relayPort], 'dropped'),
      );
    }
  }

  if (sibling !== null) {
    const inside: Vantage = { kind: 'inside', instance: sibling };
    const from = `gateway ${sibling}`;
    if (lan) tries.push(make('sibling-lan', inside, from, [lan.address, relayPort], 'dropped'));
    if (bridge) tries.push(make('sibling-bridge', inside, from, [bridge, relayPort], 'dropped'));
  }

  if (bridge) {
    const at = [bridge, relayPort] as const;
    tries.push(
      make('routed', client, 'a neighbour that routes through the host', at, 'dropped', {
        source: stand.neighbour,
        skipped: stand.neighbour ? null : stand.hostReason,
      }),
      make('container', client, 'a container on another bridge', at, 'dropped', {
        source: stand.container,
        skipped: stand.container ? null : stand.hostReason,
      }),
    );
  }

  const inside: Vantage = { kind: 'inside', instance: target.name };
  for (const { host, port } of to) {
    tries.push(make('way-out', inside, 'itself, outwards', [host, port], 'ok'));
  }
  return tries;
}

/** Only those that leave and enter by the host: another firewall there may refuse instead of dropping. */
const THROUGH_THE_HOST: ReadonlySet<TryId> = new Set([
  'host-loopback',
  'host-address',
  'neighbour',
  'routed',
  'container',
]);
/** What a way in over the LAN proves only while the LAN carries something at all. */
const OVER_THE_LAN: ReadonlySet<TryId> = new Set(['lan-other', 'lan-ipv6', 'sibling-lan']);

export interface Outcome {
  actual: Actual;
  /** One sentence for people. */
  detail: string;
  /** Milliseconds. */
  ms: number;
}

export interface Judged extends Omit<Try, 'vantage' | 'skipped'> {
  actual: Actual | null;
  result: 'pass' | 'fail' | 'skipped';
  detail: string;
  ms: number | null;
}

/**
 * @param outcomes in the order of `tries`; null: skipped, or no answer from where it was tried
 * @param lanBroken why nothing can pass over the LAN now; null: it is up
 */
export function judgeTries(
  tries: readonly Try[],
  outcomes: readonly (Outcome | null)[],
  lanBroken: string | null,
): Judged[] {
  const tried = tries.map((it, index) => ({ it, outcome: outcomes[index] ?? null }));
  // An allowed client that finds no way shows that the one who is not allowed was not kept out by rules.
  const deaf = tried.some(
    ({ it, outcome }) =>
      it.id === 'lan-allowed' &&
      (outcome?.actual === 'dropped' || outcome?.actual === 'unreachable'),
  );
  return tried.map(({ it, outcome }) => {
    const { vantage, skipped, ...rest } = it;
    const silent = { ...rest, actual: null, ms: null, result: 'skipped' as const };
    if (skipped !== null) return { ...silent, detail: skipped };
    if (outcome === null) {
      return { ...silent, result: 'fail' as const, detail: 'it could not be tried' };
    }
    const told = { ...rest, ...outcome };
    const kept = !gotIn(outcome.actual);
    if (OVER_THE_LAN.has(it.id) && kept && (deaf || lanBroken !== null)) {
      const why = lanBroken ?? 'the allowed client finds no way either';
      return { ...told, result: 'skipped' as const, detail: `proves nothing: ${why}` };
    }
    return { ...told, result: isAsExpected(it, outcome.actual) ? 'pass' : 'fail' };
  });
}

function gotIn(actual: Actual): boolean {
  return actual === 'ok' || actual === 'closed' || actual === 'silent';
}

/**
 * Refused where it should be dropped: by the gateway's own network, so its guard let the packet in
 * and only nothing listened. On the way through the host it may be another firewall's doing.
 */
function isAsExpected({ id, expected }: Try, actual: Actual): boolean {
  if (expected === 'ok' || gotIn(actual)) return actual === expected;
  if (actual === 'refused') return expected === 'refused' || THROUGH_THE_HOST.has(id);
  return true;
}

/** @param allow elements of an nft set: addresses, subnets, `first-last` */
export function isAllowed(allow: readonly string[], address: Ipv4): boolean {
  return allow.some((element) => {
    const [first = '', last] = element.split('-');
    if (last !== undefined) return between(first, address, last);
    const cidr: Cidr | null = parseCidr(element);
    return cidr !== null && cidrContains(cidr, address);
  });
}

function between(first: string, address: Ipv4, last: string): boolean {
  const [low, high] = [parseIpv4(first), parseIpv4(last)];
  const padded = (text: string) =>
    text
      .split('.')
      .map((part) => part.padStart(3, '0'))
      .join('.');
  return (
    low !== null &&
    high !== null &&
    padded(low) <= padded(address) &&
    padded(address) <= padded(high)
  );
}

/** The IPv6 address that an interface gives itself (EUI-64, RFC 4291 appendix A). */
function linkLocalOf(mac: string): string | null {
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16));
  const [a, b, c, d, e, f] = bytes;
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) return null;
  const pair = (high = 0, low = 0) => ((high << 8) | low).toString(16);
  return `fe80::${pair((a ?? 0) ^ 2, b)}:${pair(c, 0xff)}:${pair(0xfe, d)}:${pair(e, f)}`;
}
