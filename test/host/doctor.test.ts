/**
 * `ibq doctor` on a booted host: each check is broken for its real cause, is found, is mended as it
 * says itself, and passes. One host, cases in order.
 */

import { beforeAll, describe, expect, test } from 'vitest';
import type { CheckResult, Result } from '../../src/doctor/check.ts';
import { misfits } from '../schema/validate.ts';
import {
  ALLOWED,
  addGateway,
  allow,
  ibq,
  ibqOk,
  lanAddress,
  setPassword,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, installIbq, installSimulator, type TestHost } from './harness.ts';

describeOnHosts('doctor', (host) => {
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
      const started = Date.now();
      const { checks } = await doctor(host).finally(() => host.ok('umount /usr/bin/podman'));
      expect(Date.now() - started).toBeLessThan(20_000);
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

    test('parent-interface: down', () =>
      check('parent-interface', 'fail', {
        break: () => host.ok('ip link set eth1 down'),
        says: /eth1 should be up, is down/,
        mend: async ({ mend }) => {
          expect(mend).toMatch(/^sudo ip link set eth1 up;/);
          await host.ok('ip link set eth1 up');
        },
      }));

    test('parent-interface: renamed', () =>
      check('parent-interface', 'fail', {
        break: () => host.ok('ip link set eth1 down && ip link set eth1 name lan9 up'),
        says: /eth1 .* is gone; lan9 \(02:00:0a:00:00:05\) has its subnet 10\.0\.0\.0\/24 now/,
        mend: async () => {
          await host.ok('ip link set lan9 down && ip link set lan9 name eth1 up');
          await until('eth1 is up', async () =>
            (await host.readFile('/sys/class/net/eth1/operstate')).startsWith('up'),
          );
        },
      }));

    test('parent-interface: another subnet', () =>
      check('parent-interface', 'fail', {
        break: () =>
          host.ok('ip address replace 10.0.5.5/24 dev eth1; ip address del 10.0.0.5/24 dev eth1'),
        says: /should have an address in 10\.0\.0\.0\/24, has 10\.0\.5\.0\/24/,
        mend: () =>
          host.ok('ip address add 10.0.0.5/24 dev eth1; ip address del 10.0.5.5/24 dev eth1'),
      }));

    test('wireless: macvlan over Wi-Fi', async () => {
      const look = `d=$(readlink -f /sys/class/net/eth1); cp -rL $d/type $d/operstate $d/address $d/uevent /run/ 2>/dev/null
        mount -t tmpfs none $d; for f in type operstate address uevent; do cp /run/$f $d; done; mkdir $d/wireless`;
      await seenAs('wireless', 'fail', look, driver('ipvlan'));
      await allow(host, [ALLOWED]);
    });

    test('cloud: addresses that it did not assign', async () => {
      const look = `mkdir -p /run/class/dmi/id; cp -a /sys/class/net /run/class; echo "Amazon EC2" >/run/class/dmi/id/sys_vendor
        mount --bind /run/class /sys/class`;
      await seenAs(
        'cloud',
        'fail',
        look,
        `printf '[network]\\nmode = "bridge"\\n' >/etc/ibq/ibq.toml`,
      );
      await allow(host, [ALLOWED]);
    });

    test('virtual-switch: the port lets one MAC address through', () =>
      check('virtual-switch', 'fail', {
        break: () => host.okIn('switch', `${ONE_MAC}`),
        says: /10\.0\.0\.1 answers the host and not 4001, 4002/,
        mend: () => host.okIn('switch', 'nft delete table bridge port'),
      }));

    test('duplicate-address: a neighbour takes the address of an instance', () =>
      check('duplicate-address', 'fail', {
        break: () => host.ok('ip -n lan3 address add 10.0.0.192/24 dev eth0'),
        says: /10\.0\.0\.192 of 4001 is also that of 02:00:0a:00:00:09/,
        mend: () => host.ok('ip -n lan3 address del 10.0.0.192/24 dev eth0'),
      }));

    test('dhcp-range: a stranger in the range', () =>
      check('dhcp-range', 'warn', {
        break: () => host.ok('ip -n lan3 address add 10.0.0.210/24 dev eth0'),
        says: /10\.0\.0\.210 \(MAC 02:00:0a:00:00:09\)/,
        mend: () => host.ok('ip -n lan3 address del 10.0.0.210/24 dev eth0'),
      }));

    test('forwarding: switched off', () =>
      check('forwarding', 'fail', {
        break: () => host.ok('sysctl -qw net.ipv4.ip_forward=0'),
        says: /ip_forward should be 1, is 0/,
        mend: async ({ mend }) => {
          expect(mend).toMatch(/^sudo sysctl -w net\.ipv4\.ip_forward=1,/);
          await host.ok('sysctl -w net.ipv4.ip_forward=1');
        },
      }));

    test('forwarding: a firewall drops it', () =>
      check('forwarding', 'fail', {
        break: () =>
          host.ok(
            "nft 'add table inet fw; add chain inet fw forward { type filter hook forward priority 0; policy drop; }'",
          ),
        says: /198\.51\.100\.1 answers the host and not 4001, 4002/,
        mend: asSaid,
      }).finally(() => host.ok('nft delete table inet fw')));

    test('ports: taken, by whom', async () => {
      await host.ok('systemctl stop ib-gateway@4002');
      const listen = "require('net').createServer().listen(4002)";
      await check('ports', 'fail', {
        break: async () => {
          await host.ok(`systemd-run --quiet --unit=squatter node -e "${listen}"`);
          await until('the port is taken', async () =>
            (await host.ok('ss -Hltn sport = :4002')).includes('4002'),
          );
        },
        says: /127\.0\.0\.1:4002 of 4002 is taken by \S+ \(pid \d+\) of squatter\.service/,
        mend: () => host.ok('systemctl stop squatter'),
      });
    });

    test('ports: a deploy names the same program', async () => {
      const listen = "require('net').createServer().listen(4002)";
      await host.ok(`systemd-run --quiet --unit=squatter node -e "${listen}"`);
      await until('the port is taken', async () =>
        (await host.ok('ss -Hltn sport = :4002')).includes('4002'),
      );
      const { exitCode, stderr } = await ibq(host, ['deploy']);
      await host.ok('systemctl stop squatter');
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /instance 4002: its port 127\.0\.0\.1:4002 is taken by \S+ \(pid \d+\) of squatter\.service;/,
      );
      expect(stderr).toContain('nothing was changed');
    });

    test('instances: stopped', () =>
      check('instances', 'warn', {
        says: /4002: stopped/,
        mend: async (found) => {
          await asSaid(found);
          await ibqOk(host, ['wait', '4002']);
        },
      }));

    test('instances: hangs', () =>
      check('instances', 'fail', {
        break: () => ibqOk(host, ['exec', '4002', '--', 'simulator', 'hang']),
        says: /4002: hung/,
        mend: async () => {
          await ibqOk(host, ['restart', '4002']);
          await ibqOk(host, ['wait', '4002']);
        },
      }));

    test('port-rules and host-rules: `nft flush ruleset`', async () => {
      await host.ok('nft flush ruleset');
      const { exitCode, checks } = await doctor(host);
      expect(exitCode).toBe(3);
      for (const id of ['port-rules', 'host-rules']) {
        const found = checks.get(id);
        expect(found, id).toMatchObject({ result: 'fail' });
        if (found) await asSaid(found);
      }
      await passes('port-rules', 'host-rules', 'forwarding', 'instances', 'instance-guards');
    });

    test('host-rules: a rule more', () =>
      check('host-rules', 'fail', {
        break: () => host.ok('nft insert rule inet ibq_host forward accept'),
        says: /not as it was deployed/,
        mend: asSaid,
      }));

    test('firewall-reload: nftables.service flushes everything', () =>
      check('firewall-reload', 'warn', {
        break: () =>
          host.ok(
            "printf 'flush ruleset\\ntable inet filter {\\n}\\n' >/etc/nftables.conf; systemctl enable --quiet nftables",
          ),
        says: /begins with "flush ruleset"/,
        mend: async () => {
          await host.ok("sed -i 's/flush ruleset/destroy table inet filter/' /etc/nftables.conf");
          await host.ok('systemctl reload-or-restart nftables');
        },
      }));

    test('what was advised holds: a reload of the firewall leaves the ports open', () =>
      passes('port-rules', 'host-rules', 'instances'));

    test('generation: its manifest was cut off', () =>
      check('generation', 'fail', {
        break: async () => {
          await host.ok('truncate -s 100 /etc/ibq/current/manifest.json');
        },
        says: /manifest\.json: should be JSON/,
        mend: async ({ mend }) => {
          expect(mend).toMatch(/or remove it and deploy /);
          await host.ok('rm /etc/ibq/current');
          // Without the old one nobody knows the bridge's subnet: a new bridge, and a restart for each.
          await ibqOk(host, ['deploy', '--restart-changed']);
        },
      }));

    test('foreign-files: a generated file was edited', () =>
      check('foreign-files', 'fail', {
        break: () => host.ok(`echo '# mine' >>/etc/ibq/current/${DROP_IN}`),
        says: /4002\.container\.d\/10-ibq\.conf was edited/,
        mend: () => ibqOk(host, ['deploy', '--replace-drift']),
      }));

    test('foreign-files: a file of somebody else', () =>
      check('foreign-files', 'fail', {
        break: () => host.ok('touch /etc/ibq/current/units/mine.container.bak'),
        says: /units\/mine\.container\.bak is not ibq's/,
        mend: () => host.ok('mv /etc/ibq/current/units/mine.container.bak /root'),
      }));

    test('foreign-files: a unit in the place of a generated one', () =>
      check('foreign-files', 'fail', {
        break: () =>
          host.writeFile(
            '/etc/systemd/system/ib-gateway@4001.service',
            '[Service]\nExecStart=true\n',
          ),
        says: /\/etc\/systemd\/system\/ib-gateway@4001\.service takes the place/,
        mend: () =>
          host.ok('rm /etc/systemd/system/ib-gateway@4001.service; systemctl daemon-reload'),
      }));

    test('user-drop-ins: one that opens, one that nobody reads, one for nobody', async () => {
      const file = (path: string, text: string) => host.writeFile(`${USER}${path}`, text);
      await check('user-drop-ins', 'fail', {
        break: async () => {
          await file('4001.container.d/90-mine.conf', '[Container]\nGlobalArgs=\nNetwork=host\n');
          await file('.container.d/mine.txt', '[Service]\n');
          await file('4o01.container.d/90-mine.conf', '[Service]\nNice=5\n');
        },
        says: /GlobalArgs= takes the guard away.*Network=host.*4o01.*mine\.txt is not read|GlobalArgs= takes the guard away/,
        mend: () => host.ok(`rm -r ${USER}*.container.d`),
      });
    });

    test('quadlet-generator and generated-units: a drop-in that does not parse', async () => {
      await host.writeFile(`${USER}4002.container.d/90-mine.conf`, '[Container]\nNoSuchKey=1\n');
      await host.ok('systemctl daemon-reload');
      const { checks } = await doctor(host);
      expect(checks.get('quadlet-generator')).toMatchObject({
        result: 'fail',
        detail: expect.stringContaining('NoSuchKey'),
      });
      expect(checks.get('generated-units')).toMatchObject({
        result: 'fail',
        detail: expect.stringMatching(/ib-gateway@4002\.service was not generated.*NoSuchKey/),
      });
      await host.ok(`rm -r ${USER}4002.container.d && systemctl daemon-reload`);
      await passes('quadlet-generator', 'generated-units');
    });

    test('instance-guards: the rules are gone', () =>
      check('instance-guards', 'fail', {
        break: () => inGuard('nft flush ruleset'),
        says: /guard of 4001 is not loaded: its ports are open/,
        mend: asSaid,
      }));

    test('instance-guards: a rule more', () =>
      check('instance-guards', 'fail', {
        break: () => inGuard('nft insert rule inet ibq input accept'),
        says: /guard of 4001 is not as deployed/,
        mend: asSaid,
      }));

    describe('shim', () => {
      beforeAll(async () => {
        await writeHostConfig(`[network]\nallow = ["${ALLOWED}"]\nhost_access = true\n`);
        await ibqOk(host, ['deploy']);
        await passes('shim');
      });

      test.each([
        ['gone', 'ip link delete ibqshim', /ibqshim is gone/],
        ['down', 'ip link set ibqshim down', /should be up, is down; .* should have a route to/],
        [
          'without its address',
          'ip address flush dev ibqshim',
          /ibqshim should have 10\.0\.0\.223/,
        ],
        [
          'without its route',
          'ip route flush dev ibqshim',
          /should have a route to 10\.0\.0\.192\/27/,
        ],
        [
          'of before a change',
          "sed -i 's/223/222/' /run/ibq/shim.conf",
          /set up otherwise than deployed/,
        ],
        ['its unit stopped', 'systemctl stop ibq-shim', /ibqshim is gone/],
      ])('%s', (_, broken, says) =>
        check('shim', 'fail', {
          break: () => host.ok(broken),
          says,
          mend: async (found) => {
            expect(found.mend).toMatch(/^sudo systemctl restart ibq-shim(;|$)/m);
            await host.ok('systemctl restart ibq-shim');
          },
        }),
      );

      test('a route of somebody else goes before', async () => {
        const address = await lanAddress(host, '4001');
        await check('shim', 'fail', {
          break: () => host.ok(`ip route add ${address}/32 dev eth1`),
          says: new RegExp(`^what this host sends to ${address} leaves by eth1, not by ibqshim$`),
          mend: ({ mend }) => {
            expect(mend).toContain(`ip route get ${address}; ip rule`);
            return host.ok(`ip route del ${address}/32 dev eth1`);
          },
        });
      });

      test('another unit in the place of its own', () =>
        check('shim', 'fail', {
          break: async () => {
            const file = '/etc/systemd/system.control/ibq-shim.service';
            await host.writeFile(file, '[Service]\nExecStart=true\n');
            await host.ok('systemctl daemon-reload');
          },
          says: /system\.control\/ibq-shim\.service takes the place of/,
          mend: () =>
            host.ok('rm /etc/systemd/system.control/ibq-shim.service; systemctl daemon-reload'),
        }));

      test('not at the next boot', () =>
        check('shim', 'warn', {
          break: () => host.ok('systemctl disable --quiet ib-gateways.target'),
          says: /does not start it at the next boot/,
          mend: asSaid,
        }));

      test('left over', async () => {
        await allow(host, [ALLOWED]);
        await ibqOk(host, ['deploy']);
        await passes('shim');
        await check('shim', 'warn', {
          break: () => host.ok('ip link add ibqshim link eth1 type macvlan mode bridge'),
          says: /network\.host_access is off/,
          mend: asSaid,
        });
      });
    });

    test('pending-restarts: deployed and not restarted', () =>
      check('pending-restarts', 'warn', {
        break: async () => {
          await host.ok("sed -i '1i java_heap = 900' /etc/ibq/instances/4002.toml");
          await ibqOk(host, ['deploy']);
        },
        says: /4002 runs by an older definition/,
        mend: async () => {
          await ibqOk(host, ['restart', '4002']);
          await ibqOk(host, ['wait', '4002']);
        },
      }));
  });

  /** A stand-in for a program, until it is unmounted. */
  async function replace(path: string, script: string): Promise<void> {
    const stand = `/run/stand-in-${path.replaceAll('/', '-')}`;
    await host.writeFile(stand, `#!/bin/sh\n${script}\n`, 0o755);
    await host.ok(['mount', '--bind', stand, path]);
  }

  interface Case {
    break?: () => Promise<unknown>;
    says: RegExp;
    mend: (found: CheckResult) => Promise<unknown>;
  }

  async function check(id: string, result: Result, what: Case): Promise<void> {
    await what.break?.();
    const { exitCode, checks } = await doctor(host);
    const found = checks.get(id);
    if (found) await what.mend(found);
    expect(found).toMatchObject({ id, result, detail: expect.stringMatching(what.says) });
    if (result === 'fail') expect(exitCode).toBe(3);
    await passes(id);
  }

  async function passes(...ids: string[]): Promise<void> {
    const { checks } = await doctor(host);
    for (const id of ids) expect(checks.get(id), id).toMatchObject({ result: 'ok', mend: null });
  }

  /** Types what is advised, each line as it stands. */
  async function asSaid({ mend }: CheckResult): Promise<void> {
    for (const line of (mend ?? '').split('\n')) await host.ok(line.replace(/^sudo /, ''));
  }

  /** What can't be broken for all of the host is broken for the doctor's eyes, in mounts of its own. */
  async function seenAs(id: string, result: Result, broken: string, mended: string): Promise<void> {
    const look = async (setup: string) => {
      const script = `${setup}; ibq doctor --json`;
      return byId((await host.run(['unshare', '--mount', 'bash', '-c', script])).stdout).get(id);
    };
    expect(await look(broken)).toMatchObject({ id, result });
    // Nothing to do in a view of its own: the next one is without the fault.
    const after = mended === 'true' ? mended : `${broken}; ${mended}`;
    expect(await look(after)).toMatchObject({ id, result: 'ok' });
  }

  function writeHostConfig(text: string): Promise<void> {
    return host.writeFile('/etc/ibq/ibq.toml', text);
  }

  function inGuard(command: string): Promise<string> {
    return host.ok(`. /run/ibq/instances/4001/state; nsenter -t $pid -n ${command}`);
  }
});

