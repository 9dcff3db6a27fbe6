/** A deploy that ends too early, at any point: the next one ends well, and nothing that ran stops. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  ALLOWED,
  addArguments,
  addGateway,
  allow,
  containerIds,
  generation,
  ibq,
  ibqOk,
  lastReload,
  prepareHost,
  setPassword,
  status,
  told,
} from './gateways.ts';
import { describeOnHosts, type RunResult } from './harness.ts';

const endAt = readFileSync(new URL('end-at.mjs', import.meta.url), 'utf8');

describeOnHosts('killed', (host) => {
  /** Of the two gateways that run all the time. */
  let running: Record<string, string>;
  let turn = 0;
  let hanging: Promise<RunResult>;

  beforeAll(async () => {
    await prepareHost(host);
    await host.writeFile('/root/end-at.mjs', endAt);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { mode: 'paper' });
    // It takes a minute, and no lock: the other tests run meanwhile.
    await host.writeFile('/root/hanging/podman', '#!/bin/sh\nexec sleep 1000\n', 0o755);
    hanging = host.run('PATH=/root/hanging:$PATH ibq deploy --dry-run', { timeoutMs: 120_000 });
  });

  describe('the first deploy, killed (-9) at one step after the other', () => {
    test.each([
      'write and check generation',
      'write /etc/systemd/system/ib-gateways.target',
      'enable ib-gateways.target',
      'reload systemd',
      "load the host's rules",
      'start 4001, 4002',
    ])('%s', async (step) => {
      // On a busy machine the one before may have come further than to its own step.
      if (step.startsWith('enable')) await host.run('systemctl disable ib-gateways.target');
      const result = await deployUntil('SIGKILL', step);
      expect(result.exitCode, await told(host, result)).toBe(137);
      await expectWholeGenerations();
    });

    test('the next one ends well, with nothing left over', async () => {
      await expectDeploys('2 of 2 ready');
      expect(await host.ok('find /etc/ibq /etc/containers/systemd -name ".*"')).toBe('');
      running = await containerIds(host);
      expect(Object.keys(running).sort()).toEqual(['4001', '4002']);
    });
  });

  describe('a deploy with a new, a removed and a changed instance, killed (-9) at each step', () => {
    test.each([
      'write and check generation',
      'stop ',
      'switch to generation',
      'reload systemd',
      'update the guard of 4001',
      'update the guard of 4002',
      'start ',
      'wait for ',
    ])('%s', async (step) => {
      await changeConfiguration();
      const result = await deployUntil('SIGKILL', `\\] ${step}`);
      expect(result.exitCode, await told(host, result)).toBe(137);
      await expectWholeGenerations();
      await expectSurvived();
    });
  });

  // Each file, and the switch itself, comes to its name by one.
  test.each([1, 2, 3, 4, 5])('killed (-9) just before its rename(2) number %i', async (number) => {
    await changeConfiguration();
    const calls = '?rename,?renameat,renameat2';
    const kill = ['-e', `trace=${calls}`, '-e', `inject=${calls}:signal=KILL:when=${number}`];
    const result = await host.run(['strace', '-o', '/dev/null', ...kill, 'ibq', 'deploy', '-y']);
    expect(result.exitCode, await told(host, result)).toBe(137);
    await expectWholeGenerations();
    await expectSurvived();
  });

  test('killed between the switch and the reload, exactly', async () => {
    await changeConfiguration();
    const before = { generation: await generation(host), reload: await lastReload(host) };
    await fakeProgram(
      'systemctl',
      `case "$*" in *daemon-reload*) kill -KILL "$(cat /run/victim)"; exit 1 ;; esac
       exec /usr/bin/systemctl "$@"`,
    );
    const result = await host.run(
      "PATH=/root/fake:$PATH sh -c 'echo $$ >/run/victim; exec ibq deploy -y'",
    );
    expect(result.exitCode, await told(host, result)).toBe(137);
    expect(await generation(host)).not.toBe(before.generation);
    expect(await lastReload(host)).toBe(before.reload);
    expect((await expectSurvived()).stderr).toContain('reload systemd');
  });

  describe('killed (-9) at any time', () => {
    test.each([200, 400, 700, 1100])('after %i ms', async (milliseconds) => {
      await changeConfiguration();
      await deployUntil('SIGKILL', String(milliseconds));
      await expectWholeGenerations();
      await expectSurvived();
    });
  });

  test('SIGINT: the step in hand is finished, and it says how far it got', async () => {
    await changeConfiguration();
    const result = await deployUntil('SIGINT', 'write and check generation');
    expect(result.exitCode, await told(host, result)).toBe(130);
    expect(result.stderr).toMatch(/stopped after 1 of \d+; next would be: stop /);
    expect((await expectSurvived()).stderr).not.toContain('[1/1]');
  });

  test('SIGTERM while it waits for a slow login: it ends at once, with 143', async () => {
    await changeConfiguration('slow-login:30');
    const started = Date.now();
    const result = await deployUntil('SIGTERM', 'wait for ');
    expect(result.exitCode, await told(host, result)).toBe(143);
    expect(result.stderr).toMatch(/stopped after \d+ of \d+/);
    expect(Date.now() - started).toBeLessThan(15_000);
    await changeConfiguration();
    await expectSurvived();
  });

  test('two at once: the second ends with 75 and names the first', async () => {
    await changeConfiguration('slow-login:6');
    const first = ibq(host, ['deploy', '-y'], { timeoutMs: 120_000 });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const second = await ibq(host, ['deploy']);
    expect(second.exitCode, await told(host, second)).toBe(75);
    expect(second.stderr).toMatch(/another ibq is at work: pid \d+, "ibq deploy", since 2/);
    // Looking is allowed meanwhile.
    expect((await status(host)).instances).toHaveLength(3);
    const result = await first;
    expect(result.exitCode, await told(host, result)).toBe(0);
    await expectSurvived();
  });

  test('a full disk: a clear error, the old generation stays in force', async () => {
    await changeConfiguration();
    const before = { generation: await generation(host), reload: await lastReload(host) };
    await host.ok(`mkdir -p /mnt/small && mount -t tmpfs -o size=4M tmpfs /mnt/small
      cp -a /etc/ibq/generations/. /mnt/small/ && mount --bind /mnt/small /etc/ibq/generations
      head -c 4M /dev/zero >/mnt/small/filler 2>/dev/null || true`);
    const result = await ibq(host, ['deploy', '-y']);
    await host.ok('umount /etc/ibq/generations /mnt/small');
    expect(result.exitCode, await told(host, result)).toBe(1);
    expect(result.stderr).toMatch(/^ibq: .*(no space left|ENOSPC)/m);
    expect(result.stderr).not.toContain('this is a bug');
    expect({ generation: await generation(host), reload: await lastReload(host) }).toEqual(before);
    await expectSurvived();
  });

  test('a Podman that fails: its own words, nothing changed', async () => {
    await changeConfiguration();
    const before = { generation: await generation(host), reload: await lastReload(host) };
    await fakeProgram(
      'podman',
      `[ "$1" != secret ] || { echo "Error: database is locked" >&2; exit 125; }
       exec /usr/bin/podman "$@"`,
    );
    const result = await host.run('PATH=/root/fake:$PATH ibq deploy');
    expect(result.exitCode, await told(host, result)).toBe(1);
    expect(result.stderr).toMatch(/^ibq: podman secret ls failed: Error: database is locked$/m);
    expect({ generation: await generation(host), reload: await lastReload(host) }).toEqual(before);
    await expectSurvived();
  });

  test('a Podman that hangs: it is given up after a minute, and named', async () => {
    const result = await hanging;
    expect(result.exitCode, await told(host, result)).toBe(1);
    expect(result.stderr).toMatch(/^ibq: podman .*did not (end|answer) in time/m);
  });

  /**
   * The third instance goes, another takes over its port, and the list of allowed clients changes:
   * a plan with every kind of step.
   */
  async function changeConfiguration(behaviour?: string): Promise<void> {
    const [old, next] = turn++ % 2 === 0 ? ['odd', 'even'] : ['even', 'odd'];
    await host.run([
      'rm',
      '-f',
      `/etc/ibq/instances/${old}.toml`,
      `/etc/ibq/instances/${next}.toml`,
    ]);
    await ibqOk(
      host,
      addArguments(next, {
        port: next === 'odd' ? 4031 : 4032,
        ...(behaviour ? { behaviour } : {}),
      }),
    );
    if (turn <= 2) await setPassword(host, next);
    await allow(host, turn % 2 === 0 ? [ALLOWED] : [ALLOWED, '10.0.0.8']);
  }

  /** @param pattern of a line of progress, or milliseconds */
  function deployUntil(
    signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM',
    pattern: string,
  ): Promise<RunResult> {
    return host.run(['node', '/root/end-at.mjs', signal, pattern, 'ibq', 'deploy', '-y']);
  }

  /** Whatever is at its final name is complete: its manifest knows every file, and each is there. */
  async function expectWholeGenerations(): Promise<void> {
    const whole = `for (const number of fs.readdirSync('/etc/ibq/generations').filter((it) => /^\\d+$/.test(it))) {
      const directory = '/etc/ibq/generations/' + number;
      const { files } = JSON.parse(fs.readFileSync(directory + '/manifest.json', 'utf8'));
      for (const [path, digest] of Object.entries(files)) {
        const text = fs.readFileSync(directory + '/' + path);
        if (crypto.createHash('sha256').update(text).digest('hex') !== digest) throw new Error(path);
      }
    }
    if (fs.existsSync('/etc/ibq') && fs.readdirSync('/etc/ibq').includes('current')) fs.readdirSync('/etc/ibq/current/');`;
    await host.ok(['sh', '-c', 'test ! -d /etc/ibq/generations || node -e "$0"', whole]);
  }

  /** The next deploy ends well, and the two that ran before run on. */
  async function expectSurvived(): Promise<RunResult> {
    const result = await expectDeploys('3 of 3 ready');
    const { '4001': live, '4002': paper } = await containerIds(host);
    expect({ '4001': live, '4002': paper }).toEqual(running);
    return result;
  }

  async function expectDeploys(summary: string): Promise<RunResult> {
    const result = await ibq(host, ['deploy', '-y', '--timeout', '60'], { timeoutMs: 120_000 });
    expect(result.exitCode, await told(host, result)).toBe(0);
    expect(result.stderr).toContain(summary);
    const again = await ibqOk(host, ['deploy']);
    expect(again.stderr).toContain(`nothing to do; ${summary}`);
    return result;
  }

  /** A shell script in the place of a program, for who puts /root/fake first into PATH. */
  async function fakeProgram(name: string, script: string): Promise<void> {
    await host.ok('rm -rf /root/fake');
    await host.writeFile(`/root/fake/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
  }
});
