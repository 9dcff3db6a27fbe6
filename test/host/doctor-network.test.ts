/**
 * `ibq doctor` on a booted host: interfaces, the LAN and forwarding. Each check is broken for its real
 * cause, is found, is mended as it says itself, and passes. One host, cases in order; doctor-*.test.ts have
 * the other checks.
 */

import { beforeAll, expect, test } from 'vitest';
import { doctorOn } from './doctor-cases.ts';
import { ALLOWED, addGateway, allow, ibqOk, prepareHost, statusOf, until } from './gateways.ts';
import { describeOnHosts } from './harness.ts';

describeOnHosts('doctor of the network', (host) => {
  const { asSaid, check, seenAs } = doctorOn(host);

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
    await ibqOk(host, ['deploy']);
  });

  test('parent-interface: down', () =>
    check('parent-interface', 'fail', {
      break: () => host.ok('ip link set eth1 down'),
      says: /eth1 should be up, is down/,
      mend: async ({ mend }) => {
        expect(mend).toMatch(/^sudo ip link set eth1 up;/);
        await host.ok('ip link set eth1 up');
      },
    }));

  test('parent-interface: renamed', () =>
    check('parent-interface', 'fail', {
      break: () => host.ok('ip link set eth1 down && ip link set eth1 name lan9 up'),
      says: /eth1 .* is gone; lan9 \(02:00:0a:00:00:05\) has its subnet 10\.0\.0\.0\/24 now/,
      mend: async () => {
        await host.ok('ip link set lan9 down && ip link set lan9 name eth1 up');
        await until('eth1 is up', async () =>
          (await host.readFile('/sys/class/net/eth1/operstate')).startsWith('up'),
        );
      },
    }));

  test('parent-interface: another subnet', () =>
    check('parent-interface', 'fail', {
      break: () =>
        host.ok('ip address replace 10.0.5.5/24 dev eth1; ip address del 10.0.0.5/24 dev eth1'),
      says: /should have an address in 10\.0\.0\.0\/24, has 10\.0\.5\.0\/24/,
      mend: () =>
        host.ok('ip address add 10.0.0.5/24 dev eth1; ip address del 10.0.5.5/24 dev eth1'),
    }));

  test('wireless: macvlan over Wi-Fi', async () => {
    const look = `d=$(readlink -f /sys/class/net/eth1); cp -rL $d/type $d/operstate $d/address $d/uevent /run/ 2>/dev/null
      mount -t tmpfs none $d; for f in type operstate address uevent; do cp /run/$f $d; done; mkdir $d/wireless`;
    await seenAs('wireless', 'fail', look, driver('ipvlan'));
    await allow(host, [ALLOWED]);
  });

  test('cloud: addresses that it did not assign', async () => {
    const look = `mkdir -p /run/class/dmi/id; cp -a /sys/class/net /run/class; echo "Amazon EC2" >/run/class/dmi/id/sys_vendor
      mount --bind /run/class /sys/class`;
    await seenAs(
      'cloud',
      'fail',
      look,
      `printf '[network]\\nmode = "bridge"\\n' >/etc/ibq/ibq.toml`,
    );
    await allow(host, [ALLOWED]);
  });

  test('virtual-switch: the port lets one MAC address through', () =>
    check('virtual-switch', 'fail', {
      break: () => host.okIn('switch', `${ONE_MAC}`),
      says: /10\.0\.0\.1 answers the host and not 4001, 4002/,
      mend: () => host.okIn('switch', 'nft delete table bridge port'),
    }));

  test('duplicate-address: a neighbour takes the address of an instance', () =>
    check('duplicate-address', 'fail', {
      break: () => host.ok('ip -n lan3 address add 10.0.0.192/24 dev eth0'),
      says: /10\.0\.0\.192 of 4001 is also that of 02:00:0a:00:00:09/,
      mend: () => host.ok('ip -n lan3 address del 10.0.0.192/24 dev eth0'),
    }));

  test('dhcp-range: a stranger in the range', () =>
    check('dhcp-range', 'warn', {
      break: () => host.ok('ip -n lan3 address add 10.0.0.210/24 dev eth0'),
      says: /10\.0\.0\.210 \(MAC 02:00:0a:00:00:09\)/,
      mend: () => host.ok('ip -n lan3 address del 10.0.0.210/24 dev eth0'),
    }));

  test('forwarding: the rule of a VPN comes before the bridge', () =>
    check('forwarding', 'fail', {
      break: async () => {
        const subnet = (await host.ok("ip -4 route | sed -n 's| dev ibq.*link.*||p'")).split(
          '\n',
        )[0];
        // As Tailscale's, where some subnet router announces such a subnet.
        await host.ok(
          `ip route add ${subnet} via 198.51.100.1 table 52; ip rule add pref 5270 lookup 52`,
        );
        expect(await statusOf(host, '4001')).toMatchObject({
          ready: false,
          word: 'port lost',
          problems: [expect.stringMatching(/another way: \S+ leaves by eth0 \(table 52\)/)],
        });
      },
      says: /where 4001 is on its bridge, leaves by eth0: a rule that leads to table 52/,
      mend: async ({ mend }) => {
        await host.ok((mend ?? '').replace(/^sudo /, '').replace(/,.*/, ''));
      },
    }).finally(() =>
      host.ok('ip rule del pref 100; ip rule del pref 5270; ip route flush table 52'),
    ));

  test('forwarding: a name server that only this host reaches', () =>
    check('forwarding', 'fail', {
      break: () =>
        host.ok(`
          ip netns exec uplink ip address add 100.100.100.100/32 dev lo
          ip route add 100.100.100.100/32 via 198.51.100.1
          systemd-run --quiet --unit names ip netns exec uplink python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("100.100.100.100", 53))
while True:
    query, client = s.recvfrom(512)
    s.sendto(query[:2] + bytes([0x81, 0x83]) + query[4:], client)'
          nft 'add table inet vpn; add chain inet vpn forward { type filter hook forward priority 0; }; add rule inet vpn forward ip daddr 100.100.100.100 drop'
          for file in $(podman inspect -f '{{.ResolvConfPath}}' ib-gateway-4001 ib-gateway-4002); do
            cp $file $file.kept; echo nameserver 100.100.100.100 >$file
          done`),
      says: /100\.100\.100\.100, by which 4001 looks names up, answers this host and not 4001/,
      mend: () =>
        host.ok(`
          systemctl stop names; nft delete table inet vpn; ip route del 100.100.100.100/32
          for file in $(podman inspect -f '{{.ResolvConfPath}}' ib-gateway-4001 ib-gateway-4002); do
            cat $file.kept >$file
          done`),
    }));

  test('forwarding: switched off', () =>
    check('forwarding', 'fail', {
      break: () => host.ok('sysctl -qw net.ipv4.ip_forward=0'),
      says: /ip_forward should be 1, is 0/,
      mend: async ({ mend }) => {
        expect(mend).toMatch(/^sudo sysctl -w net\.ipv4\.ip_forward=1,/);
        await host.ok('sysctl -w net.ipv4.ip_forward=1');
      },
    }));

  test('forwarding: a firewall drops it', () =>
    check('forwarding', 'fail', {
      break: () =>
        host.ok(
          "nft 'add table inet fw; add chain inet fw forward { type filter hook forward priority 0; policy drop; }'",
        ),
      says: /198\.51\.100\.1 answers the host and not 4001, 4002/,
      mend: asSaid,
    }).finally(() => host.ok('nft delete table inet fw')));
});

const ONE_MAC = `nft 'add table bridge port; add chain bridge port in { type filter hook prerouting priority -300; }; add rule bridge port in iifname "host" ether saddr != 02:00:0a:00:00:05 drop'`;

function driver(name: string): string {
  return `printf '[network]\\ndriver = "${name}"\\n' >/etc/ibq/ibq.toml`;
}
