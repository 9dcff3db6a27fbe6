/** Mode `host`: an instance in the host's own network, closed by the host's rules. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { ALLOWED, addGateway, ibq, ibqOk, prepareHost, statusOf, told, until } from './gateways.ts';
import { describeOnHosts } from './harness.ts';

const prober = readFileSync(new URL('answers.mjs', import.meta.url), 'utf8');

const HOST = '10.0.0.5';

describeOnHosts('mode host', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4002');
  });

  test('a bridge comes first: its rules are its own', async () => {
    await configure('bridge');
    await ibqOk(host, ['deploy']);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
  });

  test('changed to host it stays where it is until its restart, and closed', async () => {
    await configure('host');
    await ibqOk(host, ['deploy']);
    expect((await statusOf(host, '4002')).pendingRestart).toBe(true);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
    await ibqOk(host, ['restart', '4002']);
    await ibqOk(host, ['wait', '4002']);
  });

  test('then it answers the host and nobody else: its relay listens on every address', async () => {
    expect(await host.ok('ss -Htln')).toMatch(/(\*|0\.0\.0\.0):4004 /);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
    const status = await statusOf(host, '4002');
    expect(status).toMatchObject({ ready: true, publish: '127.0.0.1:4002', lan: null });
    expect(await host.ok('ip -o link')).not.toMatch(/ibq/);
  });

  test('network show, network test and doctor know that it lives there', async () => {
    const shown = JSON.parse((await ibqOk(host, ['network', 'show', '--json'])).stdout);
    expect(shown.instances).toMatchObject([
      { name: '4002', sharesHost: true, rules: 'in-force', reach: [], problems: [] },
    ]);
    const tested = await ibq(host, ['network', 'test', '--json']);
    const { tries } = JSON.parse(tested.stdout) as { tries: { id: string; result: string }[] };
    expect(tested.exitCode, await told(host, tested)).toBe(0);
    expect(tries.map(({ id, result }) => `${id} ${result}`)).toEqual([
      'host-loopback pass',
      'neighbour pass',
      'container pass',
    ]);
    expect(await findings()).toEqual([]);
  });

  test('another instance of such an image does not fit beside it', async () => {
    await addGateway(host, '4001', { mode: 'live' }).catch((error: Error) => {
      expect(error.message).toMatch(/one alone fits on a host/);
    });
    expect((await ibq(host, ['instance', 'list'])).stdout).not.toContain('4001');
  });

  test('published on an address, those who are allowed get in at the relay', async () => {
    await configure('host', HOST);
    await ibqOk(host, ['deploy', '--restart-changed']);
    expect(await statusOf(host, '4002')).toMatchObject({ ready: true, publish: `${HOST}:4004` });
    expect(await reach()).toEqual({ ...NOBODY, host: true, allowed: true });
  });

  test('a client that is no longer allowed is out at once, without a restart', async () => {
    const before = await host.ok('podman ps --no-trunc -q');
    await configure('host', HOST, ['10.0.0.8']);
    await ibqOk(host, ['deploy']);
    expect(await reach()).toEqual({ ...NOBODY, host: true, other: true });
    expect(await host.ok('podman ps --no-trunc -q')).toBe(before);
  });

  describe('where the rules of the host are flushed', () => {
    test('doctor and network show say so', async () => {
      await configure('host');
      await ibqOk(host, ['deploy', '--restart-changed']);
      await host.ok('nft flush ruleset');
      expect(await findings()).toContainEqual(expect.stringMatching(/everybody gets in/));
      const shown = await ibq(host, ['network', 'show']);
      expect(shown.stdout).toMatch(/the host's rules, which close its ports, are missing/);
    });

    test('a single rule that is gone is seen: status says so, and it does not start again', async () => {
      await host.ok(
        `systemctl restart ibq-host-rules
        rule=$(nft -a list chain inet ibq_host input | sed -n 's/.*tcp dport 4004 drop # handle //p')
        nft delete rule inet ibq_host input handle $rule`,
      );
      expect(await reach()).toMatchObject({ other: true });
      expect((await ibq(host, ['status'])).exitCode).toBe(3);
      expect(await statusOf(host, '4002')).toMatchObject({ ready: false, word: 'unguarded' });
      const restart = await host.run('systemctl restart ib-gateway@4002');
      expect(restart.exitCode).not.toBe(0);
      const log = await host.ok('journalctl --no-pager -b -u ib-gateway@4002');
      expect(log).toMatch(/the host's rules should close its ports, do not/);
      expect(await host.ok('ss -Htln')).not.toMatch(/:400[24] /);
    });

    test('a deploy puts all of it back', async () => {
      await host.ok('systemctl reset-failed ib-gateway@4002');
      await ibqOk(host, ['deploy']);
      expect(await reach()).toEqual({ ...NOBODY, host: true });
      expect(await findings()).toEqual([]);
    });
  });

  test('after a reboot it is back, and closed', async () => {
    await host.reboot();
    await until('it answers', async () => (await statusOf(host, '4002')).ready);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
  });

  test('away from the host: closed there until it has moved, gone from there then', async () => {
    await configure('bridge');
    await ibqOk(host, ['deploy']);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
    await ibqOk(host, ['deploy']);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
    await ibqOk(host, ['deploy', '--restart-changed']);
    expect(await reach()).toEqual({ ...NOBODY, host: true });
    await ibqOk(host, ['deploy']);
    expect(await host.ok('nft list table inet ibq_host')).not.toContain('hook input');
  });

  test('a port that is not the image’s is refused', async () => {
    await configure('host');
    await host.ok('mv /etc/ibq/instances/4002.toml /etc/ibq/instances/5002.toml');
    const refused = await ibq(host, ['plan']);
    expect(refused.exitCode).toBe(78);
    expect(refused.stderr).toContain(
      'instances/5002.toml: port: should be 4002 in network mode "host", where images of profile simulator always listen, got 5002',
    );
  });

  async function configure(mode: string, publish?: string, allow = [ALLOWED]): Promise<void> {
    const address = publish === undefined ? '' : `[publish]\naddress = "${publish}"\n`;
    const text = `[network]\nmode = "${mode}"\nallow = ${JSON.stringify(allow)}\n${address}`;
    await host.writeFile('/etc/ibq/ibq.toml', text);
  }

  /** Who gets an answer of the API, at any port that there is. */
  async function reach(): Promise<Record<string, boolean>> {
    const ports = [4002, 4004];
    const at = (address: string) => ports.map((port) => `${address}:${port}`);
    const [own, allowed, other, far] = await Promise.all([
      answers(['env'], at('127.0.0.1')),
      answers(['ip', 'netns', 'exec', 'lan1'], at(HOST)),
      answers(['ip', 'netns', 'exec', 'lan2'], at(HOST)),
      answers(['ip', 'netns', 'exec', 'wan1'], at(HOST)),
    ]);
    return { host: own, allowed, other, far };
  }

  async function answers(enter: readonly string[], targets: readonly string[]): Promise<boolean> {
    const [program = 'env', ...rest] = enter;
    const argv = [program, ...rest, host.node, '--input-type=module', '-', ...targets] as const;
    const seen = JSON.parse(await host.ok(argv, { stdin: prober })) as Record<string, boolean>;
    return targets.some((target) => seen[target] === true);
  }

  /** What doctor finds wrong with rules, guards and ports. */
  async function findings(): Promise<string[]> {
    const { stdout } = await ibq(host, ['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as {
      checks: { id: string; result: string; detail: string }[];
    };
    const about = ['host-rules', 'instance-guards', 'ports', 'port-rules', 'instances'];
    return checks
      .filter(({ id, result }) => about.includes(id) && result === 'fail')
      .map(({ id, detail }) => `${id}: ${detail}`);
  }
});

const NOBODY = { host: false, allowed: false, other: false, far: false };
