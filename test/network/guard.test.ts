import { describe, expect, test } from 'vitest';
import { type GuardInput, guardForRunning, renderGuard } from '../../src/network/guard.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';

const input: GuardInput = {
  instance: '4001',
  mode: 'dual',
  ports: { host: [4003], published: [4003], lan: [4003] },
  allow: ['10.0.0.7/32' as Cidr],
  siblings: ['10.0.0.192/27' as Cidr],
  shim: null,
  publishSubnet: '10.89.0.0/24' as Cidr,
  publishAddress: '127.0.0.1' as Ipv4,
  sidecar: null,
  joined: [],
};

/** The rules about addresses, echo requests left out. */
function openings(changes: Partial<GuardInput> = {}): string[] {
  const lines = renderGuard({ ...input, ...changes }).split('\n');
  return lines
    .map((line) => line.trim())
    .filter(
      (line) => / tcp dport .* accept$| drop$/.test(line) && !/^(ct|meta)|@stand_in/.test(line),
    );
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
	set siblings {
		type ipv4_addr; flags interval;
		elements = { 10.0.0.192/27 }
	}
	set shim {
		type ipv4_addr; flags interval;
	}
	set shim_mac {
		type ether_addr;
	}
	set stand_in {
		type ether_addr . ipv4_addr; flags timeout;
	}
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		meta nfproto ipv6 drop
		ct state invalid drop
		# the stand-in of "ibq network test", while it is let in
		iifname "lan0" ether saddr . ip saddr @stand_in tcp dport { 4003 } ct mark set 0x1b9 accept
		ct mark 0x1b9 ct direction original drop
		ct state established,related accept
		# the host: connections to the published port come from its address on the bridge
		iifname "pub0" ip saddr 10.89.0.1 tcp dport 4003 accept
		iifname "pub0" ip saddr 10.89.0.1 icmp type echo-request accept
		# the host, by its own interface among the instances' (network.host_access)
		iifname "lan0" ether saddr @shim_mac ip saddr @shim tcp dport 4003 accept
		iifname "lan0" ether saddr @shim_mac ip saddr @shim icmp type echo-request accept
		# no other gateway, however wide the list of allowed clients is
		iifname "lan0" ip saddr @siblings drop
		# allowed clients of the LAN
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
  const shim = 'iifname "lan0" ether saddr @shim_mac ip saddr @shim tcp dport 4003 accept';
  const noSibling = 'iifname "lan0" ip saddr @siblings drop';
  const noNeighbour = 'iifname "pub0" ip saddr 10.89.0.0/24 drop';
  const clients = 'iifname "pub0" ip saddr @allow tcp dport 4003 accept';
  const beyond = 'iifname "pub0" ip saddr { 10.89.0.1, 10.0.0.5 } tcp dport 4003 accept';
  const address = '10.0.0.5' as Ipv4;

  test.each<[string, Partial<GuardInput>, string[]]>([
    ['dual', {}, [host, shim, noSibling, lan]],
    ['bridge', { mode: 'bridge' }, [host]],
    ['lan', { mode: 'lan', publishSubnet: null }, [shim, noSibling, lan]],
    [
      'bridge beyond loopback',
      { mode: 'bridge', publishAddress: address },
      [beyond, noNeighbour, clients],
    ],
    [
      'dual beyond loopback',
      { publishAddress: address },
      [beyond, noNeighbour, clients, shim, noSibling, lan],
    ],
    [
      'dual on all addresses',
      { publishAddress: '0.0.0.0' as Ipv4 },
      [host, noNeighbour, clients, shim, noSibling, lan],
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

  test('names the host and the siblings that there are, in whichever subnets', () => {
    const siblings = ['10.0.0.192/27', '10.0.0.100/32', '10.0.0.200/32'] as Cidr[];
    const text = renderGuard({
      ...input,
      shim: { address: '10.0.0.222' as Ipv4, mac: '02:00:00:00:00:fe' },
      siblings,
    });
    expect(text).toContain(
      'set siblings {\n\t\ttype ipv4_addr; flags interval;\n\t\telements = { 10.0.0.100, 10.0.0.192/27 }',
    );
    expect(text).toContain(
      'set shim {\n\t\ttype ipv4_addr; flags interval;\n\t\telements = { 10.0.0.222 }',
    );
    expect(text).toContain(
      'set shim_mac {\n\t\ttype ether_addr;\n\t\telements = { 02:00:00:00:00:fe }',
    );
  });

  describe('of an instance that has not moved yet keeps its own rules', () => {
    const old = {
      mode: 'lan',
      publishSubnet: null,
      ports: { host: [4004], published: [4004], lan: [4004] },
    } as const;
    const others: Partial<GuardInput>[] = [
      { allow: [] },
      { allow: ['10.0.0.7/32', '10.0.0.9/32'] as Cidr[] },
      { siblings: ['10.0.0.64/27', '10.0.0.192/32'] as Cidr[] },
      { siblings: [] },
      { shim: { address: '10.0.0.94' as Ipv4, mac: '02:00:00:00:00:fe' } },
    ];
    test.each(others.flatMap((one) => others.map((other) => [one, other] as const)))(
      'but for who is who: %j → %j',
      (before, now) => {
        const running = renderGuard({ ...input, ...old, ...before });
        expect(guardForRunning(running, renderGuard({ ...input, ...now }))).toBe(
          renderGuard({ ...input, ...old, ...now }),
        );
      },
    );

    test('and of those of an older ibq whatever has no set of its own', () => {
      const running =
        'table inet ibq {\n\tset allow {\n\t\ttype ipv4_addr; flags interval;\n\t}\n\tchain input {\n\t}\n}\n';
      expect(guardForRunning(running, renderGuard(input))).toBe(
        running.replace('interval;\n', 'interval;\n\t\telements = { 10.0.0.7 }\n'),
      );
    });
  });
});

test('an instance in the host’s network has no rules that could be loaded there', () => {
  const text = renderGuard({ ...input, mode: 'host' });
  expect(text.replace(/^#.*\n/gm, '')).toBe('');
});

describe('networks of others', () => {
  const network = {
    bridge: 'podman3',
    subnet: '10.90.0.0/24' as Cidr,
    gateway: '10.90.0.1' as Ipv4,
  };

  test('a joined network carries published connections; its containers get in when it is allowed', () => {
    const at = (allowed: boolean) =>
      renderGuard({ ...input, joined: [{ interface: 'join0', network, allowed }] });
    expect(at(false)).not.toContain('10.90.0.0/24');
    expect(at(false)).toContain('\t\tiifname "join0" ip saddr 10.90.0.1 tcp dport 4003 accept\n');
    expect(at(true)).toContain(`\t\tiifname "join0" ip saddr 10.90.0.0/24 tcp dport 4003 accept
\t\tiifname "join0" ip saddr 10.90.0.0/24 icmp type echo-request accept
`);
  });

  test("in a sidecar's network the host and allowed clients get in, and there is no LAN", () => {
    const rules = renderGuard({
      ...input,
      sidecar: { networks: [network], published: ['127.0.0.1:4001:4003'] },
    });
    expect(rules.match(/^\t\tip saddr .*/gm)).toEqual([
      '\t\tip saddr { 10.90.0.1 } tcp dport 4003 accept',
      '\t\tip saddr @allow tcp dport 4003 accept',
    ]);
    expect(rules).not.toMatch(/pub0|lan0/);
  });
});
