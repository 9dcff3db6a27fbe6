/** How gateways end: a logout or a pause that reaches IBC, no unit that failed, no login that could be saved. */

import { beforeAll, describe, expect, test } from 'vitest';
import { addGateway, ibq, ibqOk, prepareHost, setSecret, told, until } from './gateways.ts';
import { describeOnHosts, type TestHost } from './harness.ts';

const LIVE = 'l1';
const PAPER = 'p1';
const BOTH = 'b1';
const ALL = [LIVE, PAPER, BOTH] as const;
const UNITS = ALL.map((name) => `ib-gateway@${name}.service`);
/** Gateways behind each, with a session each. */
const SESSIONS = { [LIVE]: 1, [PAPER]: 1, [BOTH]: 2 } as const;

describeOnHosts('the end of a gateway', (host) => {
  beforeAll(async () => {
    await prepareHost(host);
    await addGateway(host, LIVE, { mode: 'live', port: 4001 });
    await addGateway(host, PAPER, { mode: 'paper', port: 4002 });
    await addGateway(host, BOTH, {
      mode: 'both',
      port: 4101,
      set: ['paper_user=paper_b1', 'environment.SIMULATOR_SECOND_START_SECONDS=1'],
    });
    await setSecret(host, BOTH, 'paper_password', 'any');
    await ibqOk(host, ['deploy', '--timeout', '60'], { timeoutMs: 180_000 });
  }, 300_000);

  test('four stops of three gateways: each session is logged out, each start is a login', async () => {
    for (let round = 0; round < 4; round++) {
      const before = await counts(host);
      const { stderr } = await ibqOk(host, ['stop', '--all'], { timeoutMs: 120_000 });
      for (const name of ALL) expect(stderr).toContain(`stopped ${name}: logged out\n`);
      expect(await unitStates(host)).toEqual(UNITS.map(() => ['inactive', 'success']));
      expect(since(before, await counts(host))).toEqual(each({ logouts: 1, pauses: 0, logins: 0 }));
      await startAll(host);
      expect(since(before, await counts(host))).toEqual(each({ logouts: 1, pauses: 0, logins: 1 }));
    }
  }, 300_000);

  test('four restarts: each session is kept, nobody logs in', async () => {
    for (let round = 0; round < 4; round++) {
      const before = await counts(host);
      const { stderr } = await ibqOk(host, ['restart', '--all'], { timeoutMs: 120_000 });
      for (const name of ALL) {
        expect(stderr).toContain(
          `restarting ${name}: its session is kept, no second factor expected\n`,
        );
      }
      await waitForAll(host);
      expect(await unitStates(host)).toEqual(UNITS.map(() => ['active', 'success']));
      expect(since(before, await counts(host))).toEqual(each({ logouts: 0, pauses: 1, logins: 0 }));
    }
  }, 300_000);

  test('systemctl restart keeps it too', async () => {
    const before = await counts(host);
    await host.ok(['systemctl', 'restart', ...UNITS], { timeoutMs: 120_000 });
    await waitForAll(host);
    expect(since(before, await counts(host))).toEqual(each({ logouts: 0, pauses: 1, logins: 0 }));
  }, 120_000);

  test('another image: a deploy that restarts keeps the session', async () => {
    const image = 'localhost/ibq-simulator:other';
    await host.ok(['podman', 'tag', 'localhost/ibq-simulator:latest', image]);
    const before = await counts(host);
    for (const name of ALL) {
      await ibqOk(host, ['instance', 'set', name, `image.reference=${image}`]);
    }
    await ibqOk(host, ['deploy', '-y', '--restart-changed', '--timeout', '60'], {
      timeoutMs: 180_000,
    });
    const used = await host.ok(['podman', 'ps', '--format', '{{.Names}} {{.Image}}']);
    for (const name of ALL) expect(used).toContain(`ib-gateway-${name} ${image}\n`);
    expect(since(before, await counts(host))).toEqual(each({ logouts: 0, pauses: 1, logins: 0 }));
  }, 240_000);

  describe('a restart is a new login', () => {
    test.each([
      ['after its password was set anew', () => setSecret(host, PAPER, 'password', 'new'), []],
      ['where it is asked for', async () => undefined, ['--new-login']],
      [
        'with another user',
        async () => {
          await ibqOk(host, ['instance', 'set', PAPER, 'user=somebody_else']);
          await ibqOk(host, ['deploy', '-y', '--timeout', '60'], { timeoutMs: 120_000 });
        },
        [],
      ],
    ])(
      '%s',
      async (_, change, flags) => {
        await change();
        const before = await counts(host);
        const { stderr } = await ibqOk(host, ['restart', ...flags, PAPER], { timeoutMs: 120_000 });
        expect(stderr).toContain(
          `restarting ${PAPER}: a new login, which may ask for a second factor`,
        );
        await ibqOk(host, ['wait', PAPER, '--timeout', '60'], { timeoutMs: 120_000 });
        expect(since(before, await counts(host))[PAPER]).toEqual({
          logouts: 1,
          pauses: 0,
          logins: 1,
        });
      },
      180_000,
    );
  });

  test('a stop while both start: at once, and no second half is started', async () => {
    await ibqOk(host, ['stop', BOTH]);
    await host.ok(['systemctl', 'start', `ib-gateway@${BOTH}`]);
    const began = Date.now();
    await host.ok(['systemctl', 'stop', `ib-gateway@${BOTH}`], { timeoutMs: 120_000 });
    expect(Date.now() - began).toBeLessThan(15_000);
    expect((await unitStates(host))[ALL.indexOf(BOTH)]).toEqual(['inactive', 'success']);
    await startAll(host);
  }, 180_000);

  test('a gateway that hangs is left to Podman, and said so; its unit has not failed', async () => {
    const { Pid } = await podmanState(host, LIVE);
    await host.ok(['kill', '-STOP', String(Pid)]);
    await host.writeFile(
      '/etc/containers/systemd/ib-gateway@.container.d/x.conf',
      '[Container]\nStopTimeout=2\n',
    );
    await host.ok(['systemctl', 'daemon-reload']);
    const { stderr } = await ibqOk(host, ['stop', LIVE], { timeoutMs: 200_000 });
    expect(stderr).toContain(`stopped ${LIVE}: ended without a logout: IBC did not answer\n`);
    expect((await unitStates(host))[0]).toEqual(['inactive', 'success']);
    await host.ok('rm -r /etc/containers/systemd/ib-gateway@.container.d; systemctl daemon-reload');
    await startAll(host);
  }, 240_000);

  test('a crash is still a failure, and is started again', async () => {
    const { Pid } = await podmanState(host, LIVE);
    await host.ok(['kill', '-KILL', String(Pid)]);
    await until('it is to be started again', async () => {
      const { stdout } = await host.run([
        'systemctl',
        'show',
        '--value',
        '--property=SubState',
        `ib-gateway@${LIVE}`,
      ]);
      return stdout.startsWith('auto-restart');
    });
    await startAll(host);
  }, 120_000);

  test('a reboot keeps all sessions', async () => {
    await waitForAll(host);
    const before = await counts(host);
    await host.reboot();
    await until('the gateways are started', async () =>
      (await unitStates(host)).every(([active]) => active === 'active'),
    );
    await waitForAll(host);
    expect(since(before, await counts(host))).toEqual(each({ logouts: 0, pauses: 1, logins: 0 }));
  }, 240_000);
});

