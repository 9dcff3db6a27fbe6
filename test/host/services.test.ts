/** What an instance has beside one API: the second of mode both, its screen, its share of the host. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountsAt } from './api-client.ts';
import {
  addGateway,
  containerIds,
  containerPid,
  generation,
  ibq,
  ibqOk,
  lanAddress,
  prepareHost,
  setSecret,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, installSimulator, type RunResult } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

/** Live and paper in one container, with VNC; limits of every kind. */
const DUO = {
  mode: 'both',
  port: 4101,
  set: [
    'paper_user=paper_duo',
    'vnc.enabled=true',
    'memory=2048',
    'cpus=1.5',
    'shm_size=96',
    'stop_timeout=45',
    'environment.SIMULATOR_SECOND_START_SECONDS=1',
    // IBC's STOP ends one of the two.
    'environment.SIMULATOR_COMMAND_PORT=7462',
  ],
} as const;

describeOnHosts('services', (host) => {
  let lan: string;
  const ibkr = new HostIbkr(host);
  afterAll(() => ibkr.close());

  beforeAll(async () => {
    await prepareHost(host);
    await ibkr.listen();
    await addGateway(host, 'duo', DUO);
    await setSecret(host, 'duo', 'paper_password', 'any');
    await setSecret(host, 'duo', 'vnc_password', 'screen');
    await addGateway(host, '4002');
    await ibqOk(host, ['deploy', '--timeout', '300']);
    lan = await lanAddress(host, 'duo');
  });

  describe('mode both', () => {
    test('is ready when both answer, each at its own port', async () => {
      const { ready, publish, api, services } = await statusOf(host, 'duo');
      expect({ ready, publish, api: api.state }).toEqual({
        ready: true,
        publish: '127.0.0.1:4101',
        api: 'handshake',
      });
      expect(services).toEqual([
        {
          service: 'api',
          half: 'live',
          publish: '127.0.0.1:4101',
          lan: `${lan}:4003`,
          state: 'handshake',
          word: 'ready',
        },
        {
          service: 'paper',
          half: 'paper',
          publish: '127.0.0.1:4102',
          lan: `${lan}:4004`,
          state: 'handshake',
          word: 'ready',
        },
        {
          service: 'vnc',
          half: null,
          publish: '127.0.0.1:6001',
          lan: `${lan}:5900`,
          state: 'unchecked',
          word: null,
        },
      ]);
    });

    test.each([
      ['live', 4101, 4003, /^U\d+$/],
      ['paper', 4102, 4004, /^DU\d+$/],
    ] as const)(
      'a client gets the accounts of %s, on the host and on the LAN',
      async (_half, port, relay, account) => {
        const wanted = [expect.stringMatching(account)];
        expect((await accountsAt(host, 'host', '127.0.0.1', port)).accounts).toEqual(wanted);
        expect((await accountsAt(host, 'lan1', lan, relay)).accounts).toEqual(wanted);
      },
    );

    test('probe asks both, and one where it is told to', async () => {
      const { stdout } = await ibqOk(host, ['probe', 'duo', '--login', '--json']);
      const { services } = JSON.parse(stdout) as { services: { half: string; state: string }[] };
      expect(services.map(({ half, state }) => [half, state])).toEqual([
        ['live', 'logged-in'],
        ['paper', 'logged-in'],
      ]);
      const one = await ibqOk(host, ['probe', 'duo', '--half', 'paper']);
      expect(one.stdout).toContain('127.0.0.1:4102: handshake');
    });
  });

  describe('VNC', () => {
    /** The first line that a server says. */
    const greeting = (address: string, port: number) =>
      `timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/${port} && head -n 1 <&3'`;

    test('greets on the loopback of the host', async () => {
      expect(await host.ok(greeting('127.0.0.1', 6001))).toMatch(/^RFB 003\.008/);
    });

    test('greets an allowed client of the LAN', async () => {
      expect(await host.okIn('lan1', greeting(lan, 5900))).toMatch(/^RFB 003\.008/);
    });

    test.each<[string, 'lan1' | 'lan2', () => [string, number]]>([
      ['another client of the LAN', 'lan2', () => [lan, 5900]],
      ['an allowed client, at the address of the host', 'lan1', () => ['10.0.0.5', 6001]],
      ['another client, at the address of the host', 'lan2', () => ['10.0.0.5', 6001]],
    ])('says nothing to %s', async (_who, where, at) => {
      const { exitCode, stdout } = await host.runIn(where, greeting(...at()));
      expect([exitCode === 0, stdout]).toEqual([false, '']);
    });

    test('ibq vnc tells a person who came by SSH how to get there; root is not needed', async () => {
      const env = 'SSH_CONNECTION="203.0.113.10 51234 10.0.0.5 22"';
      const { stdout, stderr, exitCode } = await host.run([
        'su',
        '-',
        'trader',
        '-c',
        `${env} PATH=$PATH:/usr/local/bin ibq vnc duo`,
      ]);
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toContain('ssh -N -L 6001:127.0.0.1:6001 trader@10.0.0.5');
      expect(stdout).toContain(`${lan}:5900`);
      expect(stdout).toContain('sudo ibq secret set duo vnc_password');
    });

    test('ibq vnc of one without a screen names the key', async () => {
      const { exitCode, stderr } = await ibq(host, ['vnc', '4002']);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('set vnc.enabled = true in /etc/ibq/instances/4002.toml');
    });
  });

  test('network test proves all of it: both APIs, and VNC, open to those who may', async () => {
    const result = await ibq(host, ['network', 'test', 'duo', '--json']);
    const { failed, tries } = JSON.parse(result.stdout) as {
      failed: number;
      tries: { service: string; id: string; result: string }[];
    };
    expect(failed, await told(host, result)).toBe(0);
    const passed = tries.filter((it) => it.result === 'pass').map((it) => `${it.service} ${it.id}`);
    for (const service of ['api', 'paper', 'vnc']) {
      for (const id of ['host-loopback', 'lan-allowed', 'lan-other', 'sibling-bridge']) {
        expect(passed).toContain(`${service} ${id}`);
      }
    }
  });

  test('network show and doctor know all ports', async () => {
    const show = await ibqOk(host, ['network', 'show']);
    expect(show.stdout).toContain(':5900 ← 127.0.0.1:6001 (vnc)');
    expect(show.stdout).toContain('API live handshake, paper handshake');
    const { stdout } = await ibq(host, ['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { id: string; detail: string }[] };
    const detail = checks.find(({ id }) => id === 'ports')?.detail;
    expect(detail?.split(', ')).toEqual(expect.arrayContaining(['4101', '4102', '6001', '4002']));
  });

  describe('its share of the host', () => {
    test('limits are in force on the unit', async () => {
      const of = (property: string) =>
        host.ok(['systemctl', 'show', '--value', '-p', property, 'ib-gateway@duo.service']);
      expect((await of('MemoryMax')).trim()).toBe(String(2048 * 1024 ** 2));
      expect((await of('CPUQuotaPerSecUSec')).trim()).toMatch(/^1\.50*s$/);
      expect((await of('TimeoutStopUSec')).trim()).toBe('1min 15s');
      expect((await of('Slice')).trim()).toBe('ib-gateways.slice');
    });

    // The machine under the host may have the controllers elsewhere (docs/test-host.md).
    test.each([
      ['memory', 'memory.max', `${2048 * 1024 ** 2}`],
      ['cpu', 'cpu.max', '150000 100000'],
    ])(
      '… and in the kernel, where the host has its controller: %s',
      async (controller, file, value) => {
        const controllers = await host.readFile('/sys/fs/cgroup/cgroup.controllers');
        const unit = '/sys/fs/cgroup/ib.slice/ib-gateways.slice/ib-gateway@duo.service';
        const { stdout } = await host.run(['cat', `${unit}/${file}`]);
        expect(stdout.trim()).toBe(controllers.split(/\s+/).includes(controller) ? value : '');
      },
    );

    test('Podman gives it its time to stop', async () => {
      const format = '{{.Config.StopTimeout}}';
      const inspected = await host.ok(['podman', 'inspect', '-f', format, 'ib-gateway-duo']);
      expect(inspected.trim()).toBe('45');
    });

    test.each([
      ['duo', 96 * 1024 ** 2],
      // Podman's own: 65536k, and its k are 1000.
      ['4002', 65_536_000],
    ])('%s has %i bytes of /dev/shm, no capabilities, and can gain none', async (name, shm) => {
      const state = JSON.parse(await host.ok(`podman exec ib-gateway-${name} simulator state`)) as {
        process: Record<string, unknown>;
      };
      expect(state.process).toMatchObject({
        uid: 1000,
        capabilities: '0000000000000000',
        noNewPrivileges: true,
        openFiles: 10_000,
        shm,
      });
    });
  });

  describe('a deploy refuses, and changes nothing', () => {
    const file = '/etc/ibq/instances/4002.toml';
    const refused = async (change: string) => {
      const before = await host.readFile(file);
      const standing = await generation(host);
      await host.writeFile(file, `${change}\n${before}`);
      const result = await ibq(host, ['deploy']);
      await host.writeFile(file, before);
      expect(await generation(host)).toBe(standing);
      return result;
    };

    test('a volume whose directory is not there', async () => {
      const { exitCode, stderr } = await refused('volumes = ["/srv/none:/data"]');
      expect(exitCode).toBe(78);
      expect(stderr).toContain('sudo mkdir -p /srv/none');
    });

    test('a screen whose port somebody has, of a gateway that runs', async () => {
      await setSecret(host, '4002', 'vnc_password', 'screen');
      const listen = "require('net').createServer().listen(5902, '127.0.0.1')";
      await host.ok(['systemd-run', '--unit=squatter', '-q', '/usr/bin/node', '-e', listen]);
      await until('somebody listens on 5902', async () =>
        (await host.ok('ss -Htln sport = :5902')).includes('5902'),
      );
      const { exitCode, stderr } = await refused('vnc = { enabled = true }');
      await host.ok('systemctl stop squatter');
      expect(exitCode).toBe(1);
      expect(stderr).toContain('instance 4002: its VNC port 127.0.0.1:5902 is taken by');
    });
  });

  test('a secret that nothing uses is listed as left over, and goes', async () => {
    const list = await ibqOk(host, ['secret', 'list', '4002']);
    expect(list.stdout).toMatch(/^4002\tvnc_password\tset\tunused\t/m);
    await ibqOk(host, ['secret', 'remove', '4002', 'vnc_password']);
    expect((await ibqOk(host, ['secret', 'list', '4002'])).stdout).not.toContain('vnc_password');
  });

  describe('one half ends, and the container stays up', () => {
    let before: string | undefined;

    beforeAll(async () => {
      before = (await containerIds(host)).duo;
      const stop = 'exec 3<>/dev/tcp/127.0.0.1/7462; echo STOP >&3; timeout 5 cat <&3';
      await host.run(['podman', 'exec', 'ib-gateway-duo', 'bash', '-c', stop]);
      await until(
        'live is gone',
        async () => (await statusOf(host, 'duo')).word === 'gateway down',
      );
    });

    test('status says which, what is wrong and what mends it; the other half answers', async () => {
      const { word, unit, api, services, problems } = await statusOf(host, 'duo');
      expect({ word, unit: unit.active, api: api.state }).toEqual({
        word: 'gateway down',
        unit: 'active',
        api: 'closed',
      });
      expect(services.map(({ half, state }) => [half, state])).toEqual([
        ['live', 'closed'],
        ['paper', 'handshake'],
        [null, 'unchecked'],
      ]);
      expect(problems.join()).toMatch(/^live: the gateway ended/);
      const shown = await ibq(host, ['status']);
      expect(shown.exitCode).toBe(3);
      expect(shown.stdout).toContain('live: gateway down');
      expect(shown.stderr).toContain('→ sudo ibq restart duo (a new login of both)');
      expect((await containerIds(host)).duo).toBe(before);
    });

    test.each<[string, string[], RegExp]>([
      [
        'wait',
        ['wait', 'duo', '--timeout', '3'],
        /duo does not answer the IB API: live: gateway down/,
      ],
      ['probe', ['probe', 'duo'], /^$/],
      [
        'deploy',
        ['deploy', '--timeout', '3'],
        /duo does not answer the IB API: live: gateway down/,
      ],
    ])('%s ends with 3', async (_verb, args, message) => {
      const result: RunResult = await ibq(host, args);
      expect(result.exitCode, await told(host, result)).toBe(3);
      expect(result.stderr).toMatch(message);
    });

    test('a restart brings both back', async () => {
      await ibqOk(host, ['restart', 'duo']);
      await ibqOk(host, ['wait', 'duo', '--timeout', '300']);
      expect((await statusOf(host, 'duo')).word).toBe('ready');
    });
  });

  describe('images with a desktop, or a page', () => {
    beforeAll(async () => {
      const tws = await installSimulator(host, 'gnzsnz-tws');
      const danklabs = await installSimulator(host, 'danklabs-gateway');
      await addScreen('desk', { profile: 'gnzsnz-tws', image: tws, port: 4201, on: 'rdp' });
      await addScreen('dank', {
        profile: 'danklabs',
        image: danklabs,
        port: 4301,
        on: 'supervisor',
      });
      await setSecret(host, 'desk', 'rdp_password', 'desktop');
      await setSecret(host, 'dank', 'supervisor_password', 'page');
      await ibqOk(host, ['deploy', '--no-wait']);
      await ibqOk(host, ['wait', 'dank', '--timeout', '300']);
    });

    async function addScreen(
      name: string,
      { profile, image, port, on }: { profile: string; image: string; port: number; on: string },
    ): Promise<void> {
      const of = ['--profile', profile, '--image', image, '--port', String(port)];
      const set = ['--mode', 'paper', '--user', `user_${name}`, '--set', `${on}.enabled=true`];
      await ibqOk(host, ['instance', 'add', name, ...of, ...set, '--set', WITH_IBKR]);
      await setSecret(host, name, 'password', 'any');
    }

    test.each([
      ['desk', 'rdp', 33_201],
      ['dank', 'supervisor', 9301],
    ])(
      '%s: %s answers on the loopback of the host, and nobody else',
      async (name, service, port) => {
        const { services } = await statusOf(host, name);
        expect(services.find((it) => it.service === service)).toMatchObject({
          publish: `127.0.0.1:${port}`,
          lan: null,
        });
        const told = await ibqOk(host, ['vnc', name]);
        expect(told.stdout).toContain(`-L ${port}:127.0.0.1:${port} `);
        expect(told.stderr).not.toContain('does not answer');
        const tested = await ibq(host, ['network', 'test', name, '--json']);
        const { tries } = JSON.parse(tested.stdout) as {
          tries: { service: string; id: string; expected: string; result: string }[];
        };
        const of = tries.filter((it) => it.service === service && it.result === 'pass');
        expect(of.map(({ id, expected }) => [id, expected])).toEqual(
          expect.arrayContaining([
            ['host-loopback', 'ok'],
            ['host-address', 'refused'],
            ['sibling-bridge', 'dropped'],
          ]),
        );
        expect(tries.filter((it) => it.service === service && it.result === 'fail')).toEqual([]);
      },
    );

    // Its API is off, as of every fresh TWS: only its log tells that it is logged in.
    test('a restart of the desktop keeps its session', async () => {
      await ibkr.until('user_desk', { completed: 1, open: 1 });
      const { stderr } = await ibqOk(host, ['restart', 'desk']);
      expect(stderr).toContain('restarting desk: its session is kept');
      const kept = { attempts: 1, paused: 1, resumed: 1, logouts: 0, lost: 0, open: 1 };
      await ibkr.until('user_desk', kept);
    });

    test('the desktop has what its image needs, and no more', async () => {
      const state = JSON.parse(await host.ok('podman exec ib-gateway-desk simulator state')) as {
        process: Record<string, unknown>;
      };
      expect(state.process).toMatchObject({
        noNewPrivileges: true,
        shm: 1024 ** 3,
      });
      // The host has filters of its own: Podman's is one more.
      expect(await filtersOf('desk')).toBe((await filtersOf('4002')) - 1);
      const format = '{{.EffectiveCaps}}';
      const capabilities = await host.ok(['podman', 'inspect', '-f', format, 'ib-gateway-desk']);
      expect(capabilities.match(/CAP_\w+/g)?.sort()).toEqual(
        [
          'AUDIT_WRITE',
          'CHOWN',
          'DAC_OVERRIDE',
          'FOWNER',
          'FSETID',
          'KILL',
          'SETGID',
          'SETUID',
        ].map((name) => `CAP_${name}`),
      );
    });
  });

  // Last: supervisors that start IBC again must not log in once more.
  test.each(['desk', 'dank'])(
    '%s, which supervises IBC, is stopped: a logout, no login',
    async (name) => {
      const user = `user_${name}`;
      const { attempts, resumed } = await ibkr.until(user, { open: 1 });
      const { stderr } = await ibqOk(host, ['stop', name]);
      expect(stderr).toContain(`stopped ${name}: logged out\n`);
      expect((await statusOf(host, name)).unit).toMatchObject({
        active: 'inactive',
        result: 'success',
      });
      expect(ibkr.counts(user)).toMatchObject({ attempts, resumed, logouts: 1, lost: 0, open: 0 });
    },
  );

  /** Filters of system calls that a container's first process is under. */
  async function filtersOf(name: string): Promise<number> {
    const status = await host.readFile(`/proc/${await containerPid(host, name)}/status`);
    return Number(/^Seccomp_filters:\s*(\d+)/m.exec(status)?.[1]);
  }
});
