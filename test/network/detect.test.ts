import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigError, ExitCode } from '../../src/errors.ts';
import { reasons } from '../../src/network/interface-kind.ts';
import type { Overrides } from '../../src/network/overrides.ts';
import { cidr, detectHost, expectedOf, hostNames } from './hosts.ts';

describe('every fixture host', () => {
  test.each(hostNames())('%s', (name) => {
    expect(detectHost(name)).toEqual(expectedOf(name));
  });

  test('between them they show every reason, and no other', () => {
    const seen = hostNames().flatMap((name) =>
      expectedOf(name).candidates.flatMap((candidate) => candidate.reasons),
    );
    expect([...new Set(seen)].sort()).toEqual(Object.keys(reasons).sort());
  });

  test('the page for users explains every reason', () => {
    const page = readFileSync(
      new URL('../../docs/network-detect.md', import.meta.url).pathname,
      'utf8',
    );
    for (const reason of Object.keys(reasons)) expect(page).toContain(`\`${reason}\``);
  });
});

describe('overrides hold one by one', () => {
  test.each<[string, Partial<Overrides>, object]>([
    [
      'several-private-nics',
      { NETWORK_INTERFACE: 'eth1' },
      { interface: 'eth1', subnet: '10.1.0.0/24', gateway: '10.1.0.1', gatewaySource: 'route' },
    ],
    [
      'several-private-nics',
      { NETWORK_SUBNET: '192.168.5.0/24' },
      {
        interface: 'eth2',
        subnet: '192.168.5.0/24',
        gateway: '192.168.5.1',
        gatewaySource: 'assumed',
      },
    ],
    [
      'several-private-nics',
      { NETWORK_GATEWAY: '10.0.0.254' },
      { interface: 'eth0', gateway: '10.0.0.254', gatewaySource: 'override' },
    ],
    [
      'several-subnets',
      { NETWORK_SUBNET: '192.168.7.0/24' },
      {
        interface: 'eth0',
        subnet: '192.168.7.0/24',
        address: '192.168.7.2',
        range: '192.168.7.192/27',
      },
    ],
    [
      'public-and-private',
      { NETWORK_SUBNET: '10.0.0.0/16' },
      { interface: 'eth1', subnet: '10.0.0.0/16', gateway: '10.0.0.1' },
    ],
    ['wifi-laptop', { NETWORK_INTERFACE: 'wlp3s0' }, { interface: 'wlp3s0', driver: 'ipvlan' }],
    [
      'link-down',
      { NETWORK_INTERFACE: 'eth1', NETWORK_SUBNET: '10.0.0.0/24', NETWORK_GATEWAY: '10.0.0.9' },
      { interface: 'eth1', subnet: '10.0.0.0/24', address: null, gateway: '10.0.0.9' },
    ],
    [
      'public-and-private',
      { NETWORK_INTERFACE: 'eth0' },
      {
        interface: 'eth0',
        subnet: '203.0.113.0/24',
        gateway: '203.0.113.1',
        gatewaySource: 'route',
      },
    ],
  ])('%s with %j', (host, overrides, expected) => {
    expect(detectHost(host, overrides).selected).toMatchObject(expected);
  });

  test.each<[string, Partial<Overrides>, RegExp]>([
    ['public-and-private', { NETWORK_INTERFACE: 'eth0' }, /eth0 is used although not-private/],
    ['containers-first', { NETWORK_INTERFACE: 'podman0' }, /although container-bridge/],
    ['carrier-lost', { NETWORK_INTERFACE: 'eth1' }, /although down/],
    ['plain-server', { NETWORK_SUBNET: '172.16.0.0/16' }, /not a connected subnet of eth0/],
    ['no-private-network', { NETWORK_SUBNET: '10.0.0.0/8' }, /set NETWORK_INTERFACE as well/],
  ])('%s with %j is done and warned about', (host, overrides, warning) => {
    const { warnings } = detectHost(host, overrides);
    expect(warnings.filter((text) => warning.test(text))).toHaveLength(1);
  });

  test('no warning about a choice that was made', () => {
    expect(detectHost('several-private-nics', { NETWORK_INTERFACE: 'eth0' }).warnings).toEqual([]);
    expect(detectHost('several-private-nics', { NETWORK_SUBNET: '10.1.0.0/24' }).warnings).toEqual(
      [],
    );
  });
});

