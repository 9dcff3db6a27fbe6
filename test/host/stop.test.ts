/** How gateways end: a logout or a pause that reaches IBKR, no unit that failed, no login that could be saved. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addGateway, ibq, ibqOk, prepareHost, setSecret, told, until } from './gateways.ts';
import { describeOnHosts, type TestHost } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

const LIVE = 'l1';
const PAPER = 'p1';
const BOTH = 'b1';
const ALL = [LIVE, PAPER, BOTH] as const;
const UNITS = ALL.map((name) => `ib-gateway@${name}.service`);
/** A session each; `both` has two. */
const USERS = [`user_${LIVE}`, `user_${PAPER}`, `user_${BOTH}`, `paper_${BOTH}`] as const;
const QUICK = [WITH_IBKR, 'environment.SIMULATOR_SHUTDOWN_SECONDS=0.5'];
const PASSWORD = '\\w \\\\$ %s "q\' #=! `id` \u0024{TWS_USERID} é€ü';
const ROUNDS = 4;

describeOnHosts('the end of a gateway', (host) => {
  let ibkr: HostIbkr;

  beforeAll(async () => {
    await prepareHost(host);
    ibkr = new HostIbkr(host);
    await ibkr.listen();
    await addGateway(host, LIVE, { mode: 'live', port: 4001, set: [...QUICK, 'stop_timeout=10'] });
    await addGateway(host, PAPER, { mode: 'paper', port: 4002, set: QUICK });
    await addGateway(host, BOTH, {
      mode: 'both',
      port: 4101,
      set: [...QUICK, `paper_user=paper_${BOTH}`, 'environment.SIMULATOR_SECOND_START_SECONDS=4'],
    });
    // IBKR sees each byte of a password.
    for (const [user, name, key] of [
      [`user_${LIVE}`, LIVE, 'password'],
      [`user_${BOTH}`, BOTH, 'password'],
      [`paper_${BOTH}`, BOTH, 'paper_password'],
    ] as const) {
      const password = `${PASSWORD}${key}`;
      ibkr.setPolicy(user, { password });
      await setSecret(host, name, key, password);
    }
    await ibqOk(host, ['deploy', '--timeout', '300']);
  });

  afterAll(() => ibkr.close());

  test('twelve stops: each session is logged out, each start is a login', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const before = counts(ibkr);
      const { stderr } = await ibqOk(host, ['stop', '--all']);
      for (const name of ALL) expect(stderr).toContain(`stopped ${name}: logged out\n`);
      expect(await unitStates(host)).toEqual(UNITS.map(() => ['inactive', 'success']));
      expect(since(before, ibkr)).toEqual(each({ logouts: 1 }));
      await startAll(host);
      expect(since(before, ibkr)).toEqual(each({ logouts: 1, attempts: 1, completed: 1 }));
    }
  });

  test('twelve restarts: each session is kept, nobody logs in', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const before = counts(ibkr);
      const { stderr } = await ibqOk(host, ['restart', '--all']);
      for (const name of ALL) {
        expect(stderr).toContain(
          `restarting ${name}: its session is kept, no second factor expected\n`,
        );
      }
      await waitForAll(host);
      expect(await unitStates(host)).toEqual(UNITS.map(() => ['active', 'success']));
      expect(since(before, ibkr)).toEqual(each({ paused: 1, resumed: 1 }));
    }
  });

  test('systemctl restart keeps them too', async () => {
    const before = counts(ibkr);
    await host.ok(['systemctl', 'restart', ...UNITS]);
    await waitForAll(host);
    expect(since(before, ibkr)).toEqual(each({ paused: 1, resumed: 1 }));
  });

  test('another image: a deploy that restarts keeps the sessions', async () => {
    const image = 'localhost/ibq-simulator:other';
    await host.ok(
      `id=$(podman create localhost/ibq-simulator:latest) && podman commit -q --change LABEL=other=1 "$id" ${image} && podman rm "$id"`,
    );
    for (const name of ALL) await edit(host, name, `image.reference = "${image}"`);
    const before = counts(ibkr);
    await ibqOk(host, ['deploy', '-y', '--restart-changed', '--timeout', '300']);
    const used = await host.ok(['podman', 'ps', '--format', '{{.Names}} {{.Image}}']);
    for (const name of ALL) expect(used).toContain(`ib-gateway-${name} ${image}\n`);
    expect(since(before, ibkr)).toEqual(each({ paused: 1, resumed: 1 }));
  });

  describe('a restart is a new login', () => {
    const anew = { logouts: 1, attempts: 1, completed: 1 };

    test('after its password was set anew, and where it is asked for', async () => {
      await setSecret(host, PAPER, 'password', 'new');
      const before = counts(ibkr);
      const first = await ibqOk(host, ['restart', PAPER]);
      expect(first.stderr).toContain(
        `restarting ${PAPER}: a new login, which may ask for a second factor`,
      );
      await waitForAll(host);
      expect(since(before, ibkr)[`user_${PAPER}`]).toEqual(anew);
      const second = counts(ibkr);
      await ibqOk(host, ['restart', '--new-login', PAPER]);
      await waitForAll(host);
      expect(since(second, ibkr)[`user_${PAPER}`]).toEqual(anew);
    });

    test('with another user', async () => {
      await edit(host, PAPER, 'user = "somebody_else"');
      const before = counts(ibkr);
      await ibqOk(host, ['deploy', '-y', '--restart-changed', '--timeout', '300']);
      expect(since(before, ibkr)[`user_${PAPER}`]).toEqual({ logouts: 1 });
      expect(ibkr.counts('somebody_else')).toMatchObject({ completed: 1, resumed: 0, open: 1 });
      await edit(host, PAPER, `user = "user_${PAPER}"`);
      await ibqOk(host, ['deploy', '-y', '--restart-changed', '--timeout', '300']);
    });
  });

  test('a stop while both start: at once, and no second half is started', async () => {
    const secondStart = (seconds: number) =>
      host.ok(
        `sed -i 's/\\(SECOND_START_SECONDS[^0-9]*\\)[0-9]*/\\1${seconds}/' /etc/ibq/instances/${BOTH}.toml`,
      );
    await ibqOk(host, ['stop', BOTH]);
    await secondStart(300);
    await ibqOk(host, ['deploy', '--no-wait']);
    await ibqOk(host, ['stop', BOTH]);
    const before = counts(ibkr);
    const began = Date.now();
    await host.ok(`systemctl start ib-gateway@${BOTH} && systemctl stop ib-gateway@${BOTH}`);
    expect(Date.now() - began).toBeLessThan(290_000);
    expect((await unitStates(host))[ALL.indexOf(BOTH)]).toEqual(['inactive', 'success']);
    expect(since(before, ibkr)[`paper_${BOTH}`]?.completed).toBeUndefined();
    await secondStart(4);
    await ibqOk(host, ['deploy', '--timeout', '300']);
  });

  test('a gateway that hangs is left to Podman, and said so; its unit has not failed', async () => {
    const pid = await mainProcess(host, LIVE);
    await host.ok(['kill', '-STOP', pid]);
    const { stderr } = await ibqOk(host, ['stop', LIVE]);
    expect(stderr).toContain(`stopped ${LIVE}: ended without a logout: IBC did not answer\n`);
    expect((await unitStates(host))[0]).toEqual(['inactive', 'success']);
    await startAll(host);
  });

  test('a crash is still a failure, and is started again', async () => {
    await host.ok(['kill', '-KILL', await mainProcess(host, LIVE)]);
    const argv = ['systemctl', 'show', '--value', '--property=SubState', UNITS[0] ?? ''] as const;
    await until('it is to be started again', async () =>
      (await host.ok(argv)).startsWith('auto-restart'),
    );
    await startAll(host);
  });

  test('a reboot keeps all sessions', async () => {
    // No gateway is to come to an IBKR that is not there yet, and no boot is over while a unit still starts:
    // until IBKR is there, each start fails soon.
    await host.writeFile(
      '/etc/systemd/system/ib-gateway@.service.d/ibkr.conf',
      '[Service]\nExecStartPre=/usr/bin/test -e /run/ibkr\nRestartSec=2\nRestartSteps=0\n[Unit]\nStartLimitBurst=1000\n',
    );
    const before = counts(ibkr);
    await host.reboot();
    await ibkr.listen();
    await host.ok(['touch', '/run/ibkr']);
    const active = async () => (await unitStates(host)).every(([state]) => state === 'active');
    await until('the gateways are started', active);
    await waitForAll(host);
    expect(since(before, ibkr)).toEqual(each({ paused: 1, resumed: 1 }));
  });
});

