/** SSH tunnels to real OpenSSH servers, which stand in the namespaces of the test LAN. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CheckResult } from '../../src/doctor/check.ts';
import { accountsAt, openSession } from './api-client.ts';
import {
  allow,
  containerIds,
  doctorChecks,
  type InstanceStatus,
  ibq,
  ibqOk,
  lanAddress,
  prepareHost,
  setPassword,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, type Neighbour, type TestHost } from './harness.ts';

const endAt = readFileSync(new URL('end-at.mjs', import.meta.url), 'utf8');

/** The machines on the other side, by their namespaces. */
const FAR = {
  lan1: { name: 'vps.example.com', address: '10.0.0.7' },
  lan2: { name: 'second.example.com', address: '10.0.0.8' },
  lan3: { name: 'bastion.example.com', address: '10.0.0.9' },
  wan1: { name: 'inner.example.com', address: '203.0.113.10' },
} as const;
type Far = keyof typeof FAR;

const SSHD = `[Unit]
After=test-lan.service
[Service]
NetworkNamespacePath=/run/netns/%i
ExecStartPre=/bin/mkdir -p /run/sshd
ExecStart=/usr/sbin/sshd -D -e -f /etc/far/sshd_config -o HostKey=/etc/far/%i/host_key -o AuthorizedKeysFile=/etc/far/%i/authorized_keys
[Install]
WantedBy=multi-user.target
`;

interface Tunnel {
  target: string;
  listens: string[];
  state: string;
  since: string | null;
  detail: string;
}