describe('a bad override is an error that says what it should be and what it was', () => {
  test.each<[string, Partial<Overrides>, string]>([
    [
      'public-and-private',
      { NETWORK_INTERFACE: 'eth9' },
      'NETWORK_INTERFACE: should be an interface of this host (eth0, eth1), got "eth9"',
    ],
    [
      'bond',
      { NETWORK_INTERFACE: 'eno1' },
      'NETWORK_INTERFACE: should be an interface that can carry macvlan or ipvlan (eno1 is not one: a port of a bond or team; the bond itself carries the addresses, use bond0), got "eno1"',
    ],
    [
      'plain-server',
      { NETWORK_INTERFACE: 'lo' },
      'NETWORK_INTERFACE: should be an interface that can carry',
    ],
    ['openvpn-full-tunnel', { NETWORK_INTERFACE: 'tun0' }, 'tun0 is not one: a tunnel'],
    [
      'link-down',
      { NETWORK_INTERFACE: 'eth1' },
      'eth1 has no connected IPv4 subnet; set NETWORK_SUBNET as well',
    ],
    [
      'cloud-32',
      { NETWORK_INTERFACE: 'ens4' },
      'ens4 has only 10.128.0.1/32; set NETWORK_SUBNET as well',
    ],
    [
      'plain-server',
      { NETWORK_SUBNET: '192.168.1.10/24' },
      'NETWORK_SUBNET: should be a subnet such as 192.168.1.0/24, got "192.168.1.10/24"',
    ],
    [
      'plain-server',
      { NETWORK_SUBNET: 'lan' },
      'NETWORK_SUBNET: should be a subnet such as 10.0.0.0/24, got "lan"',
    ],
    [
      'plain-server',
      { NETWORK_SUBNET: '10.0.0.0/31' },
      'should be a subnet with a prefix from /8 to /30, got "10.0.0.0/31"',
    ],
    [
      'plain-server',
      { NETWORK_SUBNET: '10.0.0.1' },
      'should be a subnet with a prefix from /8 to /30',
    ],
    ['plain-server', { NETWORK_SUBNET: '224.0.0.0/8' }, 'should be a subnet that hosts can have'],
    [
      'plain-server',
      { NETWORK_GATEWAY: '192.168.1' },
      'NETWORK_GATEWAY: should be an IPv4 address such as 10.0.0.1, got "192.168.1"',
    ],
    [
      'plain-server',
      { NETWORK_GATEWAY: '10.0.0.1' },
      'NETWORK_GATEWAY: should be an address of 192.168.1.0/24 (192.168.1.1 to 192.168.1.254), got "10.0.0.1"',
    ],
    [
      'plain-server',
      { NETWORK_GATEWAY: '192.168.1.0' },
      'NETWORK_GATEWAY: should be an address of',
    ],
    [
      'plain-server',
      { NETWORK_GATEWAY: '192.168.1.255' },
      'NETWORK_GATEWAY: should be an address of',
    ],
    [
      'plain-server',
      { NETWORK_SUBNET: '10.0.0.0/24', NETWORK_GATEWAY: '192.168.1.1' },
      'NETWORK_GATEWAY: should be an address of 10.0.0.0/24',
    ],
  ])('%s with %j', (host, overrides, message) => {
    const error = errorOf(() => detectHost(host, overrides));
    expect(error.message).toContain(message);
    expect(error.exitCode).toBe(ExitCode.badConfiguration);
  });

  test('all of them together', () => {
    const error = errorOf(() =>
      detectHost('plain-server', {
        NETWORK_INTERFACE: 'x',
        NETWORK_SUBNET: 'y',
        NETWORK_GATEWAY: 'z',
      }),
    );
    expect(error.problems.map(({ file }) => file)).toEqual([
      'NETWORK_INTERFACE',
      'NETWORK_SUBNET',
      'NETWORK_GATEWAY',
    ]);
  });
});

describe('the range', () => {
  test('grows with the instances', () => {
    expect(detectHost('plain-server', {}, { instances: 50 }).selected?.range).toBe(
      '192.168.1.128/26',
    );
  });

  test('stays the pinned one although the instances answer in it', () => {
    expect(detectHost('after-deploy').selected?.range).toBe('10.0.0.192/27');
    const fresh = detectHost('after-deploy', {}, { pinnedRange: null });
    expect(fresh.selected?.range).toBe('10.0.0.160/27');
  });

  test('a pinned range of another subnet is not kept', () => {
    const { selected } = detectHost('plain-server', {}, { pinnedRange: cidr('10.0.0.192/27') });
    expect(selected?.range).toBe('192.168.1.192/27');
  });
});

function errorOf(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
