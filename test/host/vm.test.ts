/** What depends on the kernel: macvlan and ipvlan, memory limits, a real reboot, a power cut. */

import { release } from 'node:os';
import { beforeAll, describe, expect, test } from 'vitest';
import { containerPid, ibq, ibqOk, prepareHost, statusOf, told, until } from './gateways.ts';
import { describeOnHosts } from './harness.ts';
import {
  answers,
  configure,
  FAR,
  FAR_OTHER,
  parseColumn,
  reach,
  readTable,
  type Setup,
  WAYS,
} from './reachability.ts';

const documented = new Map(readTable().map(({ column, cells }) => [column, cells]));

/**
 * In an order that has the fewest restarts. `shimFirst`: with the host among its instances, then
 * without; in the middle the shim changes its driver with them, and with the last one it stays.
 */
const columns = [
  { driver: 'macvlan', column: 'dual 0.0.0.0', shimFirst: false },
  { driver: 'macvlan', column: 'lan', shimFirst: false },
  { driver: 'ipvlan', column: 'lan', shimFirst: true },
  { driver: 'ipvlan', column: 'dual 0.0.0.0', shimFirst: false },
] as const;

const MEMORY_MB = 288;
/** Makes a gateway's own process take memory without end, once it gets SIGUSR2. */
const LEAK =
  "data:text/javascript,process.on('SIGUSR2',()=>{for(const%20all=[];;)all.push(new%20Uint8Array(1e7).fill(1))})";

/** An image of the host's own `ip` and `wg`: brings up the tunnel and stays. */
const SIDECAR_IMAGE = `set -e
tree=$(mktemp -d)
for program in sh ip wg sleep cut; do
  file=$(readlink -f "$(command -v $program)")
  install -D "$file" "$tree/bin/$program"
  ldd "$file" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$tree$library"; done
done
cat >"$tree/bin/up" <<'END'
#!/bin/sh
set -e
PATH=/bin
set -- "$1" "$2" "$3" $(ip -4 route show default)
ip link add wg0 type wireguard
wg set wg0 private-key /key peer "$1" endpoint "$2" allowed-ips 0.0.0.0/0 persistent-keepalive 5
ip address add "$3" dev wg0
ip link set wg0 up
ip route add "$(echo "$2" | cut -d: -f1)" via "$6"
ip route replace default dev wg0
exec sleep infinity
END
chmod 755 "$tree/bin/up"
tar -C "$tree" -c . | podman import -q - localhost/wireguard`;

