/** The LAN: the way out, addresses that never clash, the host among its instances, a changed network. */

import { beforeAll, describe, expect, test } from 'vitest';
import {
  addGateway,
  containerIds,
  containerPid,
  generation,
  ibq,
  ibqNetworks,
  ibqOk,
  lanAddress,
  prepareHost,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, type Neighbour } from './harness.ts';
import { answers, answersFrom, configure, FAR, HOST, type Setup } from './reachability.ts';

describeOnHosts('lan', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
  });

  describe('the way out', () => {
    test.each<[Setup, { device: string; source: string }]>([
      [{ mode: 'dual' }, { device: 'pub0', source: HOST }],
      [
        { mode: 'dual', egress: 'lan' },
        { device: 'lan0', source: 'instance' },
      ],
      [{ mode: 'bridge' }, { device: 'pub0', source: HOST }],
      [{ mode: 'lan' }, { device: 'lan0', source: 'instance' }],
    ])('%j: %j', async (setup, { device, source }) => {
      await configure(host, setup);
      await deploy('--restart-changed');
      expect(await defaultRoutes('4001')).toEqual([device]);
      const own = source === 'instance' ? await lanAddress(host, '4001') : source;
      expect(await seenFrom('4001')).toBe(own);
    });
  });

  test('ten restarts keep address, MAC and default route', async () => {
    await configure(host, { mode: 'dual' });
    await deploy('--restart-changed');
    const before = await inside('4001');
    expect(before.routes).toEqual(['pub0']);
    const containers = new Set<string | undefined>();
    for (let restart = 0; restart < 10; restart++) {
      await ibqOk(host, ['restart', '4001']);
      containers.add((await containerIds(host))['4001']);
      expect(await inside('4001')).toEqual(before);
    }
    expect(containers.size).toBe(10);
  });

  describe('addresses', () => {
    test('one that is in use on the LAN is not given out, nor the next; deploy says who has them', async () => {
      const mac = await neighbourMac('lan3');
      await removeAll();
      await host.ok(
        'for it in 192 194; do ip -n lan3 address add 10.0.0.$it/24 dev eth0; done; ip neigh flush all',
      );
      await addGateway(host, '4001', { mode: 'live' });
      const { stderr } = await deploy();
      // That of 4002, which is gone, waits for it while others are free.
      for (const address of ['10.0.0.192', '10.0.0.194']) {
        expect(stderr).toContain(`${address} is in use on the LAN by ${mac}; it is not given out`);
      }
      expect(await lanAddress(host, '4001')).toBe('10.0.0.195');
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    });

    test('one that somebody took in a time without a LAN is not given back', async () => {
      const mac = await neighbourMac('lan3');
      await configure(host, { mode: 'bridge' });
      await deploy('--restart-changed');
      await host.ok('ip -n lan3 address add 10.0.0.195/24 dev eth0');
      await configure(host, { mode: 'dual' });
      const { stderr } = await deploy('--restart-changed');
      expect(stderr).toContain(`10.0.0.195 is in use on the LAN by ${mac}; it is not given out`);
      expect(await lanAddress(host, '4001')).toBe('10.0.0.196');
    });

    test('a chosen one that is in use is refused before anything is touched', async () => {
      const before = [await generation(host), await containerIds(host)];
      await addGateway(host, 'chosen', { port: 4010, set: ['address=10.0.0.9'] });
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(78);
      expect(stderr).toContain(
        `chosen.toml: address: should be free, 10.0.0.9 is in use on the LAN by ${await neighbourMac('lan3')}`,
      );
      expect([await generation(host), await containerIds(host)]).toEqual(before);
    });

    test('a chosen one outside the range is had, and closed to the others all the same', async () => {
      await setKey('chosen', 'address', '"10.0.0.100"');
      await configure(host, { mode: 'dual', allow: ['10.0.0.0/24'] });
      await deploy();
      expect(await addressesOf('chosen')).toContain('10.0.0.100');
      expect(await isAnswered('lan2', '10.0.0.100:4004')).toBe(true);
      expect(await isAnswered('4001', '10.0.0.100:4004')).toBe(false);
      expect(await isAnswered('chosen', `${await lanAddress(host, '4001')}:4003`)).toBe(false);
    });

    test('a changed one waits for the restart, and until then nobody else gets the old one', async () => {
      await setKey('chosen', 'address', '"10.0.0.101"');
      const { stderr } = await deploy();
      expect(stderr).toContain(
        '~ chosen: a restart puts it into force (a new login, unless the session can be kept); address',
      );
      expect(stderr).toContain('~ 4001: addresses of other instances');
      expect(await addressesOf('chosen')).toContain('10.0.0.100');
      // Still a sibling by the address that it has.
      expect(await isAnswered('chosen', `${await lanAddress(host, '4001')}:4003`)).toBe(false);

      await addGateway(host, 'heir', { port: 4011, set: ['address=10.0.0.100'] });
      const refused = await ibq(host, ['deploy']);
      expect(refused.exitCode).toBe(78);
      expect(refused.stderr).toContain('run "sudo ibq stop chosen" first');

      await ibqOk(host, ['restart', 'chosen']);
      expect(await addressesOf('chosen')).toContain('10.0.0.101');
      // Somebody who knows the address by the MAC that had it; the kernel forgets such things by itself after a while.
      const { mac: old } = await inside('chosen');
      await host.ok(`ip -n lan2 neigh replace 10.0.0.100 lladdr ${old} dev eth0 nud reachable`);
      await deploy();
      expect(await addressesOf('heir')).toContain('10.0.0.100');
      // Who knew the address by the other's MAC has learned the new one.
      const { mac } = await inside('heir');
      expect(mac).not.toBe(old);
      expect(await host.ok('ip -n lan2 neigh show 10.0.0.100')).toContain(`lladdr ${mac} `);
    });
  });

  describe('names', () => {
    test('an instance reaches the database of the LAN by its name', async () => {
      await setKey('4001', 'hosts', '{ maindb = "10.0.0.9" }');
      await setKey('4001', 'dns', '["10.0.0.1"]');
      await deploy('--restart-changed');
      await host.okIn('lan3', `${LISTENER.replace('PORT', '5432')} >/run/maindb 2>&1 &`);
      const client = `require('net').connect(5432,'maindb').on('data',(it)=>console.log(String(it)))`;
      let heard = '';
      await until('maindb answers', async () => {
        const command = ['podman', 'exec', 'ib-gateway-4001', 'node', '-e', client] as const;
        heard = (await host.run(command)).stdout.trim();
        return heard !== '';
      });
      expect(heard).toBe(await lanAddress(host, '4001'));
      const read = (path: string) => host.ok(['podman', 'exec', 'ib-gateway-4001', 'cat', path]);
      expect(await read('/etc/hosts')).toMatch(/^10\.0\.0\.9\s+maindb$/m);
      expect(await read('/etc/resolv.conf')).toMatch(/^nameserver 10\.0\.0\.1$/m);
    });
  });

  describe('the host among its instances', () => {
    const there = async () => (await host.run('ip link show ibqshim')).exitCode === 0;
    const reached = async () => isAnswered('host', `${await lanAddress(host, '4001')}:4003`);

    test('an address of its own that is in use is refused', async () => {
      // The last of the /27 that init pinned.
      await host.ok('ip -n lan3 address add 10.0.0.223/24 dev eth0');
      await configure(host, { mode: 'dual', hostAccess: true });
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(78);
      expect(stderr).toContain('its last address should be free for the host');
      expect(stderr).toContain(`10.0.0.223 is in use on the LAN by ${await neighbourMac('lan3')}`);
      await host.ok('ip -n lan3 address del 10.0.0.223/24 dev eth0');
    });

    test('stays with a deploy that has nothing to do, and says nothing on the LAN for the host', async () => {
      await deploy();
      expect(await reached()).toBe(true);
      const index = await host.ok('cat /sys/class/net/ibqshim/ifindex');
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
      expect(await host.ok('cat /sys/class/net/ibqshim/ifindex')).toBe(index);
      expect(await host.ok('ip -6 address show dev ibqshim')).toBe('');
      const tested = await ibq(host, ['network', 'test', '4001']);
      expect(tested.exitCode, await told(host, tested)).toBe(0);
      const own = await host.ok('cat /sys/class/net/eth1/address');
      await host.ok('ip -n lan1 neigh flush all');
      await host.okIn('lan1', ['ping', '-c1', HOST]);
      expect(await host.ok(`ip -n lan1 neigh show ${HOST}`)).toContain(own.trim());
    });

    test('is mended by a deploy when somebody deletes it', async () => {
      await host.ok('ip link delete ibqshim');
      const { stderr } = await deploy();
      expect(stderr).toContain("set up the host's address among the instances");
      expect(await reached()).toBe(true);
    });

    test('no other container gets to an instance through it', async () => {
      const image = 'localhost/ibq-simulator';
      await host.ok(`podman run -d --name stranger ${image} sleep infinity`);
      const pid = (await host.ok(`podman inspect -f '{{.State.Pid}}' stranger`)).trim();
      const target = `${await lanAddress(host, '4001')}:4003`;
      expect(await answersFrom(host, [`/proc/${pid}/ns/net=${target}`])).toEqual([false]);
      await host.ok('podman rm -f -t 0 stranger');
    });

    test('no instance stops when the units of rules and shim are restarted or stopped', async () => {
      const before = await containerIds(host);
      for (const verb of ['restart', 'stop']) {
        for (const unit of ['ibq-shim', 'ibq-host-rules']) {
          await host.ok(['systemctl', verb, unit]);
          expect(await containerIds(host), `${verb} ${unit}`).toEqual(before);
        }
      }
      expect(await there()).toBe(false);
      await deploy();
      expect(await containerIds(host)).toEqual(before);
      expect(await reached()).toBe(true);
    });

    test('is there after a reboot', async () => {
      await host.reboot();
      await ibqOk(host, ['wait', '4001', '--timeout', '300']);
      await until('ibqshim is there', there);
      expect(await reached()).toBe(true);
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    });

    test('goes when it is turned off', async () => {
      await configure(host, { mode: 'dual' });
      await deploy();
      expect(await there()).toBe(false);
      expect(await reached()).toBe(false);
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    });
  });

  describe('a changed network', () => {
    test('moves the instances one restart at a time; the host reaches both sorts in between', async () => {
      await configure(host, { mode: 'dual', hostAccess: true });
      await deploy();
      const old = await lanAddress(host, '4001');
      const other = await lanAddress(host, 'heir');
      await host.ok(`sed -i 's|^range = .*|range = "10.0.0.64/27"|' /etc/ibq/network.toml`);
      const { stderr } = await deploy();
      expect(stderr).toMatch(/sudo ibq restart .*4001/);
      expect(await addressesOf('4001')).toContain(old);
      for (const target of [`${old}:4003`, `${other}:4004`]) {
        expect(await isAnswered('host', target), target).toBe(true);
      }
      await ibqOk(host, ['restart', '4001']);
      await ibqOk(host, ['wait', '4001']);
      const moved = await lanAddress(host, '4001');
      expect(moved).toMatch(/^10\.0\.0\.(6[4-9]|[78]\d|9[0-4])$/);
      for (const target of [`${moved}:4003`, `${other}:4004`]) {
        expect(await isAnswered('host', target), target).toBe(true);
      }
      await deploy('--restart-changed');
      const lans = (await ibqNetworks(host)).filter((name) => name.startsWith('ibq-lan-'));
      expect(lans).toHaveLength(1);
    });

    test('another driver is refused while instances run by the present one', async () => {
      const before = [await generation(host), await containerIds(host)];
      await host.ok(`sed -i 's|^driver = .*||; $a driver = "ipvlan"' /etc/ibq/network.toml`);
      const { exitCode, stderr } = await ibq(host, ['deploy', '--restart-changed']);
      expect(exitCode).toBe(78);
      expect(stderr).toContain('network.driver: should be macvlan while instances run with it');
      expect([await generation(host), await containerIds(host)]).toEqual(before);
      await host.ok(`sed -i 's|^driver = .*|driver = "macvlan"|' /etc/ibq/network.toml`);
    });

    test('its interface renamed: an error before anything is touched', async () => {
      const before = [await generation(host), await containerIds(host), await ibqNetworks(host)];
      await host.ok('ip link set eth1 down; ip link set eth1 name lan9; ip link set lan9 up');
      await setKey('4001', 'java_heap', '1024');
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(78);
      expect(stderr).toMatch(
        /network\.interface: should be an interface of this host .*eth1 is gone/,
      );
      expect([await generation(host), await containerIds(host), await ibqNetworks(host)]).toEqual(
        before,
      );
      await host.ok('ip link set lan9 down; ip link set lan9 name eth1');
      const down = await ibq(host, ['deploy', '--restart-changed']);
      expect(down.exitCode).toBe(69);
      expect(down.stderr).toContain('eth1');
      await host.ok('ip link set eth1 up');
      const operstate = () => host.ok('cat /sys/class/net/eth1/operstate');
      await until('eth1 is up', async () => (await operstate()).trim() === 'up');
      await deploy('--restart-changed');
    });

    test('one that nothing uses any more goes wholly', async () => {
      await removeKey('chosen', 'address');
      await removeKey('heir', 'address');
      await configure(host, { mode: 'bridge' });
      await deploy('--restart-changed');
      expect(await ibqNetworks(host)).toEqual([expect.stringMatching(/^ibq-publish-/)]);
      expect(
        await host.ok(
          'systemctl list-units --all --plain --no-legend "ibq-lan-*" | grep -v " not-found inactive" || true',
        ),
      ).toBe('');
      expect((await statusOf(host, '4001')).lan).toBeNull();
    });
  });

  async function deploy(...flags: string[]) {
    const result = await ibq(host, ['deploy', ...flags]);
    expect(result.exitCode, await told(host, result)).toBe(0);
    return result;
  }

  async function removeAll(): Promise<void> {
    await configure(host, { mode: 'dual' });
    for (const name of ['4001', '4002']) await ibqOk(host, ['instance', 'remove', name]);
    // Twice: addresses of removed instances are free in the next generation.
    await deploy('-y');
    await deploy('-y');
  }

  /** Whether the one at `place` gets an answer from `ADDRESS:PORT`. */
  async function isAnswered(place: string, target: string): Promise<boolean> {
    return (await answers(host, [{ place, target }]))[0] === true;
  }

  async function defaultRoutes(name: string): Promise<string[]> {
    const command = ['nsenter', '-t', await containerPid(host, name), '-n'] as const;
    const routes = JSON.parse(await host.ok([...command, 'ip', '-j', 'route', 'show', 'default']));
    return (routes as { dev: string }[]).map(({ dev }) => dev);
  }

  /** Addresses and MAC on the LAN, and where the default route leads. */
  async function inside(name: string) {
    const command = ['nsenter', '-t', await containerPid(host, name), '-n'] as const;
    const [link] = JSON.parse(
      await host.ok([...command, 'ip', '-j', 'address', 'show', 'lan0']),
    ) as {
      address: string;
      addr_info: { local: string }[];
    }[];
    const addresses = link?.addr_info.map(({ local }) => local);
    return { mac: link?.address, addresses, routes: await defaultRoutes(name) };
  }

  async function addressesOf(name: string): Promise<string[]> {
    return (await inside(name)).addresses ?? [];
  }

  /** The address by which a machine beyond the router knows an instance. */
  async function seenFrom(name: string): Promise<string> {
    await host.okIn('wan1', `${LISTENER.replace('PORT', '7777')} >/dev/null 2>&1 &`);
    const client = `require('net').connect(7777,'${FAR}').on('data',(it)=>console.log(String(it))).on('error',()=>{})`;
    const enter = ['nsenter', '-t', await containerPid(host, name), '-n'] as const;
    let heard = '';
    await until('the machine beyond the router answers', async () => {
      heard = (await host.run([...enter, 'timeout', '3', host.node, '-e', client])).stdout.trim();
      return heard !== '';
    });
    return heard;
  }

  async function neighbourMac(name: Neighbour): Promise<string> {
    return (await host.okIn(name, 'cat /sys/class/net/eth0/address')).trim();
  }

  /** Sets a top-level key of an instance's file. */
  async function setKey(name: string, key: string, value: string): Promise<void> {
    await removeKey(name, key);
    await host.ok(['sed', '-i', `1i ${key} = ${value}`, `/etc/ibq/instances/${name}.toml`]);
  }

  async function removeKey(name: string, key: string): Promise<void> {
    await host.ok(['sed', '-i', `/^${key} = /d`, `/etc/ibq/instances/${name}.toml`]);
  }
});

/** Tells one client which address it has, and ends. */
const LISTENER = `timeout 60 node -e "require('net').createServer((it)=>{it.end(it.remoteAddress.replace('::ffff:',''));process.exitCode=0;setTimeout(()=>process.exit(),200)}).listen(PORT)"`;
