import { describe, expect, test } from 'vitest';
import {
  type GuardInput,
  guardForRunning,
  renderGuard,
  renderHostRules,
} from '../../src/network/guard.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';

const input: GuardInput = {
  instance: '4001',
  mode: 'dual',
  relayPort: 4003,
  allow: ['10.0.0.7/32' as Cidr],
  lanRange: '10.0.0.192/27' as Cidr,
  publishSubnet: '10.89.0.0/24' as Cidr,
  publishAddress: '127.0.0.1' as Ipv4,
};

/** The rules about addresses, echo requests left out. */
function openings(changes: Partial<GuardInput> = {}): string[] {
  const lines = renderGuard({ ...input, ...changes }).split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => / tcp dport .* accept$| drop$/.test(line) && !/^(ct|meta)/.test(line));
}

describe('the guard', () => {
  test('replaces itself, drops by default, lets nothing of IPv6 in', () => {
    expect(
      renderGuard(input),
    ).toBe(`# ibq: what may reach instance 4001. Loaded into its network namespace.
table inet ibq
delete table inet ibq
table inet ibq {
	set allow {
		type ipv4_addr; flags interval;
		elements = { 10.0.0.7 }
	}
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		meta nfproto ipv6 drop
		ct state invalid drop
		ct state established,related accept
		# the host: connections to the published port come from its address on the bridge
		iifname "pub0" ip saddr 10.89.0.1 tcp dport 4003 accept
		iifname "pub0" ip saddr 10.89.0.1 icmp type echo-request accept
		# allowed clients of the LAN
		iifname "lan0" ip saddr 10.0.0.192/27 drop
		iifname "lan0" ip saddr @allow tcp dport 4003 accept
		iifname "lan0" ip saddr @allow icmp type echo-request accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
`);
  });

  const host = 'iifname "pub0" ip saddr 10.89.0.1 tcp dport 4003 accept';
  const lan = 'iifname "lan0" ip saddr @allow tcp dport 4003 accept';
  const noSibling = 'iifname "lan0" ip saddr 10.0.0.192/27 drop';
  const noNeighbour = 'iifname "pub0" ip saddr 10.89.0.0/24 drop';
  const clients = 'iifname "pub0" ip saddr @allow tcp dport 4003 accept';
  const beyond = 'iifname "pub0" ip saddr { 10.89.0.1, 10.0.0.5 } tcp dport 4003 accept';
  const address = '10.0.0.5' as Ipv4;

  test.each<[string, Partial<GuardInput>, string[]]>([
    ['dual', {}, [host, noSibling, lan]],
    ['bridge', { mode: 'bridge' }, [host]],
    ['lan', { mode: 'lan', publishSubnet: null }, [noSibling, lan]],
    [
      'bridge beyond loopback',
      { mode: 'bridge', publishAddress: address },
      [beyond, noNeighbour, clients],
    ],
    [
      'dual beyond loopback',
      { publishAddress: address },
      [beyond, noNeighbour, clients, noSibling, lan],
    ],
    [
      'dual on all addresses',
      { publishAddress: '0.0.0.0' as Ipv4 },
      [host, noNeighbour, clients, noSibling, lan],
    ],
  ])('opens in %s', (_, changes, rules) => {
    expect(openings(changes)).toEqual(rules);
  });

  test('lets nobody of an empty list in, and writes no `{ }`, which nft refuses', () => {
    const text = renderGuard({ ...input, allow: [] });
    expect(text).toContain('\tset allow {\n\t\ttype ipv4_addr; flags interval;\n\t}\n');
  });

  test('has no overlapping subnets, which nft refuses', () => {
    const allow = ['10.0.1.0/24', '10.0.0.7/32', '10.0.0.0/16', '192.168.1.9/32', '10.0.0.7/32'];
    expect(renderGuard({ ...input, allow: allow as Cidr[] })).toContain(
      'elements = { 10.0.0.0/16, 192.168.1.9 }',
    );
  });

  test('of an instance that has not moved yet keeps its own rules, but for who is allowed', () => {
    const running = renderGuard({ ...input, allow: [], relayPort: 4004 });
    expect(guardForRunning(running, renderGuard(input))).toBe(
      renderGuard({ ...input, relayPort: 4004 }),
    );
  });
});

describe('the host rules', () => {
  const rules = (changes: Partial<Parameters<typeof renderHostRules>[0]> = {}) =>
    renderHostRules({
      allow: ['10.0.0.7/32' as Cidr],
      publishAddress: '127.0.0.1' as Ipv4,
      lanSubnet: '10.0.0.0/24' as Cidr,
      ...changes,
    });
  const drop = 'oifname "ibq*" ct state new,untracked,invalid drop';

  test('with ports on loopback drop all that is forwarded, and nothing else', () => {
    expect(
      rules(),
    ).toBe(`# ibq: other containers and neighbours that route through this host don't get to the gateways.
table inet ibq_host
delete table inet ibq_host
table inet ibq_host {
	chain forward {
		type filter hook forward priority filter - 5; policy accept;
		${drop}
	}
}
`);
  });

  test('with ports beyond loopback let allowed clients through, before the drop, and their answers back', () => {
    const text = rules({ publishAddress: '10.0.0.5' as Ipv4 });
    const accepted = 'oifname "ibq*" ct state new ct status dnat ip saddr @allow return';
    expect(text.indexOf(accepted)).toBeGreaterThan(0);
    expect(text.indexOf(accepted)).toBeLessThan(text.indexOf(drop));
    expect(text).toContain('ct status dnat oifname "ibq*" ip saddr 10.0.0.0/24 masquerade');
  });

  test('masquerade nothing without a LAN interface in the container', () => {
    const text = rules({ publishAddress: '10.0.0.5' as Ipv4, lanSubnet: null });
    expect(text).not.toContain('masquerade');
  });
});
