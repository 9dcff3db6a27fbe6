/** Which tries are made of an instance, and what their outcomes prove. */

import { describe, expect, test } from 'vitest';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { type Actual, judgeTries, type Outcome } from '../../src/network/judge-tries.ts';
import { planTries, type Stand, type Target, type TryId } from '../../src/network/reachability.ts';
import { freeBlock, isAllowed, lanCandidates } from '../../src/network/stand-addresses.ts';

const target: Target = {
  name: '4001',
  publish: { address: '127.0.0.1' as Ipv4, port: 4001 },
  relayPort: 4003,
  sharesHost: false,
  bridge: '10.89.0.3' as Ipv4,
  lan: { address: '10.0.0.192' as Ipv4, mac: '02:a6:5b:df:56:1e' },
  allow: ['10.0.0.7'],
  takesStandIn: true,
  sibling: '4002',
  others: [],
};
const stand: Stand = {
  allowed: '10.0.0.253' as Ipv4,
  other: '10.0.0.254' as Ipv4,
  lanReason: 'no free address',
  lanBroken: null,
  neighbour: '192.0.2.2' as Ipv4,
  container: '192.0.2.3' as Ipv4,
  hostReason: 'no block is free',
  ipv6Interface: 'ibqtest1',
  hostAddress: '10.0.0.5' as Ipv4,
  shim: false,
};

