/**
 * firewalld, Debian's package, around running gateways: what its start, reload, restart and stop take
 * along, what says so, and what mends it. docs/networking.md, "Beside firewalld".
 */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CheckResult } from '../../src/doctor/check.ts';
import {
  addGateway,
  containerIds,
  containerPid,
  doctorChecks,
  generation,
  ibq,
  ibqOk,
  lanAddress,
  prepareHost,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts } from './harness.ts';

const prober = readFileSync(new URL('answers.mjs', import.meta.url), 'utf8');
const BRIDGE = '10.89.0.0/24';

describeOnHosts('firewalld', (host) => {
  /** Everything of ibq's that a firewall could take along. */
  let before: Awaited<ReturnType<typeof inForce>>;

  beforeAll(async () => {
    expect((await host.run('systemctl is-enabled firewalld')).stdout.trim()).toBe('disabled');
    await prepareHost(host);
    await host.writeFile(
      '/etc/ibq/ibq.toml',
      '[network]\nallow = ["10.0.0.7"]\nhost_access = true\n',
    );
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
    await ibqOk(host, ['deploy']);
    before = await inForce();
    expect(before.answers).toEqual({ ports: [true, true], lan: [true, true], stranger: [false] });
    expect(await wayOut('4001')).toBe(true);
  });

  describe.each([
    ['started after a deploy', 'systemctl start firewalld'],
    ['reloaded by firewall-cmd', 'firewall-cmd --reload'],
    ['reloaded wholly', 'firewall-cmd --complete-reload'],
    ['reloaded by systemctl', 'systemctl reload firewalld'],
    ['restarted', 'systemctl restart firewalld'],
    ['stopped', 'systemctl stop firewalld'],
    ['started again', 'systemctl start firewalld'],
  ])('%s', (_, command) => {
    beforeAll(async () => {
      await host.ok(command);
      if (!command.includes('stop')) await settled();
    });

    test('host rules, guards, shim and published ports are as they were, and the gateways run on', async () => {
      expect(await inForce()).toEqual(before);
    });

    test('a deploy has nothing to do', async () => {
      expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    });

    test('doctor says whether the gateways get out, as it is', async () => {
      const { open, checks } = await asItIs();
      expect(checks.get('forwarding')?.result).toBe(open ? 'ok' : 'fail');
      const others = [...checks.values()].filter(({ id }) => id !== 'forwarding');
      expect(others.filter(({ result }) => result === 'fail')).toEqual([]);
    });
  });

  test('nobody tells it of the bridge: gateways have no way out; doctor says so, and what it advises lasts', async () => {
    await host.ok('systemctl stop netavark-firewalld-reload; firewall-cmd --reload');
    await settled();
    expect(await wayOut('4001')).toBe(false);
    const found = await doctorChecks(host);
    expect(found.get('forwarding')).toMatchObject({
      result: 'fail',
      detail: expect.stringContaining('answers the host and not 4001, 4002'),
    });
    expect(found.get('firewalld')).toMatchObject({
      result: 'warn',
      detail: expect.stringContaining(`let gateways out to IBKR (${BRIDGE})`),
    });
    await asSaid(found.get('forwarding'));
    for (const command of ['true', 'systemctl restart firewalld', 'firewall-cmd --reload']) {
      await host.ok(command);
      await settled();
      expect(await wayOut('4001'), command).toBe(true);
      const checks = await doctorChecks(host);
      expect(checks.get('forwarding')?.result, command).toBe('ok');
      expect(checks.get('firewalld')?.result, command).toBe('ok');
    }
    expect(await inForce()).toEqual(before);
  });

  test('what somebody flushed meanwhile: a reload brings the ports back, a deploy the host rules', async () => {
    await host.ok('nft delete table inet ibq_host; nft delete table inet netavark');
    await host.ok('systemctl start netavark-firewalld-reload; firewall-cmd --reload');
    await settled();
    expect(await answers('host', ['127.0.0.1:4001', '127.0.0.1:4002'])).toEqual([true, true]);
    expect((await doctorChecks(host)).get('host-rules')?.result).toBe('fail');
    expect((await ibqOk(host, ['deploy'])).stderr).toContain("load the host's rules");
    expect(await inForce()).toEqual(before);
  });

  test('a gateway that is added and one that is restarted while it runs are reached as without it', async () => {
    await addGateway(host, '4003', { port: 4003 });
    await ibqOk(host, ['deploy']);
    await ibqOk(host, ['restart', '4002']);
    await ibqOk(host, ['wait', '4002']);
    const tested = await ibq(host, ['network', 'test']);
    expect(tested.exitCode, await told(host, tested)).toBe(0);
    expect(await wayOut('4003')).toBe(true);
    await ibqOk(host, ['instance', 'remove', '4003']);
    await ibqOk(host, ['deploy', '-y']);
    before = await inForce();
  });

  test('ports beyond loopback are open to allowed clients, and to no other', async () => {
    const configure = (publish: string) =>
      host.writeFile(
        '/etc/ibq/ibq.toml',
        `[network]\nallow = ["10.0.0.7"]\nhost_access = true\n${publish}`,
      );
    const open = async () => {
      const target = ['10.0.0.5:4001'];
      const from = (['host', 'lan1', 'lan2'] as const).map((where) => answers(where, target));
      return (await Promise.all(from)).flat();
    };
    await configure('[publish]\naddress = "10.0.0.5"\n');
    await ibqOk(host, ['deploy', '--restart-changed']);
    for (const command of ['true', 'firewall-cmd --reload', 'systemctl restart firewalld']) {
      await host.ok(command);
      await settled();
      expect(await open(), command).toEqual([true, true, false]);
    }
    await configure('');
    await ibqOk(host, ['deploy', '--restart-changed']);
    before = await inForce();
  });

  test('StrictForwardPorts: published ports are refused; status and doctor say so, and it is mended as they say', async () => {
    const set = (word: string) =>
      host.ok(`sed -i 's/^StrictForwardPorts=.*/StrictForwardPorts=${word}/' /etc/firewalld/firewalld.conf
        systemctl restart firewalld`);
    await set('yes');
    await settled();
    expect(await statusOf(host, '4001')).toMatchObject({
      word: 'port lost',
      problems: [expect.stringContaining('a firewall of the host refuses it')],
    });
    const found = (await doctorChecks(host)).get('firewalld');
    expect(found).toMatchObject({
      result: 'fail',
      detail: expect.stringContaining('StrictForwardPorts is on: published ports are refused'),
    });
    expect(found?.mend).toBe(
      'StrictForwardPorts=no in /etc/firewalld/firewalld.conf, then: sudo systemctl restart firewalld',
    );
    await set('no');
    await settled();
    expect((await doctorChecks(host)).get('firewalld')?.result).toBe('ok');
    expect(await inForce()).toEqual(before);
  });

  test('started at boot, before the gateways: all is as it was', async () => {
    await host.ok('systemctl enable --quiet firewalld');
    await host.reboot();
    await ibqOk(host, ['wait', '4001', '4002', '--timeout', '300']);
    await settled();
    const after = await inForce();
    expect({ ...after, containers: 0, generation: 0 }).toEqual({
      ...before,
      containers: 0,
      generation: 0,
    });
    expect(await wayOut('4001')).toBe(true);
    expect((await ibqOk(host, ['deploy'])).stderr).toContain('nothing to do');
    const failed = [...(await doctorChecks(host)).values()].filter(
      ({ result }) => result === 'fail',
    );
    expect(failed).toEqual([]);
  });

  /** It answers, and who was told of its reload has done what he does. */
  async function settled(): Promise<void> {
    await until(
      'firewalld runs',
      async () => (await host.run('firewall-cmd --state')).exitCode === 0,
    );
    await host.rest(2_000);
  }

  async function inForce() {
    const shown = async (command: string) => (await host.ok(command)).replaceAll(/\n\t*#.*/g, '');
    return {
      containers: await containerIds(host),
      generation: await generation(host),
      hostRules: await shown('nft --stateless list table inet ibq_host'),
      guards: await Promise.all(
        ['4001', '4002'].map(async (name) =>
          shown(`nsenter -t ${await containerPid(host, name)} -n nft --stateless list ruleset`),
        ),
      ),
      shim: await host.ok('ip -brief -4 address show ibqshim; ip route show dev ibqshim'),
      answers: {
        ports: await answers('host', ['127.0.0.1:4001', '127.0.0.1:4002']),
        lan: [
          ...(await answers('host', [await onLan()])),
          ...(await answers('lan1', [await onLan()])),
        ],
        stranger: await answers('lan2', [await onLan()]),
      },
    };
  }

  async function onLan(): Promise<string> {
    return `${await lanAddress(host, '4001')}:4003`;
  }

  async function answers(where: 'host' | 'lan1' | 'lan2', targets: string[]): Promise<boolean[]> {
    const argv = [host.node, '--input-type=module', '-', ...targets] as const;
    const said =
      where === 'host'
        ? await host.ok(argv, { stdin: prober })
        : await host.okIn(where, argv, { stdin: prober });
    const seen = JSON.parse(said) as Record<string, boolean>;
    return targets.map((target) => seen[target] === true);
  }

  /** A new connection to beyond the host; the machine there refuses it, and so has been reached. */
  async function wayOut(name: string): Promise<boolean> {
    // The patience begins with the connection: Node's own start may take long on a busy machine.
    const connect = `setTimeout(() => { console.log('SILENCE'); process.exit(); }, 5000);
      require('net').connect(22, '198.51.100.1').on('error', (it) => { console.log(it.code); process.exit(); })`;
    const enter = ['nsenter', '-t', await containerPid(host, name), '-n'] as const;
    const said = (await host.ok([...enter, host.node, '-e', connect])).trim();
    // A firewall drops it, or refuses it by a word of its own (icmp, host prohibited).
    if (!['ECONNREFUSED', 'SILENCE', 'EHOSTUNREACH'].includes(said)) {
      throw new Error(`the way out: ${said}`);
    }
    return said === 'ECONNREFUSED';
  }

  /** What doctor says of a way out that was the same before and after it looked. */
  async function asItIs(): Promise<{ open: boolean; checks: Map<string, CheckResult> }> {
    for (;;) {
      const open = await wayOut('4001');
      const checks = await doctorChecks(host);
      if ((await wayOut('4001')) === open) return { open, checks };
    }
  }

  /** Types what is advised, each line as it stands. */
  async function asSaid(found: CheckResult | undefined): Promise<void> {
    expect(found?.mend).toMatch(/^sudo /);
    for (const line of (found?.mend ?? '').split('\n')) await host.ok(line.replace(/^sudo /, ''));
  }
});