interface Counts {
  logouts: number;
  pauses: number;
  logins: number;
}

/** What came to IBC and from it, by the gateways' own words; a login by a kept session is no attempt. */
async function counts(host: TestHost): Promise<Record<string, Counts>> {
  const entries = ALL.map(async (name) => {
    const log = await host.ok(
      `journalctl -o cat --no-pager _SYSTEMD_UNIT=ib-gateway@${name}.service`,
    );
    const number = (pattern: RegExp) => log.match(pattern)?.length ?? 0;
    return [
      name,
      {
        logouts: number(/exiting via \[File, Close\] menu/g),
        pauses: number(/IBC is paused/g),
        logins: number(/Login attempt: /g),
      },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function since(before: Record<string, Counts>, after: Record<string, Counts>) {
  return Object.fromEntries(
    Object.entries(after).map(([name, now]) => {
      const old = before[name] ?? { logouts: 0, pauses: 0, logins: 0 };
      return [
        name,
        {
          logouts: now.logouts - old.logouts,
          pauses: now.pauses - old.pauses,
          logins: now.logins - old.logins,
        },
      ];
    }),
  );
}

/** So much of each session. */
function each({ logouts, pauses, logins }: Counts) {
  return Object.fromEntries(
    Object.entries(SESSIONS).map(([name, sessions]) => [
      name,
      { logouts: logouts * sessions, pauses: pauses * sessions, logins: logins * sessions },
    ]),
  );
}

async function unitStates(host: TestHost): Promise<[string, string][]> {
  const states = UNITS.map(async (unit): Promise<[string, string]> => {
    const property = (name: string) =>
      host.ok(['systemctl', 'show', '--value', `--property=${name}`, unit]);
    const [active, result] = await Promise.all([property('ActiveState'), property('Result')]);
    return [active.trim(), result.trim()];
  });
  return Promise.all(states);
}

async function podmanState(host: TestHost, name: string): Promise<{ Pid: number }> {
  const text = await host.ok(['podman', 'inspect', '-f', '{{json .State}}', `ib-gateway-${name}`]);
  return JSON.parse(text) as { Pid: number };
}

async function startAll(host: TestHost): Promise<void> {
  await ibqOk(host, ['start', '--all'], { timeoutMs: 120_000 });
  await waitForAll(host);
}

async function waitForAll(host: TestHost): Promise<void> {
  const result = await ibq(host, ['wait', ...ALL, '--timeout', '60'], { timeoutMs: 120_000 });
  expect(result.exitCode, await told(host, result)).toBe(0);
}