/** Where ibq was installed, for a shell on the host. */
const LIBRARY = '"$(dirname "$(readlink -f "$(command -v ibq)")")"';
const USER = '/etc/containers/systemd/ib-gateway@';
const DROP_IN = 'units/ib-gateway@4002.container.d/10-ibq.conf';
const ONE_MAC = `nft 'add table bridge port; add chain bridge port in { type filter hook prerouting priority -300; }; add rule bridge port in iifname "host" ether saddr != 02:00:0a:00:00:05 drop'`;

function driver(name: string): string {
  return `printf '[network]\\ndriver = "${name}"\\n' >/etc/ibq/ibq.toml`;
}

async function doctor(
  host: TestHost,
): Promise<{ exitCode: number; checks: Map<string, CheckResult> }> {
  const result = await ibq(host, ['doctor', '--json']);
  if (result.exitCode !== 0 && result.exitCode !== 3) throw new Error(await told(host, result));
  return { exitCode: result.exitCode, checks: byId(result.stdout) };
}

function byId(text: string): Map<string, CheckResult> {
  const { checks } = JSON.parse(text) as { checks: CheckResult[] };
  return new Map(checks.map((check) => [check.id, check]));
}

function failures(checks: ReadonlyMap<string, CheckResult>): string[] {
  return [...checks.values()].filter(({ result }) => result === 'fail').map(({ id }) => id);
}
