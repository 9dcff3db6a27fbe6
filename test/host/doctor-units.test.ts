/**
 * `ibq doctor` on a booted host: ports, instances, rules, generations and units. Each check is broken for
 * its real cause, is found, is mended as it says itself, and passes. One host, cases in order;
 * doctor-*.test.ts have the other checks.
 */

import { beforeAll, expect, test } from 'vitest';
import { doctor, doctorOn } from './doctor-cases.ts';
import { addGateway, ibq, ibqOk, prepareHost, until } from './gateways.ts';
import { describeOnHosts } from './harness.ts';

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

  function inGuard(command: string): Promise<string> {
    return host.ok(`. /run/ibq/instances/4001/state; nsenter -t $pid -n ${command}`);
  }
});

const USER = '/etc/containers/systemd/ib-gateway@';
const DROP_IN = 'units/ib-gateway@4002.container.d/10-ibq.conf';
