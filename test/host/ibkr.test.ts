/** The stand-in for IBKR hears of every login and every end of a gateway, however it gets there. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { addGateway, ibqOk, prepareHost, statusOf, until } from './gateways.ts';
import { describeOnHosts } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

describeOnHosts('IBKR', (host) => {
  const ibkr = new HostIbkr(host);

  beforeAll(async () => {
    await prepareHost(host);
    await ibkr.listen();
    const commands = 'environment.SIMULATOR_COMMAND_PORT=7462';
    await addGateway(host, '4001', { mode: 'live', set: [WITH_IBKR, commands] });
    await ibqOk(host, ['deploy', '--timeout', '60'], { timeoutMs: 180_000 });
  });
  afterAll(() => ibkr.close());

  const user = 'user_4001';

  test('a gateway in a network of its own logs in, once', () => {
    expect(ibkr.counts(user)).toMatchObject({
      connections: 1,
      attempts: 1,
      secondFactorAsked: 1,
      completed: 1,
      open: 1,
    });
  });

  test('STOP of the command server is a logout, and the container ends with 0', async () => {
    const ask = 'exec 3<>/dev/tcp/127.0.0.1/7462; printf "STOP\\n" >&3; head -1 <&3';
    await host.ok(['podman', 'exec', 'ib-gateway-4001', 'bash', '-c', ask]);
    await ibkr.until(user, { logouts: 1, open: 0, lost: 0 });
    await until('the unit has ended', async () => {
      const { unit } = await statusOf(host, '4001');
      return unit.active === 'inactive' && unit.result === 'success';
    });
  });

  test('in the network of the host it logs in too', async () => {
    await host.writeFile('/etc/ibq/ibq.toml', '[network]\nmode = "host"\n');
    await ibqOk(host, ['deploy'], { timeoutMs: 120_000 });
    await ibqOk(host, ['start', '4001']);
    await ibkr.until(user, { completed: 2, open: 1 });
  });

  test('a link that is cut is known to the gateway, and told until it is back', async () => {
    ibkr.setPolicy(user, { link: 'down' });
    const lost = 'frame entitled: Connecting to server...; event=Opened';
    await until('the gateway says so', async () => {
      const { stdout } = await host.run('journalctl -b -o cat -u ib-gateway@4001');
      return stdout.includes(lost);
    });
    const seen = await statusOf(host, '4001');
    expect(seen).toMatchObject({ word: 'link down', stage: 'link-lost', ready: false });
    expect(seen.problems.join()).toContain('has lost its link to IBKR');
    ibkr.setPolicy(user, { link: 'up' });
    await until('it is ready', async () => (await statusOf(host, '4001')).ready);
    expect(ibkr.counts(user)).toMatchObject({ attempts: 2, completed: 2 });
  });

  test('its counts outlast a reboot, and the gateways find it again', async () => {
    await host.reboot();
    await ibkr.listen();
    await ibkr.until(user, { completed: 3, open: 1 }, 60_000);
    expect(ibkr.counts(user).attempts).toBe(3);
  });
});
