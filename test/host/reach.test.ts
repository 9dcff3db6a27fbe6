/** Who gets to a gateway: those it is published to, and nobody else. The IB API has no password. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { accountsAt } from './api-client.ts';
import {
  addGateway,
  addressOf,
  containerIds,
  containerPid,
  ibq,
  ibqOk,
  lanAddress,
  prepareHost,
  told,
} from './gateways.ts';
import { describeOnHosts, type Neighbour } from './harness.ts';

/** The argv that runs what follows in a network namespace of the host. */
type Place = [string, ...string[]];

const scanner = readFileSync(new URL('scan.mjs', import.meta.url), 'utf8');
const ALL_PORTS = ['1', '65535'] as const;
/** All that a gateway's image listens on, and its neighbourhood: a scan of all takes ten seconds. */
const LOW_PORTS = ['1', '6000'] as const;

describeOnHosts('reach', (host) => {
  /** Of the live instance 4001, whose relay listens on 4003. */
  let lan: string;
  let bridge: string;
  /** Containers that are not ibq's, by the Podman network they are on. */
  const strangers: Record<string, string> = {};

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { mode: 'paper' });
    await ibqOk(host, ['deploy']);
    lan = await lanAddress(host, '4001');
    bridge = await addressOf(host, '4001', 'pub0');
    await host.ok('podman network create other');
    for (const network of ['podman', 'other']) {
      const name = `stranger-on-${network}`;
      const image = 'localhost/ibq-simulator';
      await host.ok(`podman run -d --name ${name} --network ${network} ${image} sleep infinity`);
      strangers[network] = (await host.ok(`podman inspect -f '{{.State.Pid}}' ${name}`)).trim();
    }
    for (const client of ['lan1', 'lan2']) {
      await host.ok(`ip -n ${client} route add ${bridge}/32 via 10.0.0.5`);
    }
  });

  describe('a real client library gets its accounts and the next order id', () => {
    test.each([
      ['4001', /^U\d+$/],
      ['4002', /^DU\d+$/],
    ])('on the host, at 127.0.0.1:%s', async (port, account) => {
      const { accounts, nextOrderId } = await accountsAt(host, 'host', '127.0.0.1', Number(port));
      expect(accounts).toEqual([expect.stringMatching(account)]);
      expect(nextOrderId).toBe(1);
    });

    test('as an allowed LAN client, at the instance’s own LAN address', async () => {
      const { accounts } = await accountsAt(host, 'lan1', lan, 4003);
      expect(accounts).toEqual([expect.stringMatching(/^U\d+$/)]);
    });
  });

  test.each<[string, () => Place, () => string]>([
    ['the allowed LAN client', () => neighbour('lan1'), () => lan],
    ['the host', () => ['env'], () => bridge],
  ])('%s finds the API port open, and no other port', async (_who, place, address) => {
    expect(await scan(place(), address(), ALL_PORTS)).toEqual({ 4003: 'open' });
  });

  describe('nothing answers', () => {
    type Way = [string, () => Place | Promise<Place>, () => string | Promise<string>];

    test.each<Way>([
      ['a LAN client that is not allowed', () => neighbour('lan2'), () => lan],
      ['a neighbour that routes to the bridge', () => neighbour('lan2'), () => bridge],
      ['a sibling over the LAN', () => inGateway('4002'), () => lan],
      ['a sibling over the bridge', () => inGateway('4002'), () => bridge],
    ])('on any port, from %s', async (_who, place, address) => {
      expect(await scan(await place(), await address(), ALL_PORTS)).toEqual({});
    });

    test.each<Way>([
      ['the allowed LAN client, by the bridge', () => neighbour('lan1'), () => bridge],
      ['a client behind the LAN’s router', () => neighbour('wan1'), () => lan],
      ['a LAN client over IPv6', () => neighbour('lan2'), () => linkLocal('lan0', 'eth0')],
      ['a sibling over IPv6', () => inGateway('4002'), () => linkLocal('pub0', 'pub0')],
      ['Podman’s default network', () => inProcess(strangers.podman), () => bridge],
      ['another Podman bridge', () => inProcess(strangers.other), () => bridge],
      ['another Podman bridge, at the LAN address', () => inProcess(strangers.other), () => lan],
    ])('on any port up to 6000, from %s', async (_who, place, address) => {
      expect(await scan(await place(), await address(), LOW_PORTS)).toEqual({});
    });

    test('there is no IPv6 in a gateway at all', async () => {
      expect(await host.ok([...(await inGateway('4001')), 'ip', '-6', 'address'])).toBe('');
    });
  });

  test.each<Neighbour>(['lan1', 'lan2', 'wan1'])(
    'the published ports are closed on the host’s own addresses to %s',
    async (client) => {
      for (const address of ['10.0.0.5', '198.51.100.2']) {
        const answers = await scan(neighbour(client), address, ['4001', '4010']);
        expect(Object.values(answers)).not.toContain('open');
      }
    },
  );

  describe('a gateway with a rogue program in it', () => {
    /** The host by its addresses, loopback by the bridge among them; and a cloud's metadata beyond it. */
    const PLACES = ['bridge', 'uplink', 'loopback', 'metadata'] as const;
    let rogue: Place;
    const configure = (lines: string) =>
      host.writeFile('/etc/ibq/ibq.toml', `[network]\nallow = ["10.0.0.7"]\n${lines}`);

    beforeAll(async () => {
      const serve = (port: number) => `python3 -m http.server --directory /srv ${port}`;
      await host.ok(`
        systemd-run --quiet --unit service ${serve(8081)}
        systemd-run --quiet --unit metadata ip netns exec uplink ${serve(80)}
        ip -n uplink address add 169.254.169.254/32 dev eth0
        ip route add 169.254.169.254/32 via 198.51.100.1`);
      rogue = await inGateway('4001');
      // Its program can't do this: a container that somebody puts on the bridge by hand may.
      await host.ok([...rogue, 'sysctl', '-q', '-w', 'net.ipv4.conf.all.route_localnet=1']);
    });

    /** Where a server of the web answers. */
    async function reached(): Promise<string[]> {
      const gateway = (await host.ok([...rogue, 'sh', '-c', 'ip route show default']))
        .trim()
        .split(' ')[2];
      const targets: Record<(typeof PLACES)[number], string> = {
        bridge: `${gateway}:8081`,
        uplink: '198.51.100.2:8081',
        loopback: '127.0.0.9:8081',
        metadata: '169.254.169.254:80',
      };
      const way = `ip rule add pref 1 to 127.0.0.9 lookup 99; ip route add 127.0.0.9 via ${gateway} dev pub0 table 99
        ip rule del pref 0; ip rule add pref 2 lookup local`;
      const answers = await Promise.all(
        PLACES.map(async (place) => {
          const get = `timeout 6 bash -c 'exec 3<>/dev/tcp/${targets[place].replace(':', '/')}; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; grep -q HTTP <&3'`;
          const around = place === 'loopback' ? `${way}; ` : '';
          const { exitCode } = await host.run([...rogue, 'bash', '-c', around + get]);
          return exitCode === 0 ? [place] : [];
        }),
      );
      return answers.flat();
    }

    test('opens no service of this host, and not the metadata of its cloud', async () => {
      expect(await reached()).toEqual([]);
    });

    test('opens what was asked for, without a restart', async () => {
      const containers = await containerIds(host);
      await configure('host_services = ["8081"]\nlink_local = true\n');
      await ibqOk(host, ['deploy']);
      expect(await reached()).toEqual([...PLACES]);
      expect(await containerIds(host)).toEqual(containers);
    });

    test('a port of this host that is open is not that of the metadata', async () => {
      await configure('host_services = ["80", "8081"]\n');
      await ibqOk(host, ['deploy']);
      expect(await reached()).toEqual(['bridge', 'uplink', 'loopback']);
    });

    test('all of it was closed by those rules alone', async () => {
      await host.ok('nft flush chain inet ibq_host from_gateways');
      expect(await reached()).toEqual([...PLACES]);
      await configure('');
      await ibqOk(host, ['deploy']);
      expect(await reached()).toEqual([]);
    });
  });

  test('neighbours stay out when somebody flushes all rules of the host', async () => {
    await host.ok('nft flush ruleset');
    for (const address of [lan, bridge]) {
      expect(await scan(neighbour('lan2'), address, ['4001', '4004'])).toEqual({});
    }
  });

  // Last: or the silence above could be that of a wrong address.
  test('without its guard the gateway would have answered on each of these ways', async () => {
    await host.ok([...(await inGateway('4001')), 'nft', 'flush', 'ruleset']);
    const ways: [Place, string][] = [
      [neighbour('lan2'), lan],
      [neighbour('lan2'), bridge],
      [neighbour('lan1'), bridge],
      [await inGateway('4002'), lan],
      [await inGateway('4002'), bridge],
      [inProcess(strangers.podman), bridge],
      [inProcess(strangers.other), bridge],
    ];
    for (const [place, address] of ways) {
      const answers = await scan(place, address, ['4001', '4004']);
      expect(answers[4003], `${place.join(' ')} → ${address}`).toBe('open');
    }
  });

  describe('an instance without its rules does not start, and says why', () => {
    const rules = '/etc/ibq/current/guard/4002.nft';
    let right: string;

    beforeAll(async () => {
      right = await host.readFile(rules);
      await ibqOk(host, ['stop', '4002']);
    });

    test.each([
      ['missing', null, 'should hold its rules, is missing or empty'],
      ['empty', '', 'should hold its rules, is missing or empty'],
      ['broken', 'table inet ibq {', 'its rules could not be loaded'],
      [
        'without a chain that drops',
        'table inet ibq { }\n',
        'should make a chain input that drops',
      ],
    ])('%s', async (_what, text, reason) => {
      if (text === null) await host.ok(['rm', rules]);
      else await host.writeFile(rules, text);

      const result = await ibq(host, ['start', '4002']);
      expect(result.exitCode, await told(host, result)).toBe(1);
      expect(result.stderr).toContain('4002 did not start');
      expect(result.stderr).toContain(reason);
      expect(await host.ok('journalctl -u ib-gateway@4002 -n 20 -o cat')).toContain(reason);
      expect(Object.keys(await containerIds(host))).toEqual(['4001']);
      // It is tried again a minute later, in vain as well.
      await ibqOk(host, ['stop', '4002']);
    });

    test('with its rules it starts again', async () => {
      await host.writeFile(rules, right);
      // What the tests above have flushed.
      await host.ok('podman network reload --all');
      await ibqOk(host, ['start', '4002']);
      await ibqOk(host, ['wait', '4002', '--timeout', '300']);
    });
  });

  test('`systemctl start` of a mistyped name fails and leaves no container', async () => {
    const { exitCode } = await host.run('systemctl start ib-gateway@typo');
    expect(exitCode).not.toBe(0);
    expect(await host.ok('podman ps --all --format "{{.Names}}"')).not.toContain('typo');
    expect(await host.ok('podman volume ls --format "{{.Name}}"')).not.toContain('typo');
  });

  /** Which ports of an address give any sign of life, and which. */
  async function scan(
    place: Place,
    address: string,
    [from, to]: readonly [string, string],
  ): Promise<Record<string, string>> {
    const command: Place = [...place, 'node', '--input-type=module', '-', address, from, to];
    return JSON.parse(await host.ok(command, { stdin: scanner }));
  }

  function neighbour(name: Neighbour): Place {
    return ['ip', 'netns', 'exec', name];
  }

  async function inGateway(name: string): Promise<Place> {
    return inProcess(await containerPid(host, name));
  }

  function inProcess(pid: string | undefined): Place {
    if (pid === undefined) throw new Error('there should be a process to enter');
    return ['nsenter', '-t', pid, '-n'];
  }

  /** Where the gateway would be reached over IPv6, if it had that: fe80:: and its MAC (RFC 4291, appendix A). */
  async function linkLocal(device: 'lan0' | 'pub0', zone: string): Promise<string> {
    const command = [...(await inGateway('4001')), 'ip', '-j', 'link', 'show', device] as const;
    const [link] = JSON.parse(await host.ok(command)) as { address: string }[];
    const mac = link?.address ?? '';
    const [a = '', b = '', c = '', d = '', e = '', f = ''] = mac.split(':');
    const flipped = (Number.parseInt(a, 16) ^ 2).toString(16);
    return `fe80::${flipped}${b}:${c}ff:fe${d}:${e}${f}%${zone}`;
  }
});
