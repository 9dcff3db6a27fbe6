/** A deploy that is killed, at any step: the next one ends well, and nothing that ran stops. */

import { beforeAll, describe, expect, test } from 'vitest';
import { generation, lastReload, told } from './gateways.ts';
import { describeOnHosts } from './harness.ts';
import { Interrupted } from './interrupted.ts';

describeOnHosts('killed', (host) => {
  const deploys = new Interrupted(host);

  beforeAll(() => deploys.prepare());

  describe('the first deploy, killed (-9) at one step after the other', () => {
    test.each([
      'write and check generation',
      'write /etc/systemd/system/ib-gateways.target',
      'enable ib-gateways.target',
      'reload systemd',
      "load the host's rules",
      'start 4001, 4002',
    ])('at: %s', async (step) => {
      const result = await deploys.deployUntil('SIGKILL', step);
      expect(result.exitCode, await told(host, result)).toBe(137);
      await deploys.expectWholeGenerations();
    });

    test('the next one ends well, with nothing left over', () => deploys.expectFirstDeploy());
  });

  describe('a deploy with a new, a removed and a changed instance, killed (-9) at each step', () => {
    const steps = [
      'write and check generation',
      'stop ',
      'switch to generation',
      'reload systemd',
      'update the guard of 4001',
      'update the guard of 4002',
      'start ',
      'wait for ',
    ];
    test.each(steps)('a moment after it began: %s', async (step) => {
      await deploys.changeConfiguration();
      const result = await deploys.deployUntil('SIGKILL+5', `\\] ${step}`);
      expect(result.exitCode, await told(host, result)).toBe(137);
      await deploys.expectWholeGenerations();
      await deploys.expectSurvived();
    });
  });

  // Each file, and the switch itself, comes to its name by one.
  test.each([1, 2, 3, 4, 5])('killed (-9) just before its rename(2) number %i', async (number) => {
    await deploys.changeConfiguration();
    const calls = '?rename,?renameat,renameat2';
    const kill = ['-e', `trace=${calls}`, '-e', `inject=${calls}:signal=KILL:when=${number}`];
    const result = await host.run(['strace', '-o', '/dev/null', ...kill, 'ibq', 'deploy', '-y']);
    expect(result.exitCode, await told(host, result)).toBe(137);
    await deploys.expectWholeGenerations();
    await deploys.expectSurvived();
  });

  test('killed between the switch and the reload, exactly', async () => {
    await deploys.changeConfiguration();
    const before = { generation: await generation(host), reload: await lastReload(host) };
    await deploys.fakeProgram(
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
    expect((await deploys.expectSurvived()).stderr).toContain('reload systemd');
  });
});
