/** What a gateway can be in, with what reached IBKR of it: status names each, and nothing that it says costs a login unsaid. */

import { beforeAll, describe, expect, test } from 'vitest';
import type { Counts } from '../simulator/ibkr/protocol.ts';
import {
  addGateway,
  type InstanceStatus,
  ibq,
  ibqOk,
  prepareHost,
  status,
  statusOf,
  told,
  until,
} from './gateways.ts';
import { describeOnHosts, type RunResult, type TestHost } from './harness.ts';
import { HostIbkr, WITH_IBKR } from './ibkr.ts';

interface Situation {
  name: string;
  mode: 'live' | 'paper';
  behaviour: string;
  set?: readonly string[];
  word: string;
  /** Null: nobody reads the log of one that answers. */
  stage: string | null;
  unit?: string;
  problems?: RegExp;
  /** What reached IBKR by then. */
  counts?: Partial<Counts>;
}

const SITUATIONS: readonly Situation[] = [
  {
    name: 'slow',
    mode: 'live',
    behaviour: 'slow-start:3600',
    set: ['environment.SIMULATOR_WINDOW_SECONDS=3600'],
    word: 'starting',
    stage: 'starting',
    counts: { attempts: 0 },
  },
  {
    name: 'asked',
    mode: 'live',
    behaviour: 'no-login',
    set: ['environment.SIMULATOR_TWO_FACTOR_TIMEOUT_SECONDS=3600'],
    word: 'waiting for 2FA',
    stage: 'waiting-for-two-factor',
    counts: { attempts: 1, secondFactorAsked: 1 },
  },
  {
    name: 'late',
    mode: 'live',
    behaviour: 'no-login',
    set: ['environment.SIMULATOR_TWO_FACTOR_TIMEOUT_SECONDS=2'],
    word: '2FA timed out',
    stage: 'two-factor-timeout',
    problems: /nobody asks again/,
    counts: { attempts: 1, secondFactorTimedOut: 1 },
  },
  {
    name: 'refused2fa',
    mode: 'live',
    behaviour: 'two-factor-refused',
    // Its dialog has closed; that nothing comes of it is seen after a minute.
    word: 'login stalled',
    stage: 'login-stalled',
    counts: { attempts: 1, secondFactorRefused: 1 },
  },
  {
    name: 'devices',
    mode: 'live',
    behaviour: 'several-devices',
    word: '2FA device',
    stage: 'two-factor-device',
    problems: /several second-factor devices/,
    counts: { attempts: 1, secondFactorAsked: 0 },
  },
  {
    name: 'unknown',
    mode: 'paper',
    behaviour: 'unrecognized-password',
    word: 'login failed',
    stage: 'login-failed',
    problems: /Unrecognized Username or Password/,
    counts: { attempts: 1, refused: 1 },
  },
  {
    name: 'locked',
    mode: 'paper',
    behaviour: 'lock-out',
    // The cap ends it at the first, so that no more are sent.
    word: 'login refused',
    stage: 'stopping',
    unit: 'inactive',
    problems: /Too many failed login attempts/,
    counts: { attempts: 1 },
  },
  {
    name: 'away',
    mode: 'paper',
    behaviour: 'unreachable',
    word: 'IBKR unreachable',
    stage: 'ibkr-unreachable',
    problems: /could not be reached.*Connection to server failed/,
    counts: { completed: 0 },
  },
  {
    name: 'windowless',
    mode: 'paper',
    behaviour: 'no-window',
    set: ['environment.SIMULATOR_WINDOW_SECONDS=1'],
    word: 'no login window',
    stage: 'no-login-window',
    counts: { attempts: 0 },
  },
  {
    name: 'elsewhere',
    mode: 'paper',
    behaviour: 'existing-session',
    set: ['existing_session_action=manual'],
    word: 'session elsewhere',
    stage: 'existing-session',
    counts: { attempts: 1, completed: 0 },
  },
  {
    name: 'tookover',
    mode: 'paper',
    behaviour: 'existing-session',
    set: ['existing_session_action=primary'],
    word: 'ready',
    stage: null,
    counts: { attempts: 1, completed: 1 },
  },
  {
    name: 'gaveway',
    mode: 'paper',
    behaviour: 'existing-session',
    set: ['existing_session_action=secondary'],
    word: 'ended',
    stage: 'ended',
    unit: 'inactive',
    problems: /another session of its user goes on.*scenario 2/,
    counts: { attempts: 1, completed: 0 },
  },
  {
    name: 'gone',
    mode: 'paper',
    behaviour: 'gateway-down',
    word: 'gateway down',
    stage: 'exited',
    problems: /the gateway ended/,
    counts: { attempts: 1, completed: 1 },
  },
  { name: 'hung', mode: 'paper', behaviour: 'hang', word: 'hung', stage: 'logged-in' },
];

