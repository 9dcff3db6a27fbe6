/** Gateways are ordinary services: systemctl does to one what it says, and a reboot brings all back. */

import { beforeAll, expect, test } from 'vitest';
import { accountsAt } from './api-client.ts';
import {
  addGateway,
  containerIds,
  generation,
  ibq,
  ibqOk,
  prepareHost,
  status,
  until,
} from './gateways.ts';
import { describeOnHosts } from './harness.ts';

describeOnHosts('systemd', (host) => {
  const NAMES = ['4001', '4002', 'research'];

  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, '4001', { mode: 'live' });
    await addGateway(host, '4002', { mode: 'paper' });
    await addGateway(host, 'research', { mode: 'paper', port: 4010 });
    await ibqOk(host, ['deploy']);
  });

  test('`systemctl stop` of one: it is inactive, not failed; the others go on', async () => {
    const before = await containerIds(host);
    await host.ok('systemctl stop ib-gateway@4002');
    const { '4002': stopped, ...others } = before;
    expect(stopped).toBeDefined();
    expect(await containerIds(host)).toEqual(others);
    const state = await host.ok('systemctl show ib-gateway@4002 -p ActiveState,Result | sort');
    expect(state).toBe('ActiveState=inactive\nResult=success\n');
    expect(await host.ok('systemctl --failed --plain --no-legend')).toBe('');
  });

  test('`systemctl start` of one: it is ready again; the others go on', async () => {
    const before = await containerIds(host);
    await host.ok('systemctl start ib-gateway@4002');
    await ibqOk(host, ['wait', '4002', '--timeout', '300']);
    expect(await containerIds(host)).toEqual({ ...before, '4002': expect.any(String) });
  });

  test('`systemctl restart` of one: a new container for it alone', async () => {
    const before = await containerIds(host);
    await host.ok('systemctl restart ib-gateway@4002');
    await ibqOk(host, ['wait', '4002', '--timeout', '300']);
    const after = await containerIds(host);
    expect(after['4002']).not.toBe(before['4002']);
    expect({ ...after, '4002': '' }).toEqual({ ...before, '4002': '' });
  });

  test('the target stops all and starts all', async () => {
    await host.ok('systemctl stop ib-gateways.target');
    // systemctl waits for the target alone; each instance then logs out.
    const gone = async () => Object.keys(await containerIds(host)).length === 0;
    await until('all have logged out', gone);
    await until(
      'their units are down',
      async () => (await host.ok('systemctl list-jobs --no-legend')).trim() === '',
    );
    expect(await host.ok('systemctl --failed --plain --no-legend')).toBe('');
    await host.ok('systemctl start ib-gateways.target');
    await ibqOk(host, ['wait', ...NAMES, '--timeout', '300']);
  });

  test('a gateway that was killed comes back by itself, and status says so meanwhile', async () => {
    // A minute is too long for a test, and a few seconds pass unseen on a busy machine; the drop-in is a user's own.
    await host.writeFile(
      '/etc/containers/systemd/ib-gateway@research.container.d/soon.conf',
      '[Service]\nRestartSec=20\nRestartSteps=0\n',
    );
    await ibqOk(host, ['deploy', '--restart-changed']);
    const before = await containerIds(host);
    await host.ok('podman kill --signal KILL ib-gateway-research');
    await until('status says restarting', async () => {
      const { stdout } = await ibq(host, ['status']);
      return /^research\t.*\trestarting$/m.test(stdout);
    });
    await until('it runs again', async () => 'research' in (await containerIds(host)));
    await ibqOk(host, ['wait', 'research', '--timeout', '300']);
    const after = await containerIds(host);
    expect(after.research).not.toBe(before.research);
    expect({ ...after, research: '' }).toEqual({ ...before, research: '' });
  });

  test('after a reboot all come back, with their addresses, ready', async () => {
    const before = await status(host);
    const current = await generation(host);
    await host.reboot();
    await ibqOk(host, ['wait', ...NAMES, '--timeout', '300']);

    const after = await status(host);
    const addresses = ({ instances }: typeof before) =>
      instances.map(({ name, publish, lan }) => ({ name, publish, lan }));
    expect(addresses(after)).toEqual(addresses(before));
    expect(after.instances.map(({ word, pendingRestart }) => [word, pendingRestart])).toEqual(
      NAMES.map(() => ['ready', false]),
    );
    // What systemd says is what the kernel has.
    const [first] = after.instances;
    const inside = await host.ok(
      'podman exec ib-gateway-4001 cat /proc/net/fib_trie /sys/class/net/lan0/address',
    );
    expect(inside).toContain(first?.lan?.address);
    expect(inside).toContain(first?.lan?.mac);
    expect((await accountsAt(host, 'lan1', first?.lan?.address ?? '', 4003)).accounts).toHaveLength(
      1,
    );

    const { stderr } = await ibqOk(host, ['deploy']);
    expect(stderr).toContain('nothing to do; 3 of 3 ready');
    expect(await generation(host)).toBe(current);
  });

  test('after a reboot without the link to the current generation a deploy starts all where they were', async () => {
    const places = async () =>
      (await status(host)).instances.map(({ name, publish, lan }) => ({ name, publish, lan }));
    const before = await places();
    await host.ok('rm /etc/ibq/current');
    await host.reboot();
    expect((await ibq(host, ['status'])).stderr).toContain('/etc/ibq/current is gone');
    const { stderr } = await ibqOk(host, ['deploy']);
    expect(stderr).toContain('3 of 3 ready');
    expect(await places()).toEqual(before);
  });

  test('after a second reboot a stopped one is started too: the target wants it', async () => {
    await host.ok('systemctl stop ib-gateway@4002');
    await host.reboot();
    await ibqOk(host, ['wait', ...NAMES, '--timeout', '300']);
  });
});
