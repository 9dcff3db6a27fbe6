/**
 * `ibq doctor` on a booted host: ports, instances, rules, generations and units. Each check is broken for
 * its real cause, is found, is mended as it says itself, and passes. One host, cases in order;
 * doctor-*.test.ts have the other checks.
 */

import { beforeAll, expect, test } from 'vitest';
import { accountsAt } from './api-client.ts';
import { doctor, doctorOn } from './doctor-cases.ts';
import {
  addGateway,
  containerIds,
  ibq,
  ibqOk,
  prepareHost,
  status,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, libraryOf } from './harness.ts';

describeOnHosts('doctor of what is in force', (host) => {
  const { asSaid, check, passes } = doctorOn(host);

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002');
    await ibqOk(host, ['deploy']);
  });

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

  test('generation: its manifest was cut off, and the one before it leads on', async () => {
    // A second generation, by which nothing that runs changes.
    await host.ok("sed -i 's/10.0.0.7/10.0.0.8/' /etc/ibq/ibq.toml");
    await ibqOk(host, ['deploy']);
    const before = await containerIds(host);
    await check('generation', 'fail', {
      break: async () => {
        await host.ok('truncate -s 100 /etc/ibq/current/manifest.json');
      },
      says: /manifest\.json: should be JSON/,
      mend: async ({ mend }) => {
        expect(mend).toMatch(
          /sudo ln -sfn generations\/\d+ \/etc\/ibq\/current && sudo ibq deploy/,
        );
        await host.ok((mend ?? '').replaceAll('sudo ', ''));
      },
    });
    expect(await containerIds(host)).toEqual(before);
  });

  test('generation: current is gone; all goes on where it was, and nobody is logged out', async () => {
    const before = { ids: await containerIds(host), addresses: await addresses() };
    await check('generation', 'fail', {
      break: async () => {
        await host.ok('rm /etc/ibq/current');
        const { exitCode, stdout, stderr } = await ibq(host, ['status']);
        expect({ exitCode, ready: stdout.match(/\tready$/gm)?.length }).toEqual({
          exitCode: 0,
          ready: 2,
        });
        expect(stderr).toContain('/etc/ibq/current is gone');
        const restart = await ibq(host, ['restart', '4001']);
        expect(restart.exitCode).toBe(78);
      },
      says: /current is gone: no gateway that ends can start again/,
      mend: () => ibqOk(host, ['deploy']),
    });
    expect({ ids: await containerIds(host), addresses: await addresses() }).toEqual(before);
  });

  test('/run/ibq is gone: what runs is found again, and who may not get in does not', async () => {
    const before = await containerIds(host);
    const lan = (await addresses())[0]?.lan?.address ?? '';
    await check('instance-guards', 'warn', {
      break: () => host.ok('rm -rf /run/ibq'),
      says: /what the guard of 4001 wrote down in \/run\/ibq\/instances is gone; its rules are in force/,
      mend: async () => {
        const { exitCode, stderr } = await ibq(host, ['status']);
        expect(exitCode).toBe(0);
        expect(stderr).toMatch(/4001: what its guard wrote down in \/run\/ibq is gone/);
        // 10.0.0.8 was let in; now 10.0.0.7 is.
        await host.ok("sed -i 's/10.0.0.8/10.0.0.7/' /etc/ibq/ibq.toml");
        const deployed = await ibqOk(host, ['deploy']);
        expect(deployed.stderr).toContain('update the guard of 4001');
      },
    });
    expect((await accountsAt(host, 'lan1', lan, 4003)).accounts).toHaveLength(1);
    await host.ok("rm -rf /run/ibq; sed -i 's/10.0.0.7/10.0.0.8/' /etc/ibq/ibq.toml");
    await ibqOk(host, ['deploy']);
    const knock = `ip netns exec lan1 timeout 2 bash -c '</dev/tcp/${lan}/4003'`;
    expect((await host.run(knock)).exitCode).toBe(124);
    await host.ok("sed -i 's/10.0.0.8/10.0.0.7/' /etc/ibq/ibq.toml");
    await ibqOk(host, ['deploy']);
    expect(await containerIds(host)).toEqual(before);
  });

  test('the interface on the LAN is gone: said, and made again without a login', async () => {
    const before = { ids: await containerIds(host), addresses: await addresses() };
    const [lan] = before.addresses.map((it) => it.lan?.address ?? '');
    await check('instances', 'fail', {
      break: () => inGuard('ip link del lan0'),
      says: /4001: LAN lost/,
      mend: async (found) => {
        const state = await ibq(host, ['status']);
        expect(state.exitCode).toBe(3);
        expect(state.stderr).toMatch(/4001: its interface on the LAN is gone \(eth1 /);
        const tried = await ibq(host, ['network', 'test', '4001']);
        expect(tried.exitCode, await told(host, tried)).toBe(3);
        expect(tried.stdout).toMatch(/its interface lan0 is gone/);
        await asSaid(found);
      },
    });
    expect({ ids: await containerIds(host), addresses: await addresses() }).toEqual(before);
    const link = await inGuard('ip -br link show lan0');
    expect(link).toContain(before.addresses[0]?.lan?.mac ?? 'no MAC');
    expect((await accountsAt(host, 'lan1', lan ?? '', 4003)).accounts).toHaveLength(1);
  });

  test('a restart of what would not come back stops nothing, and names all that is lacking', async () => {
    const before = await containerIds(host);
    await host.ok(`podman secret inspect --showsecret -f '{{.SecretData}}' ibq-4002-password >/root/password
      podman secret rm ibq-4002-password
      podman tag localhost/ibq-simulator:latest localhost/kept && podman untag localhost/ibq-simulator:latest localhost/ibq-simulator:latest
      chmod -x ${libraryOf(host)}/guard
      ip link set eth1 down && ip link set eth1 name enp7s0`);
    const idle = await ibq(host, ['restart', '4002']);
    await host.ok(`ip link set enp7s0 name eth1 && ip link set eth1 up
      chmod +x ${libraryOf(host)}/guard
      podman tag localhost/kept localhost/ibq-simulator:latest`);
    expect(idle.exitCode, await told(host, idle)).toBe(69);
    for (const text of [
      /guard should be a program, can't be run; run "sudo chmod 755 /,
      /interface eth1, which carries the LAN of the instances, is gone/,
      /instance 4002: its password is not set; run "sudo ibq secret set 4002 password"/,
      /image localhost\/ibq-simulator:latest is not on this host/,
      /nothing was restarted$/m,
    ]) {
      expect(idle.stderr).toMatch(text);
    }
    const { stderr } = await ibqOk(host, ['deploy']);
    expect(stderr).toMatch(/can't start again: instance 4002: its password is not set/);
    await host.ok('podman secret create ibq-4002-password /root/password');
    expect(await containerIds(host)).toEqual(before);
  });

  test('two ports are swapped: each comes back at the other’s', async () => {
    await host.ok(`cd /etc/ibq/instances
      for it in 4001=4002 4002=4001; do sed -i "1i port = \${it#*=}" "\${it%=*}.toml"; done`);
    const { stderr } = await ibqOk(host, ['deploy', '--restart-changed']);
    expect(stderr).toContain("restart 4001, 4002 together: they take over each other's ports");
    const swapped = (await status(host)).instances.map(({ name, publish, ready }) => [
      name,
      publish,
      ready,
    ]);
    expect(swapped).toEqual([
      ['4001', '127.0.0.1:4002', true],
      ['4002', '127.0.0.1:4001', true],
    ]);
    await host.ok("sed -i '/^port = /d' /etc/ibq/instances/400?.toml");
    await ibqOk(host, ['deploy']);
    // Both wait for each other now: one alone could not come back.
    const alone = await ibq(host, ['restart', '4001']);
    expect(alone.exitCode).toBe(1);
    expect(alone.stderr).toContain('to restart both: sudo ibq restart 4001 4002');
    await ibqOk(host, ['restart', '4001', '4002']);
    await ibqOk(host, ['wait', '4001', '4002']);
  });

  test('networks: gone while all was stopped, and made again by the next start', async () => {
    await ibqOk(host, ['stop', '--all']);
    const removed = await host.ok(
      "podman network ls --format '{{.Name}}' | grep ^ibq- | xargs podman network rm",
    );
    expect(removed.trim().split('\n')).toHaveLength(2);
    await check('networks', 'fail', {
      says: /ibq-lan-\w+, ibq-publish-\w+ are gone/,
      mend: async () => {
        const { stderr } = await ibqOk(host, ['deploy']);
        expect(stderr).toMatch(/make network ibq-publish-\w+ again/);
        expect(stderr).toContain('2 of 2 ready');
      },
    });
  });

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

  test('instance rename: address, MAC, port, settings and secrets stay; killed half-way it is taken up again', async () => {
    const [, before] = await addresses();
    await host.ok(
      'podman exec ib-gateway-4002 sh -c "echo mine >/home/ibgateway/tws_settings/mine"',
    );
    // Without a word on a terminal nothing that runs is stopped.
    expect((await ibq(host, ['instance', 'rename', '4002', 'trade'])).exitCode).toBe(64);
    // The copy of the settings never ends.
    await host.writeFile('/root/slow/cp', '#!/bin/sh\nexec sleep 1000\n', 0o755);
    const killed = await host.run(
      'PATH=/root/slow:$PATH timeout -s KILL 20 ibq instance rename 4002 trade -y',
    );
    expect(killed.exitCode).not.toBe(0);
    await ibqOk(host, ['deploy']);
    expect((await addresses())[1]).toEqual(before);

    await ibqOk(host, ['instance', 'rename', '4002', 'trade', '-y']);
    await ibqOk(host, ['deploy', '-y']);
    const now = (await status(host)).instances.map(({ name, publish, lan, ready }) => ({
      name,
      publish,
      lan,
      ready,
    }));
    expect(now[1]).toEqual({ name: 'trade', ...before, ready: true });
    expect(
      await host.ok('podman exec ib-gateway-trade cat /home/ibgateway/tws_settings/mine'),
    ).toBe('mine\n');
    await ibqOk(host, ['instance', 'remove', '4002', '--purge']);
    expect(await host.ok('podman volume ls -q')).not.toContain('ibq-4002');
  });

  async function addresses() {
    return (await status(host)).instances.map(({ publish, lan }) => ({ publish, lan }));
  }

  function inGuard(command: string): Promise<string> {
    return host.ok(`. /run/ibq/instances/4001/state; nsenter -t $pid -n ${command}`);
  }
});

const USER = '/etc/containers/systemd/ib-gateway@';
const DROP_IN = 'units/ib-gateway@4002.container.d/10-ibq.conf';
