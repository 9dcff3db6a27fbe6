/** Networks of the user's own: a joined one, a sidecar's, and this host as the router to the LAN. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  addGateway,
  containerPid,
  ibq,
  ibqOk,
  prepareHost,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts } from './harness.ts';

const prober = readFileSync(new URL('answers.mjs', import.meta.url), 'utf8');
const image = 'localhost/ibq-simulator';

describeOnHosts('attached networks', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
  });

  describe('a joined network', () => {
    test('that is not there is refused, with what mends it; nothing is changed', async () => {
      await allow('"10.0.0.7"');
      await setNetwork('4001', 'join = ["trader.network"]');
      await host.writeFile('/etc/containers/systemd/trader.network', '[Network]\n');
      await host.ok('systemctl daemon-reload');
      const refused = await ibq(host, ['deploy']);
      expect(refused.exitCode).toBe(78);
      expect(refused.stderr).toContain(
        'network.join: trader.network should be there, Podman has no network systemd-trader yet; run "sudo systemctl start trader-network.service" first',
      );
      await host.ok('systemctl start trader-network.service');
    });

    test('is there, and its containers get in only when it is allowed', async () => {
      await ibqOk(host, ['deploy']);
      await host.ok(`podman run -d --name client --network systemd-trader ${image} sleep infinity`);
      const way = 'ib-gateway-4001:4003';
      expect(
        await host.ok('podman exec client getent hosts ib-gateway-4001 || true'),
      ).toBeDefined();
      expect(await answersIn('client', await joinAddress('4001'))).toBe(false);
      await allow('"10.0.0.7", "trader.network"');
      await ibqOk(host, ['deploy']);
      expect((await statusOf(host, '4001')).pendingRestart).toBe(false);
      expect(await answersIn('client', await joinAddress('4001'))).toBe(true);
      expect(await answersIn('client', way)).toBe(true);
    });

    test('stays closed to other containers and to neighbours that route there', async () => {
      await host.ok(`podman run -d --name stranger ${image} sleep infinity`);
      const at = await joinAddress('4001');
      expect(await answersIn('stranger', at)).toBe(false);
      const subnet = at.replace(/\.\d+:\d+$/, '.0/24');
      await host.okIn('lan2', `ip route replace ${subnet} via 10.0.0.5`);
      expect(await answers(['ip', 'netns', 'exec', 'lan2'], at)).toBe(false);
    });

    test('leaves the way out as it was, at ten starts', async () => {
      const routes: string[] = [];
      for (let start = 0; start < 10; start += 1) {
        await ibqOk(host, ['restart', '4001']);
        const enter = ['nsenter', '-t', await containerPid(host, '4001'), '-n'] as const;
        routes.push((await host.ok([...enter, 'ip', '-4', 'route', 'show', 'default'])).trim());
      }
      expect(new Set(routes).size).toBe(1);
      expect(routes[0]).toMatch(/^default via \S+ dev pub0/);
    });

    test('is left again by taking it out, at the next restart', async () => {
      await allow('"10.0.0.7"');
      await setNetwork('4001', null);
      await ibqOk(host, ['deploy', '--restart-changed']);
      const enter = ['nsenter', '-t', await containerPid(host, '4001'), '-n'] as const;
      expect(await host.ok([...enter, 'ip', '-o', 'link'])).not.toContain('join0');
    });
  });

  describe("a sidecar's network", () => {
    const sidecar = (...lines: string[]) =>
      host.writeFile(
        '/etc/containers/systemd/tunnel.container',
        `[Container]\nImage=${image}\nExec=sleep infinity\n${lines.map((line) => `${line}\n`).join('')}`,
      );

    test('has to publish the port: only it can', async () => {
      await sidecar();
      await setNetwork('4001', 'via = "tunnel.container"');
      const refused = await ibq(host, ['deploy']);
      expect(refused.exitCode).toBe(78);
      expect(refused.stderr).toContain('add PublishPort=127.0.0.1:4001:4003');
    });

    test('is where the gateway lives then', async () => {
      await ibqOk(host, ['stop', '4001']);
      await sidecar('PublishPort=127.0.0.1:4001:4003');
      const deployed = await ibq(host, ['deploy']);
      expect(deployed.exitCode, await told(host, deployed)).toBe(0);
      expect(await statusOf(host, '4001')).toMatchObject({
        ready: true,
        publish: '127.0.0.1:4001',
        lan: null,
      });
      const own = await host.ok(['readlink', `/proc/${await containerPid(host, '4001')}/ns/net`]);
      const pid = (await host.ok('podman inspect --format {{.State.Pid}} systemd-tunnel')).trim();
      expect(await host.ok(['readlink', `/proc/${pid}/ns/net`])).toBe(own);
    });

    test('is closed to other containers and to neighbours that route there', async () => {
      const inspect = 'podman inspect --format "{{.NetworkSettings.IPAddress}}" systemd-tunnel';
      const at = `${(await host.ok(inspect)).trim()}:4003`;
      expect(at).toMatch(/^10\.88\./);
      expect(await answersIn('client', at)).toBe(false);
      expect(await answersIn('stranger', at)).toBe(false);
      await host.okIn('lan2', 'ip route replace 10.88.0.0/16 via 10.0.0.5');
      expect(await answers(['ip', 'netns', 'exec', 'lan2'], at)).toBe(false);
      expect(await answers(['env'], '127.0.0.1:4001')).toBe(true);
    });

    test('network show and network test tell how it is', async () => {
      const shown = JSON.parse((await ibqOk(host, ['network', 'show', '--json'])).stdout);
      expect(shown.instances[0]).toMatchObject({ name: '4001', problems: [], rules: 'in-force' });
      const tested = await ibq(host, ['network', 'test', '4001']);
      expect(tested.exitCode, await told(host, tested)).toBe(0);
    });

    test('comes back after a reboot, the sidecar first', async () => {
      await host.reboot();
      await until('both answer', async () => {
        const states = await Promise.all(['4001', '4002'].map((name) => statusOf(host, name)));
        return states.every(({ ready }) => ready);
      });
    });

    test('is left by taking it out', async () => {
      await setNetwork('4001', null);
      await host.ok('systemctl stop tunnel.service');
      await host.ok('rm /etc/containers/systemd/tunnel.container');
      await ibqOk(host, ['deploy', '--restart-changed']);
      expect((await statusOf(host, '4001')).lan).not.toBeNull();
    });
  });

  describe('this host as the router', () => {
    const listener = `timeout 60 node -e "require('net').createServer((it)=>it.end(it.remoteAddress.replace('::ffff:',''))).listen(7777)"`;

    /** The address by which a machine of the LAN knows the instance; empty: no answer came back. */
    async function seenByLan(): Promise<string> {
      const client = `require('net').connect(7777,'10.0.0.7').on('data',(it)=>console.log(String(it))).on('error',()=>{})`;
      const enter = ['nsenter', '-t', await containerPid(host, '4001'), '-n'] as const;
      return (await host.run([...enter, 'timeout', '3', host.node, '-e', client])).stdout.trim();
    }

    test('masquerading is the default: the LAN sees the host', async () => {
      await host.okIn('lan1', `${listener} >/dev/null 2>&1 &`);
      await bridge('');
      await until('the LAN answers', async () => (await seenByLan()) === '10.0.0.5');
    });

    test('without it the LAN sees the instance, and needs a route', async () => {
      await bridge('masquerade = false\n');
      expect(await seenByLan()).toBe('');
      const enter = ['nsenter', '-t', await containerPid(host, '4001'), '-n'] as const;
      const [own = ''] =
        /10\.89\.\d+\.\d+/.exec(await host.ok([...enter, 'ip', '-4', '-o', 'a'])) ?? [];
      await host.okIn('lan1', `ip route replace ${own.replace(/\.\d+$/, '.0/24')} via 10.0.0.5`);
      expect(await seenByLan()).toBe(own);
    });

    test('nobody of the LAN gets in by that route', async () => {
      const enter = ['nsenter', '-t', await containerPid(host, '4001'), '-n'] as const;
      const [own = ''] =
        /10\.89\.\d+\.\d+/.exec(await host.ok([...enter, 'ip', '-4', '-o', 'a'])) ?? [];
      expect(await answers(['ip', 'netns', 'exec', 'lan1'], `${own}:4003`)).toBe(false);
    });

    async function bridge(line: string): Promise<void> {
      await host.writeFile(
        '/etc/ibq/ibq.toml',
        `[network]\nmode = "bridge"\nallow = ["10.0.0.7"]\n${line}`,
      );
      await ibqOk(host, ['deploy', '--restart-changed']);
    }
  });

  async function allow(clients: string): Promise<void> {
    await host.writeFile('/etc/ibq/ibq.toml', `[network]\nallow = [${clients}]\n`);
  }

  /** The `[network]` of an instance; null: none. */
  async function setNetwork(name: string, line: string | null): Promise<void> {
    const file = `/etc/ibq/instances/${name}.toml`;
    await host.ok(`sed -i '/^\\[network\\]/,$d' ${file}`);
    if (line !== null)
      await host.ok(['bash', '-c', 'printf "[network]\\n%s\\n" "$1" >>"$2"', 'add', line, file]);
  }

  async function joinAddress(name: string): Promise<string> {
    const enter = ['nsenter', '-t', await containerPid(host, name), '-n'] as const;
    const text = await host.ok([...enter, 'ip', '-4', '-o', 'address', 'show', 'join0']);
    return `${/inet ([\d.]+)/.exec(text)?.[1]}:4003`;
  }

  async function answersIn(container: string, target: string): Promise<boolean> {
    return answers(['podman', 'exec', '-i', container], target);
  }

  async function answers(enter: readonly string[], target: string): Promise<boolean> {
    const [program = 'env', ...rest] = enter;
    const argv = [program, ...rest, 'node', '--input-type=module', '-', target] as const;
    const seen = JSON.parse(await host.ok(argv, { stdin: prober })) as Record<string, boolean>;
    return seen[target] === true;
  }
});
