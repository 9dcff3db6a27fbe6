/** The cap on refused logins, counted at IBKR, while nobody looks. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addGateway,
  ibq,
  ibqOk,
  prepareHost,
  setPassword,
  setSecret,
  statusOf,
} from './gateways.ts';
import { describeOnHosts, type TestHost } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

/** As IBKR would: with the third the user is locked. */
const LOCKED_AFTER = 3;
const QUICK = [WITH_IBKR, 'environment.SIMULATOR_SHUTDOWN_SECONDS=0.5'];

describeOnHosts('refused logins', (host) => {
  let ibkr: HostIbkr;

  beforeAll(async () => {
    await prepareHost(host);
    ibkr = new HostIbkr(host);
    await ibkr.listen();
    const refuses = { password: 'right', lockOutAfter: LOCKED_AFTER };
    ibkr.setPolicy('user_w1', refuses);
    ibkr.setPolicy('user_e1', { ...refuses, refusal: 'login-error' });
    ibkr.setPolicy('user_u1', { ...refuses, refusal: 'unrecognized' });
    ibkr.setPolicy('paper_b1', refuses);
    await addGateway(host, 'w1', { mode: 'live', port: 4001, set: QUICK });
    await addGateway(host, 'e1', { mode: 'paper', port: 4002, set: QUICK });
    await addGateway(host, 'u1', {
      mode: 'paper',
      port: 4003,
      set: [...QUICK, 'login_attempts=1'],
    });
    await addGateway(host, 'b1', {
      mode: 'both',
      port: 4101,
      set: [
        ...QUICK,
        'paper_user=paper_b1',
        'environment.SIMULATOR_SECOND_START_SECONDS=3',
        // Its two halves are one process, which can't be held by halves: a gateway takes longer to start anyway.
        'environment.SIMULATOR_START_SECONDS=4',
      ],
    });
    await setSecret(host, 'b1', 'paper_password', 'wrong');
    await ibqOk(host, ['deploy', '--no-wait']);
  });

  afterAll(() => ibkr.close());

  test('end the gateway after as many as it may have, and lock nobody', async () => {
    for (const [name, user, attempts] of [
      ['w1', 'user_w1', 2],
      ['e1', 'user_e1', 2],
      ['u1', 'user_u1', 1],
      ['b1', 'paper_b1', 2],
    ] as const) {
      await ended(host, name);
      const { attempts: came, refused, lockOuts } = ibkr.counts(user);
      expect([name, came, refused, lockOuts]).toEqual([name, attempts, attempts, 0]);
    }
  });

  test('end the other half with a logout', async () => {
    await ibkr.until('user_b1', { completed: 1, logouts: 1, lost: 0, open: 0 });
  });

  test('are told by status, with the mend', async () => {
    const { word, ready, problems } = await statusOf(host, 'w1');
    expect([word, ready]).toEqual(['login refused', false]);
    expect(problems[0]).toMatch(/^IBKR refused its login 2 times, at .*Login failed/);
    const { stdout, stderr } = await ibq(host, ['plan']);
    expect(stdout + stderr).toContain('w1 is not started: IBKR refused its login');
  });

  describe('nothing starts it', () => {
    test.each([
      ['systemctl', ['systemctl', 'start', 'ib-gateway@w1']],
      ['its target', ['systemctl', 'restart', 'ib-gateways.target']],
      ['ibq start', ['ibq', 'start', 'w1']],
      ['ibq restart', ['ibq', 'restart', 'w1']],
      ['ibq deploy', ['ibq', 'deploy']],
    ] as const)('%s', async (_, argv) => {
      await host.run(argv);
      expect(await state(host, 'w1')).toBe('inactive');
      expect(ibkr.counts('user_w1').attempts).toBe(2);
    });

    test('a boot, which says why', async () => {
      await host.reboot();
      await ibkr.listen();
      expect(await state(host, 'w1')).toBe('inactive');
      expect(ibkr.counts('user_w1').attempts).toBe(2);
      const log = await host.ok('journalctl -b --no-pager -o cat -u ib-gateway@w1');
      expect(log).toContain('instance w1 is not started: IBKR refused its login at');
      expect(log).toContain('sudo ibq secret set w1 password');
    });
  });

  test('--retry-login tries as it is', async () => {
    await ibqOk(host, ['start', '--retry-login', 'e1']);
    await ibkr.until('user_e1', { attempts: 3 });
  });

  test('a password that is set anew starts it', async () => {
    await setPassword(host, 'w1', 'right');
    await ibqOk(host, ['start', 'w1']);
    await ibqOk(host, ['wait', 'w1', '--timeout', '300']);
    expect(ibkr.counts('user_w1')).toMatchObject({ attempts: 3, completed: 1, lockOuts: 0 });
  });

  test('a refused token is no refused password', async () => {
    ibkr.setPolicy('user_w1', { tokens: 'refused', refusal: 'login-error' });
    await ibqOk(host, ['restart', 'w1']);
    await ibqOk(host, ['wait', 'w1', '--timeout', '300']);
    expect(ibkr.counts('user_w1')).toMatchObject({ tokensRefused: 1, attempts: 4, completed: 2 });
  });
});

async function state(host: TestHost, name: string): Promise<string> {
  const argv = ['systemctl', 'show', '--value', '--property=ActiveState', `ib-gateway@${name}`];
  return (await host.ok(argv as [string, ...string[]])).trim();
}

/** Nobody asks ibq meanwhile. */
async function ended(host: TestHost, name: string): Promise<void> {
  const deadline = Date.now() + 600_000;
  const mark = `/var/lib/ibq/login-refused/${name}`;
  for (;;) {
    const there = (await host.run(['test', '-e', mark])).exitCode === 0;
    if (there && (await state(host, name)) === 'inactive') return;
    if (Date.now() > deadline) throw new Error(`${name} has not ended`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