describeOnHosts('tunnels', (host) => {
  /** Of the gateways that run all the time. */
  let running: Record<string, string>;

  beforeAll(async () => {
    await Promise.all([prepareHost(host), prepareFar(host)]);
    await host.writeFile('/root/end-at.mjs', endAt);
  });

  describe('set up', () => {
    test('the key: made into a secret, its restricted line told', async () => {
      await configure('4001', { mode: 'both', targets: ['trader@vps.example.com'] });
      await setPassword(host, '4001');
      const { stdout, stderr } = await ibqOk(host, ['tunnel', 'key', '4001']);
      expect(stdout).toMatch(
        /^# trader@vps\.example\.com\nrestrict,command="false",port-forwarding,permitlisten="127\.0\.0\.1:4001",permitopen="127\.0\.0\.1:4001" ssh-ed25519 \S+ ibq-4001\n$/,
      );
      expect(stderr).toMatch(
        /made a key for the tunnel of 4001, SHA256:\S+; it is kept as a secret/,
      );
      await authorize('lan1', stdout);
      expect((await ibq(host, ['tunnel', 'key', '4001'])).exitCode).toBe(1);
    });

    test('without a pinned host key a deploy refuses, and changes nothing', async () => {
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(78);
      expect(stderr).toContain(
        'instance 4001: the host key of vps.example.com is not pinned; run "sudo ibq tunnel trust 4001"',
      );
      expect((await host.run('ls /etc/ibq/current')).exitCode).not.toBe(0);
    });

    test('a host key is pinned by its fingerprint, and by no other', async () => {
      const unasked = await ibq(host, ['tunnel', 'trust', '4001']);
      expect(unasked.exitCode, unasked.stderr).toBe(64);
      expect(unasked.stderr).toContain(`--fingerprint ${await fingerprint('lan1')}`);
      const wrong = await ibq(host, ['tunnel', 'trust', '4001', '--fingerprint', 'SHA256:wrong']);
      expect(wrong.exitCode, wrong.stderr).toBe(1);
      expect((await host.run('cat /etc/ibq/known_hosts')).exitCode).not.toBe(0);
      await trust('4001', 'lan1');
      expect(await host.readFile('/etc/ibq/known_hosts')).toContain('vps.example.com ssh-ed25519 ');
      expect((await ibqOk(host, ['tunnel', 'trust', '4001'])).stderr).toContain(
        'vps.example.com: has the key that is pinned',
      );
    });

    test('deploy: the API answers on the other machine, and gives its accounts', async () => {
      await deploy();
      running = await containerIds(host);
      expect(await tunnelsOf('4001')).toEqual([
        {
          target: 'trader@vps.example.com',
          listens: ['127.0.0.1:4001'],
          state: 'up',
          since: expect.stringMatching(/^20\d\d-.*Z$/),
          detail: '',
        },
      ]);
      expect((await accountsAt(host, 'lan1', '127.0.0.1', 4001)).accounts).not.toEqual([]);
    });

    test('test: proven from the far end', async () => {
      const { stdout } = await ibqOk(host, ['tunnel', 'test', '4001', '--json']);
      expect(JSON.parse(stdout).targets).toEqual([
        expect.objectContaining({ target: 'trader@vps.example.com', state: 'proven' }),
      ]);
    });

    test('show: the key, the pinned host key, the line', async () => {
      const { stdout } = await ibqOk(host, ['tunnel', 'show', '4001', '--json']);
      const [tunnel] = JSON.parse(stdout).tunnels;
      expect(tunnel.hostKeys).toEqual([{ name: 'vps.example.com', pinned: true }]);
      expect(tunnel.authorizedKeys[0].line).toContain(tunnel.key.publicKey);
      expect(tunnel.targets[0].state).toBe('up');
    });

    test('the next deploy has nothing to do', async () => {
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do; 1 of 1 ready');
    });
  });

  describe('closed', () => {
    test('it listens on loopback of the other machine alone', async () => {
      expect(await listeners('lan1', 4001)).toEqual(['127.0.0.1:4001']);
      await expect(accountsAt(host, 'lan2', FAR.lan1.address, 4001)).rejects.toThrow();
    });

    test('the key opens no shell there', async () => {
      const config = '/run/ibq/tunnels/4001/ssh_config';
      const { exitCode } = await host.run(`ssh -F ${config} -o ClearAllForwardings=yes target1 id`);
      expect(exitCode).not.toBe(0);
    });

    test('ssh runs as a user without rights, who alone can read the key', async () => {
      const [ssh = ''] = (await host.ok('pgrep -f "ssh -f -N -T -F /run/ibq/tunnels/4001"')).split(
        '\n',
      );
      const status = await host.readFile(`/proc/${ssh}/status`);
      const uid = /^Uid:\t(\d+)/m.exec(status)?.[1];
      expect(Number(uid)).toBeGreaterThan(61_000);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect((await host.ok('stat -c "%u %a" /run/ibq/tunnels/4001/key')).trim()).toBe(
        `${uid} 400`,
      );
    });

    test('the private key is in no file of /etc, no command line and no log', async () => {
      const secret = await host.ok(
        "podman secret inspect --showsecret --format '{{.SecretData}}' ibq-4001-ssh_key",
      );
      const inner = secret.split('\n')[2] ?? '';
      expect(inner.length).toBeGreaterThan(40);
      await host.writeFile('/root/needle', inner);
      expect((await host.run('grep -rlF -f /root/needle /etc')).stdout).toBe('');
      expect((await host.run('journalctl -b | grep -F -f /root/needle')).stdout).toBe('');
      expect((await host.run('cat /proc/[0-9]*/cmdline | grep -aF -f /root/needle')).stdout).toBe(
        '',
      );
    });

    test('mode yes: no LAN client gets in any more, at once, and no login is lost', async () => {
      const lan = await lanAddress(host, '4001');
      await accountsAt(host, 'lan1', lan, 4003);
      await configure('4001', { mode: 'yes', targets: ['trader@vps.example.com'] });
      await deploy();
      await expect(accountsAt(host, 'lan1', lan, 4003)).rejects.toThrow();
      await accountsAt(host, 'host', '127.0.0.1', 4001);
      await accountsAt(host, 'lan1', '127.0.0.1', 4001);
      expect(await containerIds(host)).toEqual(running);
    });

    test('mode yes: published on loopback, whatever publish.address says', async () => {
      await host.writeFile(
        '/etc/ibq/ibq.toml',
        '[network]\nallow = ["10.0.0.7"]\n[publish]\naddress = "10.0.0.5"\n',
      );
      await configure('4002', {
        mode: 'both',
        targets: ['trader@vps.example.com'],
        remote_ports: ['4002'],
      });
      await setPassword(host, '4002');
      await makeKey('4002', 'lan1');
      await deploy('--restart-changed');
      running = await containerIds(host);
      expect((await statusOf(host, '4001')).publish).toBe('127.0.0.1:4001');
      expect((await statusOf(host, '4002')).publish).toBe('10.0.0.5:4002');
      await accountsAt(host, 'lan1', '10.0.0.5', 4002);
      await expect(accountsAt(host, 'lan1', '10.0.0.5', 4001)).rejects.toThrow();
      // The tunnel leads to where it is published.
      await accountsAt(host, 'lan1', '127.0.0.1', 4002);
      await allow(host, ['10.0.0.7']);
      await configure('4001', { mode: 'both', targets: ['trader@vps.example.com'] });
      await deploy('--restart-changed');
      running = await containerIds(host);
    });
  });

  describe('several', () => {
    test('two instances that want one port of one machine are refused', async () => {
      await configure('4002', {
        mode: 'both',
        targets: ['trader@vps.example.com'],
        remote_ports: ['4001'],
      });
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      expect(exitCode).toBe(78);
      expect(stderr).toContain(
        'ssh.remote_ports: should be another for trader@vps.example.com: 127.0.0.1:4001 (api) there is that of instance 4001 too',
      );
    });

    test('two instances to one machine, side by side', async () => {
      await configure('4002', { mode: 'both', targets: ['trader@vps.example.com'] });
      await deploy();
      expect(await listeners('lan1', 4001)).toEqual(['127.0.0.1:4001']);
      expect(await listeners('lan1', 4002)).toEqual(['127.0.0.1:4002']);
      await accountsAt(host, 'lan1', '127.0.0.1', 4001);
      await accountsAt(host, 'lan1', '127.0.0.1', 4002);
    });

    test('the user of one does not read the key of the other', async () => {
      const keys = ['4001', '4002'].map((name) => `/run/ibq/tunnels/${name}/key`);
      const users = (await host.ok(`stat -c %u ${keys.join(' ')}`)).trim().split('\n');
      expect(new Set(users).size).toBe(2);
      const as = (user: string | undefined, path: string | undefined) =>
        host.run(`setpriv --reuid=${user} --clear-groups --regid=${user} head -c 1 ${path}`);
      expect((await as(users[0], keys[0])).exitCode).toBe(0);
      for (const [at, other] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const { exitCode, stderr } = await as(users[at], keys[other]);
        expect(exitCode).toBe(1);
        expect(stderr).toContain('Permission denied');
        // Nor in what the other has open.
        const pids = `$(pgrep -u ${users[other]})`;
        const roots = `for pid in ${pids}; do cat /proc/$pid/root${keys[other]}; done 2>/dev/null; true`;
        const argv = `setpriv --reuid=${users[at]} --clear-groups --regid=${users[at]} sh -c '${roots}'`;
        expect((await host.run(argv)).stdout).toBe('');
      }
    });

    test('one more target: the plan says what it cuts', async () => {
      await configure('4001', {
        mode: 'both',
        targets: ['trader@vps.example.com', 'trader@second.example.com:2222'],
        remote_ports: ['4001', '14001'],
      });
      const { stdout } = await ibqOk(host, ['tunnel', 'show', '4001', '--json']);
      const lines = JSON.parse(stdout).tunnels[0].authorizedKeys as { line: string }[];
      await authorize('lan2', lines[1]?.line ?? '');
      await ibqOk(host, ['tunnel', 'trust', '4001', '--fingerprint', await fingerprint('lan2')]);
      const plan = JSON.parse((await ibqOk(host, ['plan', '--json'])).stdout);
      expect(plan.changes).toContainEqual(
        expect.objectContaining({
          file: 'tunnel/4001',
          cost: 'connections',
          because: expect.arrayContaining(['ssh.targets']),
        }),
      );
      await deploy();
      await accountsAt(host, 'lan2', '127.0.0.1', 14_001);
      await accountsAt(host, 'lan1', '127.0.0.1', 4001);
      expect(await containerIds(host)).toEqual(running);
    });

    test('one that goes does not end the other', async () => {
      const session = await openSession(host, 'lan1', '127.0.0.1', 4001);
      await killServer('lan2');
      await until('it is told', async () => (await stateOf('4001', 1)) === 'down');
      const { exitCode, stderr } = await ibq(host, ['status']);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(
        /4001: tunnel to trader@second\.example\.com:2222: down since \S+Z: .*(refused|ended|closed)/i,
      );
      await session.expectAlive();
      const [, first] = await tunnelsOf('4001');
      let last = first;
      await until('it is tried again', async () => {
        [, last] = await tunnelsOf('4001');
        return /refused/.test(last?.detail ?? '');
      });
      // Since the first try that failed.
      expect(last?.since).toBe(first?.since);
      await host.ok('systemctl start far-sshd@lan2');
      await until('it is back', async () => (await stateOf('4001', 1)) === 'up');
      await session.expectAlive();
      await session.end();
      await accountsAt(host, 'lan2', '127.0.0.1', 14_001);
    });

    test('a server that is killed, and back', async () => {
      await killServer('lan1');
      await until('it is told', async () => (await stateOf('4001')) === 'down');
      await host.ok('systemctl start far-sshd@lan1');
      await until('it is back', async () => (await stateOf('4001')) === 'up');
      await accountsAt(host, 'lan1', '127.0.0.1', 4001);
    });
  });

  test('a server with another host key gets nothing, until it is trusted anew', async () => {
    await newHostKey(host, 'lan1');
    await killServer('lan1');
    await host.ok('systemctl start far-sshd@lan1');
    await until('it is refused', async () => {
      const [tunnel] = await tunnelsOf('4001');
      return tunnel?.state === 'down' && /Host key verification failed/.test(tunnel.detail);
    });
    expect(await listeners('lan1', 4001)).toEqual([]);
    const refused = await ibq(host, [
      'tunnel',
      'trust',
      '4001',
      '--fingerprint',
      await fingerprint('lan1'),
    ]);
    expect(refused.exitCode, refused.stderr).toBe(1);
    expect(refused.stderr).toContain('vps.example.com: should have the host key that is pinned');
    await trust('4001', 'lan1', '--replace');
    await until('it is up', async () => (await stateOf('4001')) === 'up');
    expect(await containerIds(host)).toEqual(running);
  });

  test('a key with a passphrase', async () => {
    const { stdout } = await ibqOk(host, ['tunnel', 'key', '4002', '--replace', '--passphrase'], {
      stdin: 'a long "quoted" passphrase\n',
    });
    await authorize('lan1', stdout);
    const secret = await host.ok(
      "podman secret inspect --showsecret --format '{{.SecretData}}' ibq-4002-ssh_key | (umask 077; cat >/root/locked); ssh-keygen -y -P '' -f /root/locked 2>&1 || true",
    );
    expect(secret).toMatch(/incorrect passphrase/);
    await host.ok('systemctl restart ibq-tunnel@4002');
    await until('it is up', async () => (await stateOf('4002')) === 'up');
    await accountsAt(host, 'lan1', '127.0.0.1', 4002);
  });

  test('without its passphrase it is down, and says what mends it', async () => {
    await ibqOk(host, ['secret', 'remove', '4002', 'ssh_passphrase']);
    await host.run('systemctl restart ibq-tunnel@4002');
    await until('it is told', async () => (await stateOf('4002')) === 'down');
    const [tunnel] = await tunnelsOf('4002');
    expect(tunnel?.detail).toContain('run "sudo ibq secret set 4002 ssh_passphrase"');
    expect((await statusOf(host, '4002')).ready).toBe(true);
    // Between two of its tries: during one it is `connecting`, and that is a warning.
    let checks = new Map<string, CheckResult>();
    await until('doctor finds it down', async () => {
      checks = await doctorChecks(host);
      return checks.get('tunnels')?.result === 'fail';
    });
    expect(checks.get('host-keys')?.result).toBe('ok');
    await makeKey('4002', 'lan1', '--replace');
    await host.ok('systemctl restart ibq-tunnel@4002');
    await until('it is up', async () => (await stateOf('4002')) === 'up');
  });

  test('through a bastion, which is trusted and asked for the key as well', async () => {
    await configure('4002', {
      mode: 'both',
      targets: ['trader@inner.example.com'],
      bastion: 'trader@bastion.example.com',
    });
    const { stdout } = await ibqOk(host, ['tunnel', 'show', '4002', '--json']);
    const [bastion, inner] = JSON.parse(stdout).tunnels[0].authorizedKeys as { line: string }[];
    await authorize('lan3', bastion?.line ?? '');
    await authorize('wan1', inner?.line ?? '');
    await ibqOk(host, [
      ...['tunnel', 'trust', '4002'],
      ...['--fingerprint', await fingerprint('lan3'), '--fingerprint', await fingerprint('wan1')],
    ]);
    await deploy();
    await accountsAt(host, 'wan1', '127.0.0.1', 4002);
    await ibqOk(host, ['tunnel', 'test', '4002']);
    const log = await host.ok('journalctl -u far-sshd@wan1 -o cat');
    expect(log).toContain('Accepted publickey for trader from 10.0.0.9');
    expect(await listeners('lan1', 4002)).toEqual([]);
  });

  test('a key that may not open the port: the way back is not proven, and that is said', async () => {
    const file = '/etc/far/wan1/authorized_keys';
    await host.ok(`sed -i 's/permitopen="[^"]*"/permitopen="127.0.0.1:1"/' ${file}`);
    const { exitCode, stdout } = await ibq(host, ['tunnel', 'test', '4002', '--json']);
    expect(exitCode).toBe(3);
    const [target] = JSON.parse(stdout).targets;
    expect(target.state).toBe('unproven');
    expect(target.detail).toContain('permitopen="127.0.0.1:4002"');
  });

  test('live and paper of one instance: both are carried', async () => {
    await host.writeFile(
      '/etc/ibq/instances/two.toml',
      'mode = "both"\nuser = "u"\npaper_user = "p"\nport = 5001\nread_only_api = true\n[image]\nprofile = "simulator"\n' +
        '[ssh]\nmode = "yes"\ntargets = ["trader@vps.example.com"]\nremote_ports = ["15001"]\n',
    );
    for (const key of ['password', 'paper_password']) {
      await ibqOk(host, ['secret', 'set', 'two', key], { stdin: 'any\n' });
    }
    // A key that somebody has already.
    await host.ok('ssh-keygen -q -t rsa -b 3072 -N "" -C mine -f /root/mine');
    await ibqOk(host, ['secret', 'set', 'two', 'ssh_key'], {
      stdin: await host.readFile('/root/mine'),
    });
    const { stdout } = await ibqOk(host, ['tunnel', 'show', 'two', '--json']);
    const [line] = JSON.parse(stdout).tunnels[0].authorizedKeys as { line: string }[];
    expect(line?.line).toContain('permitlisten="127.0.0.1:15001",permitlisten="127.0.0.1:15002"');
    await authorize('lan1', line?.line ?? '');
    await deploy();
    const [live, paper] = await Promise.all(
      [15_001, 15_002].map((port) => accountsAt(host, 'lan1', '127.0.0.1', port)),
    );
    expect(live?.accounts).not.toEqual(paper?.accounts);
    const proof = await ibqOk(host, ['tunnel', 'test', 'two', '--json']);
    expect(JSON.parse(proof.stdout).targets).toEqual([
      expect.objectContaining({ listen: '127.0.0.1:15001', state: 'proven' }),
      expect.objectContaining({ listen: '127.0.0.1:15002', state: 'proven' }),
    ]);
    await ibqOk(host, ['instance', 'remove', 'two', '--purge']);
    await deploy();
    expect(await listeners('lan1', 15_001)).toEqual([]);
  });

  describe('the gateway and its tunnel', () => {
    test('what happens to the tunnel does not happen to the gateway', async () => {
      await host.ok('systemctl stop ibq-tunnel@4001');
      expect(await listeners('lan1', 4001)).toEqual([]);
      expect(await host.ok('find /run/ibq/tunnels -path "*4001*"')).toBe('');
      await host.ok('systemctl start ibq-tunnel@4001');
      await host.ok('systemctl kill -s KILL ibq-tunnel@4001');
      await until('it is back', async () => (await stateOf('4001')) === 'up');
      expect(await containerIds(host)).toEqual(running);
    });

    test('one that was stopped by hand is made again by a deploy', async () => {
      await host.ok('systemctl stop ibq-tunnel@4001');
      expect(await stateOf('4001')).toBe('down');
      expect((await deploy()).stderr).toContain('make the tunnels of 4001');
      expect(await stateOf('4001')).toBe('up');
    });

    test('it ends with its gateway and comes back with it; it starts none', async () => {
      await ibqOk(host, ['stop', '4001']);
      expect(await listeners('lan1', 4001)).toEqual([]);
      expect((await tunnelsOf('4001'))[0]?.state).toBe('stopped');
      await host.run('systemctl start ibq-tunnel@4001');
      expect((await statusOf(host, '4001')).unit.active).toBe('inactive');
      await ibqOk(host, ['start', '4001']);
      await ibqOk(host, ['wait', '4001']);
      await until('it is up', async () => (await stateOf('4001')) === 'up');
      running = await containerIds(host);
    });
  });

  describe('a deploy that is killed (-9)', () => {
    const one = { mode: 'both', targets: ['trader@vps.example.com'] } as const;
    const two = {
      ...one,
      targets: ['trader@vps.example.com', 'trader@second.example.com:2222'],
      remote_ports: ['4001', '14001'],
    };
    test.each([
      ['switch to generation', one],
      ['reload systemd', two],
      ['make the tunnels of 4001', one],
      ['switch to generation', null],
      ['end the tunnels of 4001', two],
      ['reload systemd', null],
      ['switch to generation', two],
    ])('at "%s"', async (step, ssh) => {
      await configure('4001', ssh);
      const killed = await host.run([
        host.node,
        '/root/end-at.mjs',
        'SIGKILL',
        `\\] ${step}`,
        'ibq',
        'deploy',
      ]);
      // A change that has no such step goes through.
      expect([0, 137], await told(host, killed)).toContain(killed.exitCode);
      await deploy();
      expect((await tunnelsOf('4001')).map(({ state }) => state)).toEqual(
        ssh === null ? [] : ssh.targets.map(() => 'up'),
      );
      expect(await listeners('lan1', 4001)).toEqual(ssh === null ? [] : ['127.0.0.1:4001']);
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
      expect(await containerIds(host)).toEqual(running);
    });
  });

  test('a reboot brings it back', async () => {
    await host.reboot();
    await ibqOk(host, ['wait', '4001', '4002', '--timeout', '300']);
    await until('it is up', async () => (await stateOf('4001')) === 'up');
    await accountsAt(host, 'lan1', '127.0.0.1', 4001);
    expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    running = await containerIds(host);
  });

  test('mode lan: refused without the host among its instances, up with it', async () => {
    await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "lan"\nallow = ["10.0.0.7"]\n');
    const { exitCode, stderr } = await ibq(host, ['deploy']);
    expect(exitCode).toBe(78);
    expect(stderr).toContain('needs network.host_access = true in network mode "lan"');
    await host.writeFile(
      '/etc/ibq/ibq.toml',
      '[network]\nmode = "lan"\nhost_access = true\nallow = ["10.0.0.7"]\n',
    );
    await deploy('--restart-changed');
    await accountsAt(host, 'lan1', '127.0.0.1', 4001);
  });

  test('what is taken away goes wholly', async () => {
    await configure('4001', null);
    await ibqOk(host, ['instance', 'remove', '4002', '--purge']);
    await deploy();
    expect(await listeners('lan1', 4001)).toEqual([]);
    expect(await listeners('wan1', 4002)).toEqual([]);
    expect(await host.ok('find /run/ibq/tunnels /run/ibq-tunnel -mindepth 1 || true')).toBe('');
    const units = 'systemctl list-units --all --plain --no-legend "ibq-tunnel@*"';
    expect(await host.ok(units)).toBe('');
    expect(await host.ok('ls /etc/ibq/current')).not.toContain('tunnel');
    expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
  });

  async function deploy(...flags: string[]) {
    const result = await ibq(host, ['deploy', ...flags]);
    expect(result.exitCode, await told(host, result)).toBe(0);
    return result;
  }

  /** @param ssh keys of [ssh]; null: no tunnel */
  async function configure(
    name: string,
    ssh: Readonly<Record<string, string | readonly string[]>> | null,
  ) {
    const keys = Object.entries(ssh ?? {}).map(
      ([key, value]) => `${key} = ${JSON.stringify(value)}`,
    );
    const mode = name === '4001' ? 'live' : 'paper';
    await host.writeFile(
      `/etc/ibq/instances/${name}.toml`,
      `mode = "${mode}"\nuser = "user_${name}"\nread_only_api = true\n[image]\nprofile = "simulator"\n${ssh ? `[ssh]\n${keys.join('\n')}\n` : ''}`,
    );
  }

  async function authorize(far: Far, lines: string): Promise<void> {
    await host.ok(['tee', '-a', `/etc/far/${far}/authorized_keys`], { stdin: `${lines}\n` });
  }

  async function makeKey(name: string, far: Far, ...flags: string[]): Promise<void> {
    const { stdout } = await ibqOk(host, ['tunnel', 'key', name, ...flags]);
    await authorize(far, stdout);
  }

  async function trust(name: string, far: Far, ...flags: string[]): Promise<void> {
    const { stderr } = await ibqOk(host, [
      ...['tunnel', 'trust', name, '--fingerprint', await fingerprint(far)],
      ...flags,
    ]);
    expect(stderr).toContain(`${FAR[far].name}: pinned ED25519`);
  }

  async function fingerprint(far: Far): Promise<string> {
    return (await host.ok(`ssh-keygen -lf /etc/far/${far}/host_key.pub`)).split(' ')[1] ?? '';
  }

  async function tunnelsOf(name: string): Promise<Tunnel[]> {
    return ((await statusOf(host, name)) as InstanceStatus & { tunnels: Tunnel[] }).tunnels;
  }

  async function stateOf(name: string, target = 0): Promise<string | undefined> {
    return (await tunnelsOf(name))[target]?.state;
  }

  async function listeners(where: Neighbour, port: number): Promise<string[]> {
    const lines = await host.okIn(where, `ss -Hltn 'sport = :${port}'`);
    return lines.split('\n').flatMap((line) => line.split(/\s+/)[3] ?? []);
  }

  /** The server and its sessions, as when the machine dies; what it was told goes too. */
  async function killServer(far: Far): Promise<void> {
    await host.ok(`systemctl kill -s KILL far-sshd@${far}; systemctl stop far-sshd@${far}`);
  }
});