/** What is counted of each user; `lost`: a session that broke without a word. */
const COUNTED = ['logouts', 'paused', 'lost', 'attempts', 'completed', 'resumed'] as const;
type Counted = Record<(typeof COUNTED)[number], number>;

function counts(ibkr: HostIbkr): Record<string, Counted> {
  return Object.fromEntries(
    USERS.map((user) => {
      const all = ibkr.counts(user);
      return [user, Object.fromEntries(COUNTED.map((key) => [key, all[key]])) as Counted];
    }),
  );
}

/** Of each user what is another number now, and by how much. */
function since(before: Record<string, Counted>, ibkr: HostIbkr): Record<string, Partial<Counted>> {
  return Object.fromEntries(
    Object.entries(counts(ibkr)).map(([user, now]) => {
      const differences = COUNTED.map(
        (key) => [key, now[key] - (before[user]?.[key] ?? 0)] as const,
      );
      return [user, Object.fromEntries(differences.filter(([, difference]) => difference !== 0))];
    }),
  );
}

function each(wanted: Partial<Counted>): Record<string, Partial<Counted>> {
  return Object.fromEntries(USERS.map((user) => [user, wanted]));
}

async function unitStates(host: TestHost): Promise<[string, string][]> {
  const text = await host.ok(['systemctl', 'show', '--property=ActiveState,Result', ...UNITS]);
  return text.split('\n\n').map((unit) => {
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
    return [value('ActiveState'), value('Result')];
  });
}

async function mainProcess(host: TestHost, name: string): Promise<string> {
  const format = ['-f', '{{.State.Pid}}'] as const;
  return (await host.ok(['podman', 'inspect', ...format, `ib-gateway-${name}`])).trim();
}

async function startAll(host: TestHost): Promise<void> {
  await ibqOk(host, ['start', '--all']);
  await waitForAll(host);
}

async function waitForAll(host: TestHost): Promise<void> {
  const result = await ibq(host, ['wait', ...ALL, '--timeout', '300']);
  expect(result.exitCode, await told(host, result)).toBe(0);
}

/** In place of what the file says of the key. */
async function edit(host: TestHost, name: string, line: string): Promise<void> {
  const path = `/etc/ibq/instances/${name}.toml`;
  const [key] = line.split(' = ');
  if (key === 'image.reference') {
    const text = await host.readFile(path);
    await host.writeFile(
      path,
      text.replace('[image]\n', `[image]\n${line.replace('image.', '')}\n`),
    );
    return;
  }
  const kept = (await host.readFile(path)).split('\n');
  await host.writeFile(
    path,
    [line, ...kept.filter((old) => !old.startsWith(`${key} =`))].join('\n'),
  );
}