describe('planned', () => {
  test('in dual mode, published on loopback', () => {
    expect(told(target, stand)).toEqual([
      'host-loopback 127.0.0.1:4001 ok',
      'host-address 10.0.0.5:4001 refused',
      'neighbour 10.0.0.5:4001 refused',
      'lan-allowed 10.0.0.192:4003 ok',
      'lan-other 10.0.0.192:4003 dropped',
      'lan-ipv6 fe80::a6:5bff:fedf:561e%ibqtest1:4003 dropped',
      'sibling-lan 10.0.0.192:4003 dropped',
      'sibling-bridge 10.89.0.3:4003 dropped',
      'routed 10.89.0.3:4003 dropped',
      'container 10.89.0.3:4003 dropped',
    ]);
  });

  test('in bridge mode: nothing of the LAN', () => {
    expect(ids({ ...target, lan: null }, stand)).toEqual([
      'host-loopback',
      'host-address',
      'neighbour',
      'sibling-bridge',
      'routed',
      'container',
    ]);
  });

  test('in lan mode: from inside instead of a published port', () => {
    expect(ids({ ...target, publish: null, bridge: null }, stand)).toEqual([
      'inside',
      'lan-allowed',
      'lan-other',
      'lan-ipv6',
      'sibling-lan',
    ]);
  });

  test.each([
    ['on all addresses', '0.0.0.0', [], ['ok', 'ok', 'dropped']],
    ['on all addresses, everybody allowed', '0.0.0.0', ['0.0.0.0/0'], ['ok', 'ok', 'ok']],
    ['on the LAN address', '10.0.0.5', [], ['refused', 'ok', 'dropped']],
    ['on a public address, not that of the LAN', '198.51.100.2', [], ['refused', 'ok', 'dropped']],
  ])('published %s', (_where, address, allow, expected) => {
    const publish = { address: address as Ipv4, port: 4001 };
    const tries = planTries({ ...target, publish, allow }, stand, []);
    expect(tries.slice(0, 3).map((it) => it.expected)).toEqual(expected);
  });

  test('published on one address: it is tried there', () => {
    const publish = { address: '198.51.100.2' as Ipv4, port: 4001 };
    expect(told({ ...target, publish }, stand).slice(0, 3)).toEqual([
      'host-loopback 127.0.0.1:4001 refused',
      'host-address 198.51.100.2:4001 ok',
      'neighbour 198.51.100.2:4001 dropped',
    ]);
  });

  test('the shim, and places outside', () => {
    const tries = planTries(target, { ...stand, shim: true }, [{ host: 'maindb', port: 5432 }]);
    expect(tries.find(({ id }) => id === 'host-shim')).toMatchObject({ expected: 'ok' });
    expect(tries.at(-1)).toMatchObject({
      id: 'way-out',
      vantage: { kind: 'inside', instance: '4001' },
      host: 'maindb',
      port: 5432,
      expected: 'ok',
    });
  });

  test('what else is published: the same ways, and only VNC and APIs for the LAN', () => {
    const others: Target['others'] = [
      {
        service: 'vnc',
        relayPort: 5900,
        publish: { address: '127.0.0.1' as Ipv4, port: 5901 },
        forLan: true,
      },
      {
        service: 'rdp',
        relayPort: 3389,
        publish: { address: '127.0.0.1' as Ipv4, port: 33001 },
        forLan: false,
      },
    ];
    const tries = planTries({ ...target, others }, { ...stand, shim: true }, [
      { host: 'maindb', port: 5432 },
    ]);
    const of = (service: string) =>
      tries
        .filter((it) => it.service === service)
        .map((it) => `${it.id} ${it.port} ${it.expected}`);
    expect(of('vnc')).toEqual([
      'host-loopback 5901 ok',
      'host-address 5901 refused',
      'neighbour 5901 refused',
      'host-shim 5900 ok',
      'lan-allowed 5900 ok',
      'lan-other 5900 dropped',
      'lan-ipv6 5900 dropped',
      'sibling-lan 5900 dropped',
      'sibling-bridge 5900 dropped',
      'routed 5900 dropped',
      'container 5900 dropped',
    ]);
    expect(of('rdp').filter((line) => line.startsWith('lan') || line.startsWith('host'))).toEqual([
      'host-loopback 33001 ok',
      'host-address 33001 refused',
      'host-shim 3389 dropped',
      'lan-allowed 3389 dropped',
      'lan-other 3389 dropped',
      'lan-ipv6 3389 dropped',
    ]);
    expect(tries.filter(({ id }) => id === 'way-out')).toHaveLength(1);
  });

  test('an allowed client that is kept from RDP, as it should be, is no sign of a deaf LAN', () => {
    const others: Target['others'] = [
      { service: 'rdp', relayPort: 3389, publish: null, forLan: false },
    ];
    const tries = planTries({ ...target, others }, stand, []);
    const judged = judgeTries(
      tries,
      tries.map((it) => ({ actual: it.expected, detail: '', ms: 1 })),
      null,
    );
    expect(judged.map(({ result }) => result)).not.toContain('skipped');
  });

  test('one gateway alone has no sibling', () => {
    expect(ids({ ...target, sibling: null }, stand).join()).not.toContain('sibling');
  });

  test.each<[string, Partial<Target>, Partial<Stand>, TryId, string]>([
    ['nobody is allowed', { allow: [] }, {}, 'lan-allowed', 'network.allow names nobody'],
    ['no address is free', {}, { other: null }, 'lan-other', 'no free address'],
    ['no block is free', {}, { neighbour: null }, 'routed', 'no block is free'],
    [
      'the LAN is down',
      {},
      { other: null, lanBroken: 'eth1 is down' },
      'lan-other',
      'eth1 is down',
    ],
  ])('left out with its reason: %s', (_what, instance, around, id, reason) => {
    const tries = planTries({ ...target, ...instance }, { ...stand, ...around }, []);
    expect(tries.find((it) => it.id === id)?.skipped).toBe(reason);
  });
});

