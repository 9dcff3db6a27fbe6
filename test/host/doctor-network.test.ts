/**
 * `ibq doctor` on a booted host: interfaces, the LAN and forwarding. Each check is broken for its real
 * cause, is found, is mended as it says itself, and passes. One host, cases in order; doctor-*.test.ts have
 * the other checks.
 */

import { beforeAll, expect, test } from 'vitest';
import { doctorOn } from './doctor-cases.ts';
import { ALLOWED, addGateway, allow, ibqOk, prepareHost, until } from './gateways.ts';
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
