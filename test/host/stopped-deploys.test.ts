/** A deploy that is stopped, refused or broken off at any time: it says so, and nothing that ran stops. */

import { beforeAll, describe, expect, test } from 'vitest';
import { generation, ibq, lastReload, status, told, until } from './gateways.ts';
import { describeOnHosts, type RunResult } from './harness.ts';
import { Interrupted } from './interrupted.ts';

describeOnHosts('stopped deploys', (host) => {
  const deploys = new Interrupted(host);
  let hanging: Promise<RunResult>;

  beforeAll(async () => {
    await deploys.prepare();
    // It takes a minute, and no lock: the other tests run meanwhile.
    await host.writeFile('/root/hanging/podman', '#!/bin/sh\nexec sleep 1000\n', 0o755);
    hanging = host.run('PATH=/root/hanging:$PATH ibq deploy --dry-run');
    await deploys.expectFirstDeploy();
  });

  describe('killed (-9) at any time', () => {
    test.each([200, 400, 700, 1100])('after %i ms', async (milliseconds) => {
      await deploys.changeConfiguration();
      await deploys.deployUntil('SIGKILL', String(milliseconds));
      await deploys.expectWholeGenerations();
      await deploys.expectSurvived();
    });
  });

  test('SIGINT: the step in hand is finished, and it says how far it got', async () => {
    await deploys.changeConfiguration();
    const result = await deploys.deployUntil('SIGINT', 'write and check generation');
    expect(result.exitCode, await told(host, result)).toBe(130);
    expect(result.stderr).toMatch(/stopped after 1 of \d+; next would be: stop /);
    expect((await deploys.expectSurvived()).stderr).not.toContain('[1/1]');
  });

  test('SIGTERM while it waits for a slow login: it ends at once, with 143', async () => {
    await deploys.changeConfiguration('slow-login:30');
    const result = await deploys.deployUntil('SIGTERM', 'wait for ');
    expect(result.exitCode, await told(host, result)).toBe(143);
    expect(result.stderr).toMatch(/stopped after \d+ of \d+/);
    const [, ended] = /^end-at: ended (\d+) ms after the signal$/m.exec(result.stderr) ?? [];
    expect(Number(ended)).toBeLessThan(5_000);
    await deploys.changeConfiguration();
    await deploys.expectSurvived();
  });

  test('two at once: the second ends with 75 and names the first', async () => {
    await deploys.changeConfiguration('slow-login:12');
    const first = ibq(host, ['deploy', '-y']);
    await until('the first is at work', async () => {
      const holder = `kill -0 "$(sed -n 's/^pid \\([0-9]*\\),.*/\\1/p' /run/ibq/lock)"`;
      return (await host.run(holder)).exitCode === 0;
    });
    const second = await ibq(host, ['deploy']);
    expect(second.exitCode, await told(host, second)).toBe(75);
    expect(second.stderr).toMatch(/another ibq is at work: pid \d+, "ibq deploy", since 2/);
    // Looking is allowed meanwhile.
    expect((await status(host)).instances).toHaveLength(3);
    const result = await first;
    expect(result.exitCode, await told(host, result)).toBe(0);
    await deploys.expectSurvived();
  });

  test('a full disk: a clear error, the old generation stays in force', async () => {
    await deploys.changeConfiguration();
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
    await deploys.expectSurvived();
  });

  test('a Podman that fails: its own words, nothing changed', async () => {
    await deploys.changeConfiguration();
    const before = { generation: await generation(host), reload: await lastReload(host) };
    await deploys.fakeProgram(
      'podman',
      `[ "$1" != secret ] || { echo "Error: database is locked" >&2; exit 125; }
       exec /usr/bin/podman "$@"`,
    );
    const result = await host.run('PATH=/root/fake:$PATH ibq deploy');
    expect(result.exitCode, await told(host, result)).toBe(1);
    expect(result.stderr).toMatch(/^ibq: podman secret ls failed: Error: database is locked$/m);
    expect({ generation: await generation(host), reload: await lastReload(host) }).toEqual(before);
    await deploys.expectSurvived();
  });

  test('a Podman that hangs: it is given up after a minute, and named', async () => {
    const result = await hanging;
    expect(result.exitCode, await told(host, result)).toBe(1);
    expect(result.stderr).toMatch(/^ibq: podman .*did not (end|answer) in time/m);
  });
});
