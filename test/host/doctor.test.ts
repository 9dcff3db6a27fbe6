/**
 * `ibq doctor` on a booted host: with nothing deployed, then its programs, configuration, secrets, images
 * and memory. Each check is broken for its real cause, is found, is mended as it says itself, and passes.
 * One host, cases in order; doctor-*.test.ts have the other checks.
 */

import { beforeAll, describe, expect, test } from 'vitest';
import { misfits } from '../schema/validate.ts';
import { byId, doctor, doctorOn, failures } from './doctor-cases.ts';
import { ALLOWED, addGateway, allow, ibq, ibqOk, setPassword } from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator } from './harness.ts';

describeOnHosts('doctor', (host) => {
  const { asSaid, check, passes, replace, seenAs, writeHostConfig } = doctorOn(host);

  beforeAll(async () => {
    await Promise.all([installIbq(host), installSimulator(host)]);
  });

  test('nothing is deployed: nothing fails, and what asks instances is skipped', async () => {
    const { exitCode, checks } = await doctor(host);
    expect(failures(checks)).toEqual([]);
    expect(exitCode).toBe(0);
    for (const id of ['secrets', 'image-present', 'instance-guards', 'generated-units']) {
      expect(checks.get(id), id).toMatchObject({ result: 'skipped', mend: null });
    }
  });

  test('a user is told to type sudo', async () => {
    const result = await host.run(['su', '-', 'trader', '-c', 'ibq doctor']);
    expect(result).toMatchObject({ exitCode: 77, stdout: '' });
    expect(result.stderr).toContain('sudo ibq doctor');
  });

  describe('with two gateways', () => {
    beforeAll(async () => {
      await ibqOk(host, ['init']);
      await allow(host, [ALLOWED]);
      await addGateway(host, '4001', { mode: 'live' });
      await addGateway(host, '4002');
      await ibqOk(host, ['deploy']);
    });

    test('all is well, in JSON by its schema and on lines', async () => {
      const result = await ibq(host, ['doctor', '--json']);
      expect(misfits('doctor', result.stdout)).toEqual([]);
      const checks = byId(result.stdout);
      const results = [...checks.values()].filter(({ id }) => id !== 'clock');
      expect(results.filter((check) => check.result !== 'ok')).toEqual([]);
      const plain = await ibq(host, ['doctor']);
      expect(plain.exitCode).toBe(0);
      expect(plain.stdout).toContain('✓ published ports: 4001, 4002\n');
      expect(plain.stdout).not.toContain('\u001b');
      expect(plain.stderr).toMatch(/^\d+ checks: \d+ ok, /m);
    });

    test('podman: missing', () =>
      check('podman', 'fail', {
        break: () => host.ok('mv /usr/bin/podman /usr/bin/podman.away'),
        says: /not installed/,
        mend: () => host.ok('mv /usr/bin/podman.away /usr/bin/podman'),
      }));

    test('podman: hangs, and the doctor does not', async () => {
      await replace('/usr/bin/podman', 'exec sleep 1000');
      const { value, ms } = await host.timed(() =>
        doctor(host).finally(() => host.ok('umount /usr/bin/podman')),
      );
      const { checks } = value;
      expect(ms).toBeLessThan(20_000);
      expect(checks.get('podman')).toMatchObject({ result: 'fail' });
      expect(checks.get('podman')?.detail).toContain('hangs');
      expect(failures(checks)).toEqual(['podman']);
      expect(checks.get('secrets')).toMatchObject({
        result: 'skipped',
        detail: 'podman does not answer',
      });
      await passes('podman');
    });

    test('podman: too old', () =>
      check('podman', 'fail', {
        break: async () => {
          await host.ok('cp /usr/bin/podman /run/podman-as-it-is');
          const old = '[ "$1" != --version ] || { echo podman version 5.2.5; exit; }';
          await replace('/usr/bin/podman', `${old}\nexec /run/podman-as-it-is "$@"`);
        },
        says: /5\.2\.5 is too old/,
        mend: () => host.ok('umount /usr/bin/podman'),
      }));

    test('systemd: too old', () =>
      check('systemd', 'fail', {
        break: async () => {
          await host.ok('cp /usr/bin/systemctl /run/systemctl');
          const old = '[ "$1" != --version ] || { echo systemd 252; exit; }';
          await replace('/usr/bin/systemctl', `${old}\nexec /run/systemctl "$@"`);
        },
        says: /252 is too old/,
        mend: () => host.ok('umount /usr/bin/systemctl'),
      }));

    test('systemd: did not boot this host', () =>
      seenAs('systemd', 'fail', 'mount -t tmpfs none /run/systemd', 'true'));

    test.each([
      ['netavark', '/usr/lib/podman/netavark'],
      ['nft', '/usr/sbin/nft'],
      ['nsenter', '/usr/bin/nsenter'],
      ['quadlet-generator', '/usr/lib/systemd/system-generators/podman-system-generator'],
    ])('%s: missing', (id, path) =>
      check(id, 'fail', {
        break: () => host.ok(`mv ${path} ${path}.away`),
        says: /missing/,
        mend: () => host.ok(`mv ${path}.away ${path}`),
      }),
    );

    test('guard-hook: anybody may change the guard', () =>
      check('guard-hook', 'fail', {
        break: () => host.ok(`chmod 0777 ${LIBRARY}/guard`),
        says: /guard should be writable by root alone, has mode 777/,
        mend: asSaid,
      }));

    test('guard-hook: its definition is gone', () =>
      check('guard-hook', 'fail', {
        break: () => host.ok(`rm ${LIBRARY}/hooks.d/ibq-guard.json`),
        says: /ibq-guard\.json is missing/,
        mend: () => installIbq(host),
      }));

    test('cgroups-v2: the old hierarchy', () =>
      seenAs('cgroups-v2', 'fail', 'mount -t tmpfs none /sys/fs/cgroup', 'true'));

    test('kernel-modules: a driver that this kernel lacks', async () => {
      const pair = 'ip link add a type veth peer name b';
      const attempt = `unshare --net sh -c '${pair} && ip link add link a name c type ipvlan'`;
      // The machine's kernel decides which drivers there are.
      if ((await host.run(attempt)).exitCode === 0) return;
      await check('kernel-modules', 'fail', {
        break: () => writeHostConfig('[network]\ndriver = "ipvlan"\n'),
        says: /should make ipvlan links/,
        mend: () => writeHostConfig('[network]\ndriver = "macvlan"\n'),
      });
      await allow(host, [ALLOWED]);
    });

    test('configuration: a mistake', () =>
      check('configuration', 'fail', {
        break: () => host.writeFile('/etc/ibq/instances/4003.toml', 'mood = "paper"\n'),
        says: /4003\.toml: mood/,
        mend: () => host.ok('rm /etc/ibq/instances/4003.toml'),
      }));

    test('secrets: a password is gone', () =>
      check('secrets', 'fail', {
        break: () => host.ok('podman secret rm ibq-4002-password'),
        says: /password of 4002 is not set/,
        mend: async ({ mend }) => {
          expect(mend).toBe('sudo ibq secret set 4002 password');
          await setPassword(host, '4002');
        },
      }));

    test('image-present: the image is gone', () =>
      check('image-present', 'fail', {
        break: () =>
          host.ok(
            'podman image inspect -f "{{.Id}}" localhost/ibq-simulator >/run/id && podman untag localhost/ibq-simulator',
          ),
        says: /localhost\/ibq-simulator.* is not on this host/,
        mend: () => host.ok('podman tag "$(cat /run/id)" localhost/ibq-simulator:latest'),
      }));

    test('image-uid: settings restored as root', () =>
      check('image-uid', 'fail', {
        break: () =>
          host.ok('chown 0:0 /var/lib/containers/storage/volumes/ibq-4001-settings/_data'),
        says: /settings of 4001 should belong to 1000:1000, .* to 0:0/,
        mend: asSaid,
      }));

    test('image-uid: an image that runs as another user', () =>
      check('image-uid', 'fail', {
        break: () =>
          host.ok(
            'podman image inspect -f "{{.Id}}" localhost/ibq-simulator >/run/id && printf "FROM localhost/ibq-simulator\\nUSER 911\\n" | podman build -q -t localhost/ibq-simulator -',
          ),
        says: /runs as user 911, images of the profile simulator as 1000:1000/,
        mend: () => host.ok('podman tag "$(cat /run/id)" localhost/ibq-simulator:latest'),
      }));

    test('memory: more heap than there is', () =>
      check('memory', 'warn', {
        break: () => writeHostConfig('[defaults]\njava_heap = 60000\n'),
        says: /120000 MB/,
        mend: () => allow(host, [ALLOWED]),
      }));

    test('disk: full', () =>
      seenAs(
        'disk',
        'fail',
        'mount -t tmpfs -o size=20m none /var/lib/containers',
        'mount -o remount,size=3g /var/lib/containers',
      ));

    test('clock: as systemd tells', async () => {
      await replace('/usr/bin/timedatectl', 'echo no');
      expect((await doctor(host)).checks.get('clock')).toMatchObject({ result: 'warn' });
      await host.ok('umount /usr/bin/timedatectl');
      await replace('/usr/bin/timedatectl', 'echo yes');
      await passes('clock');
      await host.ok('umount /usr/bin/timedatectl');
    });
  });
});

/** Where ibq was installed, for a shell on the host. */
const LIBRARY = '"$(dirname "$(readlink -f "$(command -v ibq)")")"';
