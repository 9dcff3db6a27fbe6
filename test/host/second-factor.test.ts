/** A second factor that is answered after 170 s: nothing cuts the wait short, and looking at it leaves no trace. */

import { beforeAll, expect, test } from 'vitest';
import { addGateway, ibq, prepareHost, statusOf, told, until } from './gateways.ts';
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
    deploy = ibq(host, ['deploy', '--timeout', '400'], { timeoutMs: 500_000 });
    return () => ibkr.close();
  }, 300_000);

  test('300 calls of status add no line to its log and no connection at its relay', async () => {
    const asked = async () => ibkr.counts(USER).secondFactorAsked === 1;
    await until('IBKR asks for the second factor', asked, 120_000);
    await until(
      'status says so',
      async () => (await statusOf(host, '4001')).word === 'waiting for 2FA',
      20_000,
    );
    const before = await logLines(host);
    // As many at once as two processors like; a relay that is asked writes two lines each time.
    await host.ok(
      'seq 300 | xargs -P 4 -I{} sh -c "ibq status --json >/tmp/status.{} 2>/dev/null; true"',
      { timeoutMs: 160_000 },
    );
    const words = await host.ok(`cat /tmp/status.* | grep -o '"word": *"[^"]*"' | sort | uniq -c`);
    expect(await logLines(host)).toBe(before);
    expect(words.trim().split('\n')).toHaveLength(1);
    expect(words).toContain('waiting for 2FA');
    expect(ibkr.counts(USER)).toMatchObject({ attempts: 1, secondFactorAsked: 1, completed: 0 });
  }, 300_000);

  test('deploy waits, says what for each time, and ends ready with one request at IBKR', async () => {
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
  }, 500_000);
});

/** Lines that the gateway's container has written in its present run. */
async function logLines(host: TestHost): Promise<number> {
  const invocation = 'systemctl show --value --property=InvocationID ib-gateway@4001.service';
  return Number(
    await host.ok(
      `journalctl --quiet --output=cat _SYSTEMD_INVOCATION_ID=$(${invocation}) | grep -c .`,
    ),
  );
}
