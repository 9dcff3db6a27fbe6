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
		type ipv4_addr; flags interval, timeout;
		elements = { 10.0.0.7 }
	}
	set siblings {
		type ipv4_addr; flags interval;
		elements = { 10.0.0.192/27 }
	}
	set shim {
		type ipv4_addr; flags interval;
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
		# the host, by its own address among the instances' (network.host_access)
		iifname "lan0" ip saddr @shim tcp dport 4003 accept
		iifname "lan0" ip saddr @shim icmp type echo-request accept
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
  const shim = 'iifname "lan0" ip saddr @shim tcp dport 4003 accept';
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
    expect(text).toContain('\tset allow {\n\t\ttype ipv4_addr; flags interval, timeout;\n\t}\n');
  });

  test('has no overlapping subnets, which nft refuses', () => {
    const allow = ['10.0.1.0/24', '10.0.0.7/32', '10.0.0.0/16', '192.168.1.9/32', '10.0.0.7/32'];
    expect(renderGuard({ ...input, allow: allow as Cidr[] })).toContain(
      'elements = { 10.0.0.0/16, 192.168.1.9 }',
    );
  });

  test('names the host and the siblings that there are, in whichever subnets', () => {
    const siblings = ['10.0.0.192/27', '10.0.0.100/32', '10.0.0.200/32'] as Cidr[];
    const text = renderGuard({ ...input, shim: '10.0.0.222' as Ipv4, siblings });
    expect(text).toContain(
      'set siblings {\n\t\ttype ipv4_addr; flags interval;\n\t\telements = { 10.0.0.100, 10.0.0.192/27 }',
    );
    expect(text).toContain(
      'set shim {\n\t\ttype ipv4_addr; flags interval;\n\t\telements = { 10.0.0.222 }',
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
      { shim: '10.0.0.94' as Ipv4 },
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
        running.replace('interval;\n', 'interval, timeout;\n\t\telements = { 10.0.0.7 }\n'),
      );
    });
  });
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

describe('the host rules', () => {
  const rules = (changes: Partial<Parameters<typeof renderHostRules>[0]> = {}) =>
    renderHostRules({
      allow: ['10.0.0.7/32' as Cidr],
      siblings: ['10.0.0.192/27' as Cidr],
      egress: 'host',
      publishAddress: '127.0.0.1' as Ipv4,
      hostPorts: { all: [], open: [] },
      routed: null,
      otherBridges: [],
      lanSubnet: '10.0.0.0/24' as Cidr,
      ...changes,
    });
  const drop = 'oifname "ibq*" ct state new,untracked,invalid drop';

  describe("of gateways in the host's own network", () => {
    const shared = (changes: Parameters<typeof rules>[0] = {}) =>
      /\tchain input \{\n([\s\S]*?)\n\t\}/.exec(
        rules({ hostPorts: { all: [4002, 4004], open: [] }, ...changes }),
      )?.[1];

    test('close every port that they listen on, to all but the host', () => {
      expect(shared()).toBe(`\t\ttype filter hook input priority filter - 5; policy accept;
\t\t# gateways in the host's own network: the host itself, and allowed clients
\t\tiif "lo" return
\t\tct state established,related return
\t\ttcp dport 4002 drop
\t\ttcp dport 4004 drop`);
    });

    test('open the API to allowed clients, at the address that it is published on', () => {
      const hostPorts = { all: [4002, 4004], open: [4004] };
      const at = (publishAddress: string) =>
        shared({ hostPorts, publishAddress: publishAddress as Ipv4 });
      expect(at('10.0.0.5')).toContain(
        '\t\tip saddr @allow ip daddr 10.0.0.5 tcp dport 4004 return\n\t\ttcp dport 4002 drop',
      );
      expect(at('0.0.0.0')).toContain('\t\tip saddr @allow tcp dport 4004 return\n');
      const nobody = shared({ hostPorts, publishAddress: '10.0.0.5' as Ipv4, allow: [] });
      expect(nobody).not.toContain('allow return');
    });

    test('are none where nothing shares it', () => {
      expect(rules()).not.toContain('hook input');
    });
  });

  test('keep others from the ports of an instance on a bridge that is not ibq’s, and from nothing else there', () => {
    const ports = { host: [4003, 5900], published: [4003] };
    const otherBridges = [{ bridge: 'podman3', ports, hostPorts: [4001, 5901] }];
    expect(rules({ otherBridges }).match(/.*podman3.*/g)).toEqual([
      '\t\tiifname != "podman3" oifname "podman3" ct state new,untracked,invalid tcp dport 4003 drop',
      '\t\tiifname != "podman3" oifname "podman3" ct state new,untracked,invalid tcp dport 5900 drop',
    ]);
    const published = rules({ otherBridges, publishAddress: '10.0.0.5' as Ipv4 });
    expect(published).toContain('ct status dnat ip saddr @allow tcp dport 4003 return');
    expect(published).toContain(
      '\t\tct status dnat ct original proto-dst { 4001, 5901 } oifname "podman3" masquerade\n',
    );
  });

  test('leave what this host routes to the LAN as it is', () => {
    const routed = { from: '10.89.0.0/24' as Cidr, to: '10.0.0.0/24' as Cidr };
    expect(rules({ routed })).toContain(
      '\t\tip saddr 10.89.0.0/24 ip daddr 10.0.0.0/24 snat ip prefix to ip saddr map { 10.89.0.0/24 : 10.89.0.0/24 }\n',
    );
  });

  test('an instance in the host’s network has no rules that could be loaded there', () => {
    const text = renderGuard({ ...input, mode: 'host' });
    expect(text.replace(/^#.*\n/gm, '')).toBe('');
  });

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

  const beyond = { publishAddress: '10.0.0.5' as Ipv4 };

  test('with ports beyond loopback let allowed clients through, and no gateway to another, before the drop', () => {
    const lines = rules(beyond)
      .split('\n')
      .map((line) => line.trim());
    const chain = lines.slice(lines.indexOf('chain forward {') + 2);
    expect(chain.slice(0, chain.indexOf('}')).filter((line) => !line.startsWith('#'))).toEqual([
      'iifname "ibq*" oifname "ibq*" ct state new drop',
      'oifname "ibq*" ct state new ip saddr @siblings drop',
      'oifname "ibq*" ct state new ct status dnat ip saddr @allow return',
      drop,
    ]);
  });

  const local = 'ct status dnat oifname "ibq*" fib saddr type local masquerade';
  test.each<[string, Parameters<typeof rules>[0], string[]]>([
    ['on loopback: nothing', {}, []],
    ['nobody allowed: nothing', { ...beyond, allow: [] }, []],
    [
      'dual: the host and its LAN, which the instance would answer over its own interface there',
      beyond,
      [local, 'ct status dnat oifname "ibq*" ip saddr 10.0.0.0/24 masquerade'],
    ],
    [
      'dual with the way out over the LAN: everybody',
      { ...beyond, egress: 'lan' },
      [local, 'ct status dnat oifname "ibq*" masquerade'],
    ],
    ['bridge: the host itself', { ...beyond, lanSubnet: null }, [local]],
  ])('way back, %s', (_, changes, masquerades) => {
    const lines = rules(changes)
      .split('\n')
      .map((line) => line.trim());
    expect(lines.filter((line) => line.endsWith('masquerade'))).toEqual(masquerades);
  });
});