describeOnHosts('situations', (host) => {
  let ibkr: HostIbkr;
  /** All of them as one look saw them: when each was where it belongs, or when the time was over. */
  let seen: Map<string, InstanceStatus>;

  beforeAll(async () => {
    await prepareHost(host);
    ibkr = new HostIbkr(host);
    await ibkr.listen();
    for (const [index, situation] of SITUATIONS.entries()) {
      const { name, mode, behaviour, set = [] } = situation;
      const port = 4100 + index;
      await addGateway(host, name, { mode, port, behaviour, set: [...set, WITH_IBKR] });
    }
    await ibqOk(host, ['deploy', '--no-wait']);
    const deadline = Date.now() + 600_000;
    do {
      await host.rest(1000);
      seen = new Map((await status(host)).instances.map((it) => [it.name, it]));
    } while (
      Date.now() < deadline &&
      SITUATIONS.some(({ name, word, stage, unit = 'active' }) => {
        const one = seen.get(name);
        return one?.word !== word || one.stage !== stage || one.unit.active !== unit;
      })
    );
    return () => ibkr.close();
  });

  test.each(SITUATIONS)('$name: $word', (situation) => {
    const { name, word, stage, unit = 'active', problems, counts } = situation;
    const one = seen.get(name);
    expect(one).toMatchObject({ word, stage, ready: word === 'ready', unit: { active: unit } });
    if (problems !== undefined) expect(one?.problems.join('\n')).toMatch(problems);
    if (counts !== undefined) expect(ibkr.counts(`user_${name}`)).toMatchObject(counts);
  });

  describe('a gateway that was logged in', () => {
    beforeAll(async () => {
      await addGateway(host, 'menuless', {
        mode: 'paper',
        port: 4121,
        set: [WITH_IBKR, 'environment.SIMULATOR_RESTART_MENU=no'],
      });
      await addGateway(host, 'soft', {
        mode: 'live',
        port: 4120,
        set: [WITH_IBKR, 'environment.SIMULATOR_SHUTDOWN_SECONDS=12', 'auto_logoff_time=11:45 PM'],
      });
      // The others have been seen. Some of them start again and again, and who asks for a state reads all of it.
      const seenOff = SITUATIONS.filter(({ name }) => !['asked', 'tookover'].includes(name));
      await host.ok(['rm', ...seenOff.map(({ name }) => `/etc/ibq/instances/${name}.toml`)]);
      await ibqOk(host, ['deploy', '-y', '--no-wait']);
      await ibqOk(host, ['wait', 'soft', '--timeout', '300']);
    });

    test('is restarting while it restarts softly, and never down', async () => {
      const words = new Set<string>();
      let over = false;
      const restart = ibqOk(host, ['restart', '--soft', 'soft']).finally(() => {
        over = true;
      });
      while (!over) words.add((await statusOf(host, 'soft')).word);
      expect((await restart).stderr).toContain('without a second factor');
      expect(words).toContain('restarting');
      for (const word of words) expect(['ready', 'restarting', 'starting']).toContain(word);
      expect(ibkr.counts('user_soft')).toMatchObject({ attempts: 1, resumed: 1, logouts: 0 });
    });

    test('restarts softly without such an item in its menu too: IBC sets its clock', async () => {
      await ibqOk(host, ['wait', 'menuless', '--timeout', '300']);
      const restarted = await ibqOk(host, ['restart', '--soft', 'menuless']);
      expect(restarted.stderr).toContain('without a second factor');
      expect(ibkr.counts('user_menuless')).toMatchObject({ attempts: 1, paused: 1, resumed: 1 });
    });

    test('logs in anew where IBKR refuses the session that it left, and restart --soft waits for it', async () => {
      ibkr.setPolicy('user_soft', { tokens: 'refused' });
      const restarted = await ibq(host, ['restart', '--soft', 'soft']);
      expect(restarted.exitCode, await told(host, restarted)).toBe(0);
      expect(restarted.stderr).toMatch(/logs in anew after all \(a full login\)/);
      expect(restarted.stderr).toContain('with a full login');
      expect(ibkr.counts('user_soft')).toMatchObject({ attempts: 2, tokensRefused: 1 });
    });

    test.each([
      ['PAUSE', 'paused', /next start needs no second factor/],
      ['STOP', 'ended', /told to stop/],
    ])('was told %s: %s', async (verb, word, problem) => {
      const { attempts } = await startSoft();
      await command(host, 'soft', verb);
      await until(`it is ${word}`, async () => (await statusOf(host, 'soft')).word === word);
      const { unit, problems } = await statusOf(host, 'soft');
      expect(unit.active).toBe('inactive');
      expect(problems.join('\n')).toMatch(problem);
      // What the next start costs.
      ibkr.setPolicy('user_soft', { tokens: 'accepted' });
      const next = await startSoft();
      expect(next.attempts - attempts).toBe(verb === 'PAUSE' ? 0 : 1);
    });

    async function startSoft() {
      await ibqOk(host, ['start', 'soft']);
      await ibqOk(host, ['wait', 'soft', '--timeout', '300']);
      return ibkr.counts('user_soft');
    }
  });

  test('two gateways of one user: a deploy warns, IBC ends one of them, and status says why', async () => {
    await addGateway(host, 'twin', { port: 4122, set: [WITH_IBKR] });
    const file = '/etc/ibq/instances/twin.toml';
    const text = await host.readFile(file);
    await host.writeFile(file, text.replace('user_twin', 'user_tookover'));
    const deployed = await ibqOk(host, ['deploy', '--no-wait']);
    expect(deployed.stderr).toMatch(/user_tookover/);
    const both = () => Promise.all(['tookover', 'twin'].map((name) => statusOf(host, name)));
    const words = async () => (await both()).map(({ word }) => word).sort();
    await until('one has ended', async () => (await words()).includes('ended'));
    const ended = (await both()).find(({ word }) => word === 'ended');
    expect(ended?.problems.join('\n')).toMatch(/another session of its user goes on/);
    await until('the other is ready', async () => (await words()).includes('ready'));
    expect(ibkr.counts('user_tookover').open).toBe(1);
  });

  test('a gateway that logged off at its time has ended, and says so', async () => {
    await ibqOk(host, ['start', 'soft']);
    await ibqOk(host, ['wait', 'soft', '--timeout', '300']);
    const before = ibkr.counts('user_soft').logouts;
    await ibqOk(host, ['exec', 'soft', '--', 'simulator', 'clock:23:44:58']);
    const word = async () => (await statusOf(host, 'soft')).word;
    await until('it has ended', async () => (await word()) === 'ended');
    const { unit, problems } = await statusOf(host, 'soft');
    expect(unit).toMatchObject({ active: 'inactive', result: 'success' });
    expect(problems.join('\n')).toMatch(/logged off by itself \(auto_logoff_time 11:45 PM\)/);
    expect(ibkr.counts('user_soft').logouts).toBe(before + 1);
  });

  test('logs leaves the noise of the relay out, and --all shows it', async () => {
    for (let tries = 0; tries < 3; tries++) {
      await host.run(`timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/4101; cat <&3'`);
    }
    const shown = await ibqOk(host, ['logs', 'asked', '-n', '500']);
    expect(shown.stdout).toContain('Second Factor Authentication initiated');
    expect(shown.stdout).not.toMatch(/socat\[\d+\] [WE]/);
    expect(blankLines(shown)).toBe(0);
    const all = await ibqOk(host, ['logs', 'asked', '--all', '-n', '500']);
    expect(all.stdout).toMatch(/socat\[\d+\] [WE] .*Connection refused/);
  });
});

function blankLines({ stdout }: RunResult): number {
  return stdout
    .split('\n')
    .filter((line, index, all) => index < all.length - 1 && line.trim() === '').length;
}

/** Somebody who talks to IBC's command server by hand. */
function command(host: TestHost, name: string, verb: string): Promise<RunResult> {
  const send = `exec 3<>/dev/tcp/127.0.0.1/7462; echo ${verb} >&3; timeout 5 cat <&3`;
  return host.run(['podman', 'exec', `ib-gateway-${name}`, 'bash', '-c', send]);
}
