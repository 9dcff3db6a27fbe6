/** The main job, from nothing, and what every later deploy may and may not touch. */

import { beforeAll, expect, test } from 'vitest';
import { misfits } from '../schema/validate.ts';
import { openSession } from './api-client.ts';
import {
  ALLOWED,
  addArguments,
  addGateway,
  allow,
  containerIds,
  generation,
  ibqNetworks,
  lanAddress,
  lastReload,
  setPassword,
  status,
  statusOf,
  sudoIbq,
  sudoIbqOk,
  told,
} from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';

describeOnHosts('deploy', (host) => {
  beforeAll(async () => {
    await Promise.all([installIbq(host, { node: 'debian' }), installSimulator(host)]);
  });

  test('init detects and pins the private network', async () => {
    const { stdout } = await sudoIbqOk(host, ['init']);
    expect(stdout).toMatch(/^interface\s+eth1\b/m);
    expect(await host.readFile('/etc/ibq/network.toml')).toMatch(/^interface = "eth1"$/m);
    await allow(host, [ALLOWED]);
  });

  test('an instance without its password is refused, with the command that sets it', async () => {
    await sudoIbqOk(host, addArguments('4001', { mode: 'live' }));
    await sudoIbqOk(host, addArguments('4002', { mode: 'paper' }));
    await sudoIbqOk(host, addArguments('research', { mode: 'paper', port: 4010 }));
    const { exitCode, stderr } = await sudoIbq(host, ['deploy']);
    expect(exitCode).toBe(78);
    for (const name of ['4001', '4002', 'research']) {
      expect(stderr).toContain(`run "sudo ibq secret set ${name} password"`);
    }
    expect(await host.ok('ls /etc/ibq')).toBe('ibq.toml\ninstances\nnetwork.toml\n');
  });

  test('three instances, from nothing to answering the API, by one `sudo ibq deploy`', async () => {
    for (const name of ['4001', '4002', 'research']) await setPassword(host, name);
    const result = await sudoIbq(host, ['deploy']);
    expect(result.exitCode, await told(host, result)).toBe(0);
    expect(result.stderr).toContain('3 of 3 ready');

    const lines = (await sudoIbqOk(host, ['status'])).stdout.trim().split('\n');
    expect(lines.map((line) => line.split('\t'))).toEqual([
      [
        '4001',
        'live',
        '127.0.0.1:4001',
        '10.0.0.192:4003',
        'active',
        expect.any(String),
        'handshake',
        'ready',
      ],
      [
        '4002',
        'paper',
        '127.0.0.1:4002',
        '10.0.0.193:4004',
        'active',
        expect.any(String),
        'handshake',
        'ready',
      ],
      [
        'research',
        'paper',
        '127.0.0.1:4010',
        '10.0.0.194:4004',
        'active',
        expect.any(String),
        'handshake',
        'ready',
      ],
    ]);
  });

  test('status --json has the contract’s shape, and says what Podman and systemd say', async () => {
    const ids = await containerIds(host);
    const { schemaVersion, instances } = await status(host);
    expect(misfits('status', { schemaVersion, instances })).toEqual([]);
    expect(instances.map(({ name }) => name)).toEqual(['4001', '4002', 'research']);
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(instances[0]).toEqual({
      name: '4001',
      mode: 'live',
      profile: 'simulator',
      image: 'localhost/ibq-simulator:latest',
      imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      publish: '127.0.0.1:4001',
      lan: {
        address: '10.0.0.192',
        // Locally administered, one machine's.
        mac: expect.stringMatching(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/),
        port: 4003,
      },
      unit: { active: 'active', sub: 'running', result: 'success', since: timestamp },
      container: { id: ids['4001'], state: 'running', startedAt: timestamp },
      api: {
        state: 'handshake',
        serverVersion: expect.any(Number),
        accounts: [],
        latencyMs: expect.any(Number),
        detail: expect.any(String),
      },
      services: [
        {
          service: 'api',
          half: 'live',
          publish: '127.0.0.1:4001',
          lan: '10.0.0.192:4003',
          state: 'handshake',
          word: 'ready',
        },
      ],
      tunnels: [],
      ready: true,
      word: 'ready',
      // Its API answers: nobody reads its log.
      stage: null,
      since: null,
      attempts: null,
      pendingRestart: false,
      problems: [],
    });
    expect(new Set(instances.map(({ lan }) => lan?.mac)).size).toBe(3);
  });

  test('a published port answers on loopback only', async () => {
    const listening = await host.ok("ss -Htln | awk '{print $4}'");
    const open = listening.split('\n').filter((address) => /:40\d\d$/.test(address));
    expect(open.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('deployed again: no new generation, no reload, no restart, exit 0', async () => {
    const before = await everything();
    const result = await sudoIbqOk(host, ['deploy']);
    expect(result.stderr).toContain('nothing to do; 3 of 3 ready');
    expect(await everything()).toEqual(before);
    // The proof that a reload would have been seen.
    await host.ok('systemctl daemon-reload');
    expect(await lastReload(host)).not.toBe(before.reloaded);
  });

  test('a reload by somebody else changes nothing either', async () => {
    const before = await everything();
    await sudoIbqOk(host, ['deploy']);
    expect(await everything()).toEqual(before);
  });

  test('a new instance: only it starts', async () => {
    const before = await everything();
    await addGateway(host, 'fourth', { port: 4020 });
    const { stderr } = await sudoIbqOk(host, ['deploy']);
    expect(stderr).toContain('4 of 4 ready');
    const after = await everything();
    expect(after.generation).not.toBe(before.generation);
    expect(after.containers).toEqual({ ...before.containers, fourth: expect.any(String) });
    expect(after.lan).toEqual({ ...before.lan, fourth: expect.stringContaining('10.0.0.195') });
  });

  test('a changed setting waits for a restart, and says so', async () => {
    const before = await everything();
    await host.ok("sed -i '1i java_heap = 1024' /etc/ibq/instances/4002.toml");
    const { stderr } = await sudoIbqOk(host, ['deploy']);
    expect(stderr).toMatch(/~ 4002: a restart .*; java_heap$/m);
    expect(stderr).toContain('sudo ibq restart 4002');
    expect((await everything()).containers).toEqual(before.containers);

    expect((await sudoIbqOk(host, ['status'])).stdout).toMatch(
      /^4002\t.*ready \(changed, needs a restart\)$/m,
    );
    const { instances } = await status(host);
    expect(instances.filter((it) => it.pendingRestart).map(({ name }) => name)).toEqual(['4002']);
  });

  test('the pending restart is said again by the next deploy, which does nothing', async () => {
    const before = await everything();
    const { stderr } = await sudoIbqOk(host, ['deploy']);
    expect(stderr).toContain('sudo ibq restart 4002');
    expect(await everything()).toEqual(before);
  });

  test('allowed clients change at once, also where an older definition runs; sessions stay open', async () => {
    const before = await everything();
    const pending = await lanAddress(host, '4002');
    const settled = await lanAddress(host, 'research');
    const sessions = await Promise.all([
      openSession(host, 'lan1', pending, 4004),
      openSession(host, 'lan1', settled, 4004),
    ]);
    try {
      expect(await opens('lan2', pending)).toBe(false);
      expect(await opens('lan2', settled)).toBe(false);

      await allow(host, [ALLOWED, '10.0.0.8']);
      await sudoIbqOk(host, ['deploy']);
      expect(await opens('lan2', pending)).toBe(true);
      expect(await opens('lan2', settled)).toBe(true);

      await allow(host, ['10.0.0.8']);
      await sudoIbqOk(host, ['deploy']);
      expect(await opens('lan1', pending)).toBe(false);
      expect(await opens('lan1', settled)).toBe(false);
      for (const session of sessions) await session.expectAlive();
      expect((await everything()).containers).toEqual(before.containers);
    } finally {
      for (const session of sessions) await session.end();
    }
    await allow(host, [ALLOWED]);
    await sudoIbqOk(host, ['deploy']);
    expect(await opens('lan2', settled)).toBe(false);
    expect((await statusOf(host, '4002')).pendingRestart).toBe(true);
  });

  test('`ibq restart` puts the change into force, of that instance alone', async () => {
    const before = await everything();
    const { stderr } = await sudoIbqOk(host, ['restart', '4002']);
    expect(stderr).toMatch(/restarting 4002: .*second factor/);
    await sudoIbqOk(host, ['wait', '4002', '--timeout', '300']);
    const after = await everything();
    expect(after.containers['4002']).not.toBe(before.containers['4002']);
    expect({ ...after.containers, '4002': '' }).toEqual({ ...before.containers, '4002': '' });
    expect(after.lan).toEqual(before.lan);
    expect((await statusOf(host, '4002')).pendingRestart).toBe(false);
    expect(await host.ok('podman exec ib-gateway-4002 env')).toContain('JAVA_HEAP_SIZE=1024');
  });

  test('a changed LAN: the new network stands beside the old, and instances move one by one', async () => {
    const before = await ibqNetworks(host);
    await host.ok('sed -i \'s|^range = .*|range = "10.0.0.128/25"|\' /etc/ibq/network.toml');
    const { stderr } = await sudoIbqOk(host, ['deploy']);
    expect(stderr).toContain('sudo ibq restart 4001 4002 fourth research');
    const running = await everything();

    await sudoIbqOk(host, ['restart', '4001']);
    await sudoIbqOk(host, ['wait', '4001']);
    expect((await everything()).lan).toEqual(running.lan);
    const between = await ibqNetworks(host);
    expect(between.filter((name) => name.startsWith('ibq-lan-'))).toHaveLength(2);
    expect(between).toEqual(expect.arrayContaining(before));

    const finished = await sudoIbqOk(host, ['deploy', '--restart-changed']);
    expect(finished.stderr).toContain('4 of 4 ready');
    const networks = await ibqNetworks(host);
    expect(networks.filter((name) => name.startsWith('ibq-lan-'))).toHaveLength(1);
    expect(networks).not.toEqual(before);
    expect((await everything()).lan).toEqual(running.lan);
  });

  test('a removed instance: only it stops, and its files go', async () => {
    const before = await everything();
    await sudoIbqOk(host, ['instance', 'remove', 'fourth']);
    const asked = await sudoIbq(host, ['deploy']);
    expect(asked.exitCode).toBe(64);
    expect(asked.stderr).toContain(
      'fourth: no longer configured, and it runs; stop and remove it?',
    );
    expect(asked.stderr).toContain('pass -y');
    expect((await everything()).containers).toEqual(before.containers);
    await sudoIbqOk(host, ['deploy', '-y']);

    const { fourth, ...others } = before.containers;
    expect(fourth).toBeDefined();
    expect((await everything()).containers).toEqual(others);
    expect(
      await host.ok('find /etc/ibq/current/ /run/systemd/generator/ | grep fourth || true'),
    ).toBe('');
    expect(
      await host.ok('systemctl list-units --all --plain --no-legend "ib-gateway@fourth*"'),
    ).toBe('');
  });

  test('its volume and its secrets stay until --purge', async () => {
    expect(await leftOf('fourth')).toEqual({ volumes: 1, secrets: 1 });
    await sudoIbqOk(host, ['instance', 'remove', 'fourth', '--purge']);
    expect(await leftOf('fourth')).toEqual({ volumes: 0, secrets: 0 });
    expect(await leftOf('research')).toEqual({ volumes: 1, secrets: 1 });
  });

  test('with the last instance go the networks that nothing uses', async () => {
    for (const name of ['4001', '4002', 'research'])
      await sudoIbqOk(host, ['instance', 'remove', name]);
    const result = await sudoIbq(host, ['deploy', '-y']);
    expect(result.exitCode, await told(host, result)).toBe(0);
    expect(await containerIds(host)).toEqual({});
    expect(await ibqNetworks(host)).toEqual([]);
    expect(await host.ok('systemctl list-units --plain --no-legend "ibq-*-network.service"')).toBe(
      '',
    );
    expect(await host.ok('systemctl --failed --plain --no-legend')).toBe('');
  });

  /** What a deploy that has nothing to do must leave alone. */
  async function everything() {
    const [containers, current, reloaded, { instances }] = await Promise.all([
      containerIds(host),
      generation(host),
      lastReload(host),
      status(host),
    ]);
    const lan = instances.map(({ name, lan }) => [name, `${lan?.address} ${lan?.mac}`]);
    return { containers, generation: current, reloaded, lan: Object.fromEntries(lan) };
  }

  /** Whether a client gets a connection to a paper instance. */
  async function opens(from: 'lan1' | 'lan2', address: string): Promise<boolean> {
    return (await host.runIn(from, `timeout 1 bash -c '</dev/tcp/${address}/4004'`)).exitCode === 0;
  }

  async function leftOf(name: string) {
    const secrets = await host.ok(['podman', 'secret', 'ls', '--format', '{{.Name}}']);
    const volumes = await host.ok(['podman', 'volume', 'ls', '--format', '{{.Name}}']);
    const count = (list: string) => list.split('\n').filter((it) => it.includes(`-${name}`)).length;
    return { volumes: count(volumes), secrets: count(secrets) };
  }
});