describeOnHosts(
  'virtual machine',
  (host) => {
    let driver = 'macvlan';
    let setup: Setup;

    beforeAll(async () => {
      await prepareHost(host);
      await host.ok(`ip -n wan1 address add ${FAR_OTHER}/24 dev eth0`);
      await writeInstance('4001', ['mode = "live"']);
      await writeInstance('4002', [
        'mode = "paper"',
        'java_heap = 256',
        `memory = ${MEMORY_MB}`,
        `environment = { NODE_OPTIONS = "--import=${LEAK}" }`,
      ]);
    });

    test('runs a kernel of its own, with WireGuard', async () => {
      const kernel = (await host.ok('uname -r')).trim();
      expect(kernel).toMatch(/cloud-amd64$/);
      expect(kernel).not.toBe(release());
      await host.ok('ip link add wg0 type wireguard && wg show wg0 && ip link delete wg0');
    });

    test.each(columns)('who reaches what by $driver: $column', async (row) => {
      const { column, shimFirst } = row;
      const seen: Record<string, boolean>[] = [];
      for (const hostAccess of [shimFirst, !shimFirst]) {
        setup = { ...parseColumn(column), driver: row.driver, hostAccess };
        await configure(host, setup);
        if (row.driver !== driver) await changeDriver(row.driver);
        await deploy('--restart-changed');
        seen.push(await reach(host, setup));
      }
      const [shim = {}, none = {}] = shimFirst ? seen : seen.reverse();
      const cells = Object.keys(WAYS).map((way) => [
        way,
        none[way] ? 'OK' : shim[way] ? 'shim' : '–',
      ]);
      expect(Object.fromEntries(cells)).toEqual(documented.get(column));
      for (const [way, answered] of Object.entries(none)) {
        if (answered) expect(shim[way], way).toBe(true);
      }
      expect(await inside('4001', 'ip -d link show lan0')).toContain(` ${driver} `);
    });

    test('network test says the same of an instance by ipvlan', async () => {
      const result = await ibq(host, ['network', 'test', '4001', '--json']);
      expect(result.exitCode, await told(host, result)).toBe(0);
      const { tries } = JSON.parse(result.stdout) as { tries: { id: string; result: string }[] };
      expect(Object.fromEntries(tries.map((it) => [it.id, it.result]))).toEqual({
        'host-loopback': 'pass',
        'host-address': 'pass',
        'host-shim': 'pass',
        'lan-allowed': 'pass',
        'lan-other': 'pass',
        'sibling-lan': 'pass',
        'sibling-bridge': 'pass',
        neighbour: 'pass',
        routed: 'pass',
        container: 'pass',
      });
    });

    test('a reboot brings all of it back, without a deploy', async () => {
      const before = await inForce();
      await host.reboot();
      await ibqOk(host, ['wait', '4001', '4002', '--timeout', '300']);
      expect(await inForce()).toEqual(before);
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do; 2 of 2 ready');
    });

    describe('a memory limit', () => {
      test('is in force', async () => {
        const pid = await containerPid(host, '4002');
        const limits = await host.ok(
          `cd /sys/fs/cgroup$(cut -d: -f3 /proc/${pid}/cgroup) && cat memory.max ../memory.max`,
        );
        expect(limits.split('\n')).toContain(String(MEMORY_MB * 1024 * 1024));
      });

      test('ends a gateway that goes beyond it, and status says so', async () => {
        await host.ok('podman kill --signal USR2 ib-gateway-4002');
        await until('it is ended', async () => {
          const state = await host.ok('systemctl show -P SubState ib-gateway@4002');
          return state.trim() === 'auto-restart';
        });
        const { ready, problems } = await statusOf(host, '4002');
        expect(ready).toBe(false);
        expect(problems.join('\n')).toContain(
          'the kernel ended a process of it, at its memory limit',
        );
        expect((await statusOf(host, '4001')).ready).toBe(true);
      });
    });

    describe('a WireGuard sidecar', () => {
      const PEER = '10.77.0.1';
      const OWN = '10.77.0.2';
      /** The other end has this address too, and nobody allows it. */
      const STRANGER = '10.77.0.3';

      beforeAll(async () => {
        await host.ok(SIDECAR_IMAGE);
        const [here, there] = [await keyPair(), await keyPair()];
        // The other end: a machine beyond the router of the LAN.
        await host.okIn(
          'wan1',
          `ip link add wg9 type wireguard && wg set wg9 listen-port 51820 private-key /dev/stdin peer ${here.public} allowed-ips ${OWN}/32 &&
           ip address add ${PEER}/24 dev wg9 && ip address add ${STRANGER}/24 dev wg9 && ip link set wg9 up`,
          { stdin: there.private },
        );
        await host.ok('podman secret create wireguard-key -', { stdin: here.private });
        await host.writeFile(
          '/etc/containers/systemd/wireguard.container',
          `[Container]
Image=localhost/wireguard
Exec=/bin/up ${there.public} ${FAR}:51820 ${OWN}/24
AddCapability=NET_ADMIN
Secret=wireguard-key,type=mount,target=/key,mode=0400
PublishPort=127.0.0.1:4001:4003
`,
        );
        await host.ok(
          `sed -i '1i network.via = "wireguard.container"' /etc/ibq/instances/4001.toml`,
        );
        // The port is the sidecar's to publish from now on.
        await host.ok("systemctl stop 'ib-gateway@4001.*'");
        setup = { mode: 'dual', driver: 'ipvlan', allow: [PEER] };
        await configure(host, setup);
        await deploy('--restart-changed');
      });

      test('gives the gateway its way out', async () => {
        expect(await inside('4001', 'ip -4 route get 198.51.100.1')).toContain(' dev wg0 ');
        const listener = `import socket; s=socket.create_server(("${PEER}", 6379)); c,a=s.accept(); c.send(a[0].encode())`;
        const client = `import socket; print(socket.create_connection(("${PEER}", 6379), 10).recv(99).decode())`;
        await host.okIn('wan1', `timeout 60 python3 -c '${listener}' >/dev/null 2>&1 & sleep 2`);
        expect((await inside('4001', `python3 -c '${client}'`)).trim()).toBe(OWN);
      });

      test('lets the host and the allowed machine at the other end in, and nobody else', async () => {
        expect(await statusOf(host, '4001')).toMatchObject({ ready: true, lan: null });
        const tries = [
          { place: 'host', target: '127.0.0.1:4001' },
          { place: 'wan1', target: `${OWN}:4003@${PEER}` },
          { place: 'wan1', target: `${OWN}:4003@${STRANGER}` },
          { place: '4002', target: `${OWN}:4003` },
        ];
        expect(await answers(host, tries)).toEqual([true, true, false, false]);
      });

      test('is left by taking it out', async () => {
        await host.ok(`sed -i '/^network.via/d' /etc/ibq/instances/4001.toml`);
        await host.ok('systemctl stop wireguard && rm /etc/containers/systemd/wireguard.container');
        setup = { mode: 'dual', driver: 'ipvlan' };
        await configure(host, setup);
        await deploy('--restart-changed');
        expect((await statusOf(host, '4001')).lan).not.toBeNull();
      });

      async function keyPair(): Promise<{ private: string; public: string }> {
        const secret = (await host.ok('wg genkey')).trim();
        return { private: secret, public: (await host.ok('wg pubkey', { stdin: secret })).trim() };
      }
    });

    test('a deploy in which the power is cut is finished by the next', async () => {
      await host.ok(`sed -i 's/^java_heap = .*/java_heap = 257/' /etc/ibq/instances/4002.toml`);
      await configure(host, { ...setup, allow: ['10.0.0.7', '10.0.0.8'] });
      await host.ok('sync');
      await host.cutPowerAt(/\] reload systemd/, ['ibq', 'deploy']);
      await ibqOk(host, ['wait', '4001', '--timeout', '300']);
      const { stderr } = await deploy();
      expect(stderr).toContain('2 of 2 ready');
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do; 2 of 2 ready');
      expect((await reach(host, setup))['other LAN client → LAN address']).toBe(true);
    });

    /** What `instance add` and `secret set` do, with fewer processes. */
    async function writeInstance(name: string, lines: readonly string[]): Promise<void> {
      const text = [...lines, 'user = "any"', 'image.profile = "simulator"', ''].join('\n');
      await host.writeFile(`/etc/ibq/instances/${name}.toml`, text);
      await host.ok(`printf any | podman secret create ibq-${name}-password -`);
    }

    /** The kernel gives an interface to one of the two. */
    async function changeDriver(to: string): Promise<void> {
      await ibqOk(host, ['stop', '4001', '4002']);
      driver = to;
    }

    async function inside(name: string, command: string): Promise<string> {
      return host.ok(`nsenter -t ${await containerPid(host, name)} -n ${command}`);
    }

    /** Addresses, routes and rules of the host and of its instances, as the kernel has them. */
    async function inForce(): Promise<Record<string, string>> {
      const here = 'ip -br address show ibqshim; ip route; nft list table inet ibq_host';
      const there = `sh -c 'ip -br link show lan0; ip -br address show lan0; ip route show dev lan0; nft list table inet ibq'`;
      return {
        host: await host.ok(here),
        '4001': await inside('4001', there),
        '4002': await inside('4002', there),
      };
    }

    async function deploy(...flags: string[]) {
      const result = await ibq(host, ['deploy', '--timeout', '300', ...flags]);
      expect(result.exitCode, await told(host, result)).toBe(0);
      return result;
    }
  },
  ['vm'],
);
