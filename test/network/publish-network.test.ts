import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cidr, cidrsOverlap, makeCidr, prefixOf } from '../../src/network/ipv4.ts';
import {
  bridgeGateway,
  choosePublishSubnet,
  takers,
  type UsedSubnet,
} from '../../src/network/publish-network.ts';

/** `10.89.0.0/24 eth1`: connected; `route` and `podman` before it say otherwise. */
function used(text: string): UsedSubnet {
  const [subnet = '', name = '', kind = 'connected'] = text.split(' ');
  return { subnet: subnet as Cidr, name, kind: kind as UsedSubnet['kind'] };
}

interface Case {
  used?: string[];
  pools?: [string, number][];
  previous?: [name: string, subnet: string];
  instances?: number;
}

function choose({ used: texts = [], pools, previous, instances = 3 }: Case) {
  return choosePublishSubnet({
    used: texts.map(used),
    pools: pools?.map(([base, size]) => ({ base: base as Cidr, size })) ?? null,
    previous: previous ? { name: previous[0], subnet: previous[1] as Cidr } : null,
    nameFor: (subnet) => `ibq-publish-${subnet}`,
    instances,
  });
}

const INSTALLED: [string, string] = ['ibq-publish-10.89.3.0/24', '10.89.3.0/24'];
const OWN_BRIDGE = '10.89.3.0/24 ibq0fd8daf1';

describe('a new bridge', () => {
  test.each<[string, Case, string | null]>([
    ['has the first subnet of Podman’s pool', {}, '10.89.0.0/24'],
    [
      'passes over what is used',
      { used: ['10.89.0.0/24 eth1', '10.89.1.0/25 web podman'] },
      '10.89.2.0/24',
    ],
    ['ignores a default route', { used: ['0.0.0.0/0 eth0 route'] }, '10.89.0.0/24'],
    ['leaves 10/8 to a LAN that has all of it', { used: ['10.0.0.0/8 eth0'] }, '172.20.0.0/24'],
    ['has room for many instances', { instances: 400 }, '10.89.0.0/22'],
    [
      'avoids what a VPN routes where something else is free',
      { used: ['10.0.0.0/8 tun0 route'] },
      '172.20.0.0/24',
    ],
    [
      'is more specific than a route that covers everything private',
      {
        used: ['10.0.0.0/8 eth0 route', '172.16.0.0/12 eth0 route', '192.168.0.0/16 eth0 route'],
      },
      '10.89.0.0/24',
    ],
    [
      'is more specific than a tunnel that takes all there is in two halves',
      { used: ['0.0.0.0/1 tun0 route', '128.0.0.0/1 tun0 route'] },
      '10.89.0.0/24',
    ],
    [
      'never takes a route that is as specific',
      { used: ['10.89.0.0/24 wg0 route', '0.0.0.0/1 wg0 route', '128.0.0.0/1 wg0 route'] },
      '10.89.1.0/24',
    ],
    ['comes from the host’s own pools first', { pools: [['10.200.0.0/16', 26]] }, '10.200.0.0/26'],
    [
      'is larger than the pool says where the instances need it',
      { pools: [['10.200.0.0/16', 28]], instances: 100 },
      '10.200.0.0/24',
    ],
    [
      'leaves pools that are in use',
      { pools: [['10.200.0.0/24', 24]], used: ['10.200.0.0/24 eth1'] },
      '10.89.0.0/24',
    ],
    [
      'is none where the host itself is in all private networks',
      { used: ['10.0.0.0/8 a', '172.16.0.0/12 b', '192.168.0.0/16 c'] },
      null,
    ],
  ])('%s', (_title, given, subnet) => {
    expect(choose(given)).toBe(subnet);
  });
});

describe('an installed bridge', () => {
  test.each<[string, Case, string]>([
    ['keeps its subnet', { used: [OWN_BRIDGE] }, '10.89.3.0/24'],
    [
      'keeps it with a VPN that routes 10/8',
      { used: [OWN_BRIDGE, '10.0.0.0/8 tun0 route'] },
      '10.89.3.0/24',
    ],
    [
      'keeps it with a VPN that takes all there is',
      { used: [OWN_BRIDGE, '0.0.0.0/1 tun0 route', '128.0.0.0/1 tun0 route'] },
      '10.89.3.0/24',
    ],
    [
      'keeps it beside a second NIC in a wider subnet',
      { used: [OWN_BRIDGE, '10.89.0.0/16 eth2'] },
      '10.89.3.0/24',
    ],
    [
      'of the host’s own pools keeps it',
      { previous: ['ibq-publish-10.200.0.0/26', '10.200.0.0/26'], used: ['10.200.0.0/26 ibq1'] },
      '10.200.0.0/26',
    ],
    ['keeps it when instances leave', { used: [OWN_BRIDGE], instances: 1 }, '10.89.3.0/24'],
    [
      'gives it up to something as specific that is not ibq’s',
      { used: [OWN_BRIDGE, '10.89.3.0/24 eth2'] },
      '10.89.0.0/24',
    ],
    [
      'gives it up to a part of it',
      { used: [OWN_BRIDGE, '10.89.3.128/25 wg0 route'] },
      '10.89.0.0/24',
    ],
    [
      'gets a larger one when it has become too small',
      { used: [OWN_BRIDGE], instances: 400 },
      '10.89.4.0/22',
    ],
    [
      'gets a fresh one for another definition: two bridges can’t share one',
      { previous: ['ibq-publish-older', '10.89.0.0/24'], used: ['10.89.0.0/24 ibq1'] },
      '10.89.1.0/24',
    ],
  ])('%s', (_title, given, subnet) => {
    expect(choose({ previous: INSTALLED, ...given })).toBe(subnet);
  });
});

test('the host has its first address', () => {
  expect(bridgeGateway('10.89.2.0/24' as Cidr)).toBe('10.89.2.1');
});

const privateSubnet = fc
  .tuple(
    fc.constantFrom(0x0a000000, 0xac100000, 0xc0a80000),
    fc.nat(0xffffff),
    fc.integer({ min: 1, max: 32 }),
  )
  .map(([base, offset, prefix]) => makeCidr((base | offset) >>> 0, prefix));
const anything = fc.record({
  subnet: privateSubnet,
  kind: fc.constantFrom('connected', 'route', 'podman') as fc.Arbitrary<UsedSubnet['kind']>,
  name: fc.constantFrom('eth0', 'tun0', 'web'),
});

test('no route of another takes a packet away from a new bridge, whatever the host has', () => {
  fc.assert(
    fc.property(
      fc.array(anything, { maxLength: 12 }),
      fc.integer({ min: 1, max: 300 }),
      (all, instances) => {
        const subnet = choosePublishSubnet({
          used: all,
          pools: null,
          previous: null,
          nameFor: String,
          instances,
        });
        if (subnet === null) {
          // Only what the host is in can leave no room.
          expect(all.some((it) => it.kind !== 'route' || prefixOf(it.subnet) >= 16)).toBe(true);
          return;
        }
        expect(takers(subnet, all)).toEqual([]);
        const inside = all.filter((it) => it.kind !== 'route' && prefixOf(it.subnet) > 0);
        expect(inside.filter((it) => cidrsOverlap(it.subnet, subnet))).toEqual([]);
      },
    ),
  );
});
