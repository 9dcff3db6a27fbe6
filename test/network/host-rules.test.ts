import { describe, expect, test } from 'vitest';
import { renderHostRules } from '../../src/network/host-rules.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';

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
      gateways: [],
      hostServices: [],
      linkLocal: false,
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

  test('with ports on loopback drop all that is forwarded, and what gateways open on the host', () => {
    expect(
      rules(),
    ).toBe(`# ibq: other containers and neighbours that route through this host don't get to the gateways, and those
# not to the services of this host.
table inet ibq_host
delete table inet ibq_host
table inet ibq_host {
	chain from_gateways {
		ct state established,related return
		# name servers
		meta l4proto { tcp, udp } ct original proto-dst 53 return
		ip daddr 169.254.0.0/16 drop
		icmp type echo-request return
		fib daddr type local drop
		ct status dnat drop
	}
	chain prerouting {
		type filter hook prerouting priority dstnat + 5; policy accept;
		iifname "ibqtest0" return
		iifname "ibq*" jump from_gateways
	}
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

  describe('of what gateways open on this host', () => {
    const outward = (changes: Parameters<typeof rules>[0]) =>
      /\tchain from_gateways \{\n([\s\S]*?)\n\t\}/.exec(rules(changes))?.[1];

    test('let through the ports that are named, and not the metadata at the same port', () => {
      expect(outward({ hostServices: [80, 5432] })).toContain(
        '\t\tip daddr 169.254.0.0/16 drop\n\t\tmeta l4proto tcp ct original proto-dst { 80, 5432 } return\n',
      );
    });

    test('let through all services, and still no metadata', () => {
      const text = outward({ hostServices: 'all' });
      expect(text).not.toContain('fib');
      expect(text).not.toContain('dnat');
      expect(text).toContain('ip daddr 169.254.0.0/16 drop');
    });

    test('let the metadata through where that is asked for', () => {
      const text = outward({ linkLocal: true });
      expect(text).not.toContain('169.254');
      expect(text).toContain('fib daddr type local drop');
    });

    test('hold for those that come by the router of the LAN as well', () => {
      const text = rules({ gateways: ['10.0.0.192' as Ipv4] });
      expect(text).toContain('elements = { 10.0.0.192 }');
      expect(text).toContain('\t\tip saddr @gateways jump from_gateways\n');
    });

    test('are for gateways alone: no rule of the chain at the hook drops anything itself', () => {
      const chain = /\tchain prerouting \{\n([\s\S]*?)\n\t\}/.exec(rules())?.[1] ?? '';
      expect(chain).not.toMatch(/drop|!=/);
    });
  });
});