/** One sshd for each machine, with a host key and an authorized_keys of its own, up again after a reboot. */
async function prepareFar(host: TestHost): Promise<void> {
  await host.writeFile(
    '/etc/far/sshd_config',
    'PidFile none\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPerSourcePenalties no\nPort 22\nPort 2222\n',
  );
  await host.writeFile('/etc/systemd/system/far-sshd@.service', SSHD);
  // A locked user is not let in by key either.
  await host.ok("usermod -p '*' trader");
  const lines = Object.values(FAR).map(({ address, name }) => `${address} ${name}\n`);
  await host.ok(['tee', '-a', '/etc/hosts'], { stdin: lines.join('') });
  for (const far of Object.keys(FAR) as Far[]) {
    await host.ok(`mkdir -p /etc/far/${far} && touch /etc/far/${far}/authorized_keys`);
    await newHostKey(host, far);
  }
  const units = Object.keys(FAR).map((far) => `far-sshd@${far}`);
  await host.ok(`systemctl daemon-reload && systemctl enable --now ${units.join(' ')}`);
}

async function newHostKey(host: TestHost, far: Far): Promise<void> {
  const path = `/etc/far/${far}/host_key`;
  await host.ok(`rm -f ${path} ${path}.pub && ssh-keygen -q -t ed25519 -N '' -f ${path}`);
}
