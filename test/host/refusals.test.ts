/** What ibq can't work with, it refuses before it changes anything, and says what to do. */

import { beforeAll, describe, expect, test } from 'vitest';
import { addArguments, ibqOk, setPassword, told, until } from './gateways.ts';
import { describeOnHosts, installIbq, type RunResult } from './harness.ts';

describeOnHosts('refusals', (host) => {
  /** All programs of the host but one, by links: for a PATH without it. */
  const without = (program: string) => `/root/without-${program}`;

  beforeAll(async () => {
    await installIbq(host);
    await ibqOk(host, ['init']);
    await ibqOk(host, addArguments('4002'));
    await setPassword(host, '4002');
    for (const program of ['podman', 'systemctl', 'flock']) {
      const directory = without(program);
      await host.ok(
        `mkdir ${directory} && ln -s /usr/sbin/* /usr/bin/* ${directory}/ 2>/dev/null; rm ${directory}/${program}`,
      );
    }
    await host.writeFile('/root/old/podman', '#!/bin/sh\necho podman version 4.9.3\n', 0o755);
    await host.writeFile('/root/oldish/podman', '#!/bin/sh\necho podman version 5.2.5\n', 0o755);
    await host.writeFile('/root/garbled/podman', '#!/bin/sh\necho nothing of the kind\n', 0o755);
  });

  describe('without root: 77, with the line that works', () => {
    test.each([
      'init',
      'instance add 4003 --user me',
      'instance remove 4002',
      'secret set 4002 password',
      'secret list',
      'deploy',
      'deploy --dry-run',
      'status',
    ])('ibq %s', async (command) => {
      const result = await host.run(['su', '-', 'trader', '-c', `$(command -v ibq) ${command}`]);
      expect(result.exitCode, await told(host, result)).toBe(77);
      expect(result.stderr.trimEnd()).toMatch(/^ibq: .*needs root: run "sudo ibq [^"]+"$/m);
      expect(result.stderr).toContain(`sudo ibq ${command.split(' ')[0]}`);
    });

    test.each(['--version', '--help', 'network detect', 'network detect --json'])(
      'ibq %s works',
      async (command) => {
        await host.ok(['su', '-', 'trader', '-c', `$(command -v ibq) ${command}`]);
      },
    );
  });

  describe('a part that is missing or too old: 69, and which', () => {
    test.each([
      [
        'no podman',
        without('podman'),
        /^ibq: podman is not installed; install Podman 5\.3 or newer/m,
      ],
      [
        'podman 4.9',
        '/root/old:$PATH',
        /^ibq: podman 4\.9\.3 is too old: ibq needs 5\.3 or newer/m,
      ],
      [
        'podman 5.2',
        '/root/oldish:$PATH',
        /^ibq: podman 5\.2\.5 is too old: ibq needs 5\.3 or newer/m,
      ],
      [
        'a podman of no version',
        '/root/garbled:$PATH',
        /^ibq: podman \(unknown version\) is too old/m,
      ],
      ['no systemctl', without('systemctl'), /^ibq: systemd is not running here/m],
      ['no flock', without('flock'), /^ibq: flock is missing; install the package util-linux/m],
    ])('%s', async (_title, path, message) => {
      expectRefused(await host.run(`PATH=${path} "$(command -v ibq)" deploy`), 69, message);
    });

    test('a host that systemd has not booted', async () => {
      const hidden =
        'mount -t tmpfs tmpfs /run/systemd && mount -t tmpfs tmpfs /run/dbus && ibq deploy';
      const result = await host.run(['unshare', '--mount', 'sh', '-c', hidden]);
      expectRefused(
        result,
        69,
        /^ibq: systemd is not running here; ibq needs a host booted with systemd/m,
      );
    });

    test('an image of this host that is not there', async () => {
      expectRefused(
        await host.run('ibq deploy'),
        69,
        /^ibq: image localhost\/ibq-simulator:latest is not on this host/m,
      );
    });
  });

  test('another ibq at work: 75, and which', async () => {
    // Who holds the lock is written in it.
    const hold = 'echo pid 1234, \\"ibq deploy\\", since now >/run/ibq/lock; exec sleep infinity';
    await host.ok(
      `mkdir -p /run/ibq; systemd-run --quiet --unit=holder flock /run/ibq/lock sh -c '${hold}'`,
    );
    await until('it holds the lock', async () =>
      (await host.readFile('/run/ibq/lock')).includes('pid 1234'),
    );
    for (const command of ['deploy', 'secret remove 4002 password']) {
      expectRefused(
        await host.run(`ibq ${command}`),
        75,
        /^ibq: another ibq is at work: pid 1234, "ibq deploy", since now/m,
      );
    }
    await host.ok('systemctl stop holder');
  });

  test('whatever was refused has left nothing behind', async () => {
    expect(await host.ok('ls /etc/ibq')).toBe('ibq.toml\ninstances\nnetwork.toml\n');
    expect(await host.ok('podman network ls --format "{{.Name}}"')).toBe('podman\n');
  });

  function expectRefused(result: RunResult, exitCode: number, message: RegExp): void {
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toContain('this is a bug');
    expect(result.exitCode).toBe(exitCode);
  }
});
