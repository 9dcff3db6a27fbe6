/** A second factor that is answered after 170 s: nothing cuts the wait short, and looking at it leaves no trace. */

import { beforeAll, describe, expect, test } from 'vitest';
import type { Counts } from '../simulator/ibkr/protocol.ts';
import { addGateway, ibq, ibqOk, prepareHost, statusOf, told, until } from './gateways.ts';
import { describeOnHosts, type RunResult, type TestHost } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

const ANSWERED_AFTER_S = 170;
const USER = 'user_4001';

describeOnHosts('second factor', (host) => {
  let ibkr: HostIbkr;
  let deploy: Promise<RunResult>;

  beforeAll(async () => {
    await prepareHost(host);
    ibkr = new HostIbkr(host);
    await ibkr.listen();
    await addGateway(host, '4001', {
      mode: 'live',
      set: [WITH_IBKR, `environment.SIMULATOR_TWO_FACTOR_SECONDS=${ANSWERED_AFTER_S}`],
    });
    deploy = ibq(host, ['deploy', '--timeout', '400']);
    return () => ibkr.close();
  });

  test('deploy waits, says what for each time, and ends ready with one request at IBKR', async () => {
    const asked = async () => ibkr.counts(USER).secondFactorAsked === 1;
    await until('IBKR asks for the second factor', asked);
    const result = await deploy;
    expect(result.exitCode, await told(host, result)).toBe(0);
    const waits = result.stderr.split('\n').filter((line) => line.includes('still waiting after'));
    expect(waits.length).toBeGreaterThanOrEqual(14);
    const said = new Set(waits.map((line) => /4001 \((.*?)\)/.exec(line)?.[1]));
    for (const word of said) {
      expect(['starting', 'logging in', 'waiting for 2FA']).toContain(word);
    }
    expect(said).toContain('waiting for 2FA');
    expect(result.stderr).toContain('answer the notice in IBKR Mobile');
    expect(result.stderr).toMatch(/4001: ready at /);
    expect(ibkr.counts(USER)).toMatchObject({
      attempts: 1,
      secondFactorAsked: 1,
      secondFactorAnswered: 1,
      completed: 1,
      open: 1,
    });
  });

  test('300 calls of status add no line to the log of one that waits, and no connection at its relay', async () => {
    const patient = { name: 'patient', user: 'user_patient', seconds: 3600 };
    await addGateway(host, patient.name, {
      mode: 'live',
      port: 4011,
      set: [
        WITH_IBKR,
        `environment.SIMULATOR_TWO_FACTOR_SECONDS=${patient.seconds}`,
        `environment.SIMULATOR_TWO_FACTOR_TIMEOUT_SECONDS=${patient.seconds}`,
      ],
    });
    await ibqOk(host, ['deploy', '--no-wait']);
    const waits = async () => (await statusOf(host, patient.name)).word === 'waiting for 2FA';
    await until('it waits for its second factor', waits);
    const before = await logLines(host, patient.name);
    // A relay that is asked with nobody behind it writes two lines each time.
    await host.ok(
      'seq 300 | xargs -P 4 -I{} sh -c "ibq status --json >/tmp/status.{} 2>/dev/null; true"',
    );
    const words = await host.ok(
      `cat /tmp/status.* | grep -o '"stage": *"[^"]*"' | sort | uniq -c | sed 's/^ *//'`,
    );
    expect(words.trim()).toBe('300 "stage": "waiting-for-two-factor"');
    expect(await logLines(host, patient.name)).toBe(before);
    expect(ibkr.counts(patient.user)).toMatchObject({
      attempts: 1,
      secondFactorAsked: 1,
      completed: 0,
    });
  });

  describe('what follows one', () => {
    // Which holds ibq's lock.
    beforeAll(async () => void (await deploy));

    test.each<{
      name: string;
      port: number;
      behaviour?: string;
      set: readonly string[];
      /** What reaches IBKR, before it is looked at. */
      wanted: Partial<Counts>;
      words: readonly string[];
      problems?: RegExp;
    }>([
      {
        name: 'again',
        port: 4012,
        behaviour: 'no-login',
        set: [
          'relogin_after_twofa_timeout=true',
          'environment.SIMULATOR_TWO_FACTOR_TIMEOUT_SECONDS=20',
        ],
        // Asked for a second time, with nobody's doing.
        wanted: { attempts: 2, secondFactorAsked: 2, secondFactorTimedOut: 1 },
        words: ['logging in', 'waiting for 2FA'],
      },
      {
        name: 'device',
        port: 4013,
        behaviour: 'several-devices',
        set: ['twofa_device=IB Key'],
        wanted: { attempts: 1, secondFactorAsked: 1, completed: 1 },
        words: ['ready'],
      },
      {
        name: 'stalled',
        port: 4014,
        behaviour: 'login-stalls',
        set: ['relogin_after_twofa_timeout=true', 'twofa_exit_interval=5'],
        wanted: { attempts: 1, secondFactorAnswered: 1, completed: 0, lost: 0, open: 0 },
        // IBC ends with 87, and systemd starts it again in a minute.
        words: ['restarting'],
        problems: /login.*not complete/i,
      },
    ])('$name: $words', async ({ name, port, behaviour, set, wanted, words, problems }) => {
      await addGateway(host, name, { mode: 'live', port, behaviour, set: [WITH_IBKR, ...set] });
      await ibqOk(host, ['deploy', '--no-wait']);
      await ibkr.until(`user_${name}`, wanted);
      await until(`${name} is ${words.join(' or ')}, and says why`, async () => {
        const { word, problems: told } = await statusOf(host, name);
        return words.includes(word) && (problems?.test(told.join('\n')) ?? true);
      });
    });
  });
});

/** Lines that the gateway's container has written in its present run. */
async function logLines(host: TestHost, name: string): Promise<number> {
  const invocation = `systemctl show --value --property=InvocationID ib-gateway@${name}.service`;
  return Number(
    await host.ok(
      `journalctl --quiet --output=cat _SYSTEMD_INVOCATION_ID=$(${invocation}) | grep -c .`,
    ),
  );
}