describe('judged', () => {
  test('as expected: all pass', () => {
    expect(results({})).toEqual(new Set(['pass']));
  });

  test.each<[TryId, Actual, string]>([
    ['lan-other', 'ok', 'fail'],
    ['lan-other', 'closed', 'fail'],
    ['lan-other', 'silent', 'fail'],
    // Its own network refused: the guard let it in, and only nothing listened.
    ['lan-other', 'refused', 'fail'],
    ['sibling-bridge', 'refused', 'fail'],
    ['lan-ipv6', 'unreachable', 'pass'],
    // Another firewall of the host may say so.
    ['routed', 'refused', 'pass'],
    ['routed', 'unreachable', 'pass'],
    ['container', 'ok', 'fail'],
    ['host-address', 'dropped', 'pass'],
    ['host-address', 'ok', 'fail'],
    ['host-loopback', 'silent', 'fail'],
    ['host-loopback', 'closed', 'fail'],
    ['lan-allowed', 'closed', 'fail'],
  ])('%s: %s is a %s', (id, actual, result) => {
    expect(judge({ [id]: actual }).get(id)?.result).toBe(result);
  });

  test('where the allowed client finds no way, nobody is proven to be kept out by rules', () => {
    const judged = judge({ 'lan-allowed': 'dropped' });
    expect(judged.get('lan-allowed')?.result).toBe('fail');
    expect(judged.get('lan-other')).toMatchObject({ result: 'skipped', actual: 'dropped' });
    expect(judged.get('sibling-lan')?.result).toBe('skipped');
    expect(judged.get('sibling-bridge')?.result).toBe('pass');
  });

  test('who gets in nevertheless is a failure', () => {
    const judged = judge({ 'lan-allowed': 'dropped', 'lan-other': 'ok' });
    expect(judged.get('lan-other')?.result).toBe('fail');
  });

  test('no answer from where it was tried is a failure, not a proof', () => {
    const tries = planTries(target, stand, []);
    const [first] = judgeTries(tries, [null], null);
    expect(first).toMatchObject({ result: 'fail', actual: null });
  });
});

describe('addresses of the stand-ins', () => {
  const needs = {
    subnet: '10.0.0.0/24' as Cidr,
    taken: new Set(['10.0.0.254', '10.0.0.5']),
    ranges: ['10.0.0.192/27'],
  };
  const candidates = (...allow: string[]) =>
    lanCandidates({ ...needs, allow }, (address) => isAllowed(allow, address));

  test('from the top down, never one that is taken, listed by itself, or a gateway’s', () => {
    const { allowed, others } = candidates('10.0.0.252');
    expect(others.slice(0, 3)).toEqual(['10.0.0.253', '10.0.0.251', '10.0.0.250']);
    expect(allowed).toEqual([]);
    const all = candidates(...Array.from({ length: 30 }, (_, n) => `10.0.0.${224 + n}`));
    expect(all.others[0]).toBe('10.0.0.191');
  });

  test('one in an allowed subnet is allowed without being let in', () => {
    const { allowed, others } = candidates('10.0.0.16/28');
    expect(allowed[0]).toBe('10.0.0.31');
    expect(others).not.toContain('10.0.0.31');
  });

  test('everybody on the LAN is allowed: nobody is left who is not', () => {
    expect(candidates('10.0.0.0/24').others).toEqual([]);
  });

  test.each([
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['10.0.0.0/24', '10.0.0.8', true],
    ['10.0.0.9-10.0.0.20', '10.0.0.10', true],
    ['10.0.0.9-10.0.0.20', '10.0.0.100', false],
    ['0.0.0.0/0', '192.0.2.2', true],
  ])('%s and %s: %s', (element, address, expected) => {
    expect(isAllowed([element], address as Ipv4)).toBe(expected);
  });

  test('behind the host: a documentation network that it has no route to', () => {
    expect(freeBlock(['default', '10.0.0.0/24'])).toBe('192.0.2');
    expect(freeBlock(['192.0.2.0/24', '198.51.100.0/24'])).toBe('203.0.113');
    expect(freeBlock(['192.0.0.0/8', '198.51.100.5', '203.0.113.0/24'])).toBeNull();
  });
});

function told(instance: Target, around: Stand): string[] {
  return planTries(instance, around, []).map(
    ({ id, host, port, expected }) => `${id} ${host}:${port} ${expected}`,
  );
}

function ids(instance: Target, around: Stand): TryId[] {
  return planTries(instance, around, []).map(({ id }) => id);
}

/** All as expected, but for `changes`. */
function judge(changes: Partial<Record<TryId, Actual>>) {
  const tries = planTries(target, stand, []);
  const outcomes = tries.map(
    ({ id, expected }): Outcome => ({ actual: changes[id] ?? expected, detail: '', ms: 1 }),
  );
  return new Map(judgeTries(tries, outcomes, null).map((it) => [it.id, it]));
}

function results(changes: Partial<Record<TryId, Actual>>): Set<string> {
  return new Set([...judge(changes).values()].map(({ result }) => result));
}
