import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/network/ipv4.ts';
import { bridgeGateway, choosePublishSubnet } from '../../src/network/publish-network.ts';

const choose = (used: string[], previous?: [name: string, subnet: string], instances = 3) =>
  choosePublishSubnet({
    used: used as Cidr[],
    previous: previous ? { name: previous[0], subnet: previous[1] as Cidr } : null,
    nameFor: (subnet) => `ibq-publish-${subnet}`,
    instances,
  });

describe('the subnet of the publish bridge', () => {
  test.each<[string, string[], [string, string] | undefined, number, string | null]>([
    ['is the first of Podman’s pool', [], undefined, 3, '10.89.0.0/24'],
    ['passes over what is used', ['10.89.0.0/24', '10.89.1.0/25'], undefined, 3, '10.89.2.0/24'],
    ['ignores a default route', ['0.0.0.0/0'], undefined, 3, '10.89.0.0/24'],
    ['leaves 10/8 to a LAN that has all of it', ['10.0.0.0/8'], undefined, 3, '172.20.0.0/24'],
    ['has room for many instances', [], undefined, 400, '10.89.0.0/22'],
    [
      'is kept while the definition is the same, though the host has a route to it',
      ['10.89.3.0/24', '10.89.0.0/24'],
      ['ibq-publish-10.89.3.0/24', '10.89.3.0/24'],
      3,
      '10.89.3.0/24',
    ],
    [
      'is a fresh one for another definition: two bridges can’t share one',
      [],
      ['ibq-publish-older', '10.89.0.0/24'],
      3,
      '10.89.1.0/24',
    ],
    [
      'is a fresh one where something else has come to lie over it',
      ['10.89.0.0/16'],
      ['ibq-publish-10.89.3.0/24', '10.89.3.0/24'],
      3,
      '10.90.0.0/24',
    ],
    [
      'is none where all is in use',
      ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
      undefined,
      3,
      null,
    ],
  ])('%s', (_, used, previous, instances, subnet) => {
    expect(choose(used, previous, instances)).toBe(subnet);
  });

  test('has the host on its first address', () => {
    expect(bridgeGateway('10.89.2.0/24' as Cidr)).toBe('10.89.2.1');
  });
});
