/** What reaches the stand-in for IBKR, over TCP, of gateways that do and meet all kinds of things. */

import type { Server } from 'node:net';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RIGHT, start, type TestSimulator } from '../running.ts';
import { overStream } from './line.ts';
import type { Counts, Hello, Question } from './protocol.ts';
import { createIbkrServer, type IbkrServer, listenForGateways } from './server.ts';

let server: Server;
let standIn: IbkrServer;
let address = '';
const running: TestSimulator[] = [];

beforeEach(async () => {
  standIn = createIbkrServer();
  server = await listenForGateways(standIn, 0, '127.0.0.1');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('it does not listen');
  address = `127.0.0.1:${bound.port}`;
});

afterEach(async () => {
  for (const simulator of running.splice(0)) await simulator.end();
  server.close();
});

function run(env: Record<string, string> = {}, root?: string): TestSimulator {
  const own = { TRADING_MODE: 'live', SIMULATOR_COMMAND_PORT: '7462', SIMULATOR_IBKR: address };
  const simulator = start({
    env: { ...RIGHT, ...own, ...env },
    ...(root === undefined ? {} : { root }),
  });
  running.push(simulator);
  return simulator;
}

const settled = (simulator: TestSimulator, from = 0) => simulator.logged(/tasks completed/, from);
const bob = () => standIn.ibkr.counts('bob');

/** Waits until the counts of bob are so; what is not named may be anything. */
async function reached(simulator: TestSimulator, wanted: Partial<Counts>): Promise<void> {
  const holds = () =>
    Object.entries(wanted).every(([key, value]) => bob()[key as keyof Counts] === value);
  await simulator.until(holds).catch(() => expect(bob()).toMatchObject(wanted));
}

/** As long as it takes: more than a simulator's `until` waits. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function order(simulator: TestSimulator, command: string): Promise<void> {
  await simulator.until(() => simulator.halves().some(({ commandPort }) => commandPort !== null));
  const socket = connect(simulator.half().commandPort ?? 0, '127.0.0.1');
  socket.write(`${command}\n`);
  await new Promise((resolve) => socket.once('data', resolve));
}

describe('a session', () => {
  it('is a login with one second factor, and lost without a logout on SIGTERM', async () => {
    const simulator = run();
    await settled(simulator);
    expect(bob()).toMatchObject({
      connections: 1,
      attempts: 1,
      secondFactorAsked: 1,
      secondFactorAnswered: 1,
      completed: 1,
      open: 1,
    });
    expect(await simulator.stop()).toBe(1);
    await reached(simulator, { logouts: 0, lost: 1, open: 0 });
  });

  it('is logged out by STOP', async () => {
    const simulator = run();
    await settled(simulator);
    await order(simulator, 'STOP');
    expect(await simulator.exited).toBe(0);
    await reached(simulator, { logouts: 1, lost: 0, open: 0 });
  });

  it('is taken up again after RESTART, without a second factor', async () => {
    const simulator = run();
    await settled(simulator);
    const from = simulator.lines.length;
    await order(simulator, 'RESTART');
    await settled(simulator, from);
    expect(bob()).toMatchObject({
      attempts: 1,
      secondFactorAsked: 1,
      paused: 1,
      resumed: 1,
      lost: 0,
      open: 1,
    });
  });

  it('is taken up again once by the next container after PAUSE', async () => {
    const first = run();
    await settled(first);
    await order(first, 'PAUSE');
    expect(await first.exited).toBe(0);
    const second = run({}, first.root);
    await settled(second);
    expect(bob()).toMatchObject({ attempts: 1, secondFactorAsked: 1, paused: 1, resumed: 1 });
    await second.stop();
    await settled(run({}, first.root));
    expect(bob()).toMatchObject({ attempts: 2, secondFactorAsked: 2, resumed: 1, lost: 1 });
  });

  it('whose token is refused is logged in anew', async () => {
    const simulator = run();
    await settled(simulator);
    standIn.ibkr.setPolicy('bob', { tokens: 'refused' });
    const from = simulator.lines.length;
    await order(simulator, 'RESTART');
    await settled(simulator, from);
    expect(bob()).toMatchObject({ tokensRefused: 1, resumed: 0, attempts: 2, completed: 2 });
    const log = simulator.lines.slice(from).join('\n');
    expect(log).toMatch(/Login Error; event=Opened\n.*Login error message:\n.+\n.*Cold restart in/);
    expect(log).not.toMatch(/autorestart file not found/);
  });

  it('hears that its link is lost, and back', async () => {
    const simulator = run();
    await settled(simulator);
    standIn.ibkr.setPolicy('bob', { link: 'down' });
    await simulator.logged(/frame entitled: Connecting to server\.\.\.; event=Opened/);
    const from = simulator.lines.length;
    standIn.ibkr.setPolicy('bob', { link: 'up' });
    await simulator.logged(/frame entitled: Starting application\.\.\.; event=Closed/, from);
  });

  it('ends by its own clock with a logout', async () => {
    const simulator = run();
    await settled(simulator);
    simulator.byClock('logoff');
    expect(await simulator.exited).toBe(0);
    await reached(simulator, { logouts: 1, lost: 0 });
  });

  it('is lost where Java is killed', async () => {
    const simulator = run();
    await settled(simulator);
    simulator.killJava();
    expect(await simulator.exited).toBe(137);
    expect(simulator.lines.join('\n')).toMatch(/ 66 Killed .*\nIBC returned exit status 137\n/);
    await reached(simulator, { logouts: 0, lost: 1 });
  });
});

describe('a login', () => {
  it('with a wrong password is tried again until the user is locked', async () => {
    standIn.ibkr.setPolicy('bob', { password: 'another', lockOutAfter: 3 });
    const simulator = run();
    await simulator.logged(/Too many failed login attempts\. Please wait 4 minutes & 4\d seconds/);
    expect(bob()).toMatchObject({ attempts: 4, refused: 4, lockOuts: 1, completed: 0 });
  });

  it('in the window that IBC does not know is tried once', async () => {
    standIn.ibkr.setPolicy('bob', { password: 'another', refusal: 'unrecognized' });
    const simulator = run();
    await simulator.logged(/dialog entitled: Unrecognized Username or Password; event=Opened/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bob()).toMatchObject({ attempts: 1, refused: 1 });
    expect(await simulator.stop()).toBe(1);
  });

  it('waits for a second factor that is answered while it waits', async () => {
    standIn.ibkr.setPolicy('bob', { secondFactor: 'never' });
    const simulator = run();
    await simulator.logged(/Second Factor Authentication initiated/);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(bob()).toMatchObject({ secondFactorAsked: 1, secondFactorAnswered: 0 });
    standIn.ibkr.setPolicy('bob', { secondFactor: 'answered' });
    await settled(simulator);
    expect(bob()).toMatchObject({ secondFactorAsked: 1, secondFactorAnswered: 1, completed: 1 });
  });

  it('that is stopped while its second factor waits abandons it', async () => {
    standIn.ibkr.setPolicy('bob', { secondFactor: 'never' });
    const simulator = run();
    await simulator.logged(/Second Factor Authentication initiated/);
    await order(simulator, 'STOP');
    expect(await simulator.exited).toBe(0);
    await reached(simulator, { secondFactorAbandoned: 1, logouts: 0, lost: 0 });
  });

  it('asks anew where the second factor timed out and IBC may', async () => {
    standIn.ibkr.setPolicy('bob', { secondFactor: 'never', secondFactorTimeoutSeconds: 0.05 });
    const simulator = run({
      RELOGIN_AFTER_TWOFA_TIMEOUT: 'yes',
      SIMULATOR_TWO_FACTOR_TIMEOUT_SECONDS: '0.05',
    });
    await simulator.logged(/Login attempt: 3/);
    expect(bob().secondFactorTimedOut).toBeGreaterThanOrEqual(2);
  });

  it('that cannot reach IBKR starts over and over', async () => {
    standIn.ibkr.setPolicy('bob', { reachable: false });
    const simulator = run();
    const failed = () =>
      simulator.lines.filter((line) => /Connection to server failed: /.test(line)).length;
    await simulator.until(() => failed() > 2);
    standIn.ibkr.setPolicy('bob', { reachable: true });
    await settled(simulator);
    expect(bob()).toMatchObject({ attempts: 1, completed: 1 });
    expect(bob().unreachable).toBe(failed());
  });
});

describe('two gateways of one user', () => {
  it('primary against primary: the second ends with 0, the first goes on', async () => {
    const first = run();
    await settled(first);
    const second = run();
    expect(await second.exited).toBe(0);
    expect(second.lines.join('\n')).toMatch(/\(scenario 3\)[\s\S]*\(scenario 4\)/);
    expect(first.lines.join('\n')).toMatch(/Re-login to session/);
    await reached(first, { gaveWay: 1, open: 1, lost: 0 });
    expect(first.half().apiPort).not.toBeNull();
  });

  it('against secondary: the second goes on', async () => {
    const first = run({ EXISTING_SESSION_DETECTED_ACTION: 'secondary' });
    await settled(first);
    const second = run();
    await settled(second);
    expect(await first.exited).toBe(0);
    expect(first.lines.join('\n')).toMatch(/\(scenario 2\)/);
    await reached(second, { gaveWay: 1, open: 1, completed: 2 });
  });
});

describe('a session that nobody has any more', () => {
  it('makes way, and is lost', async () => {
    const [host = '', port] = address.split(':');
    const dead = overStream<Hello, unknown>(connect(Number(port), host));
    dead.send({ type: 'login', user: 'bob', password: 'secret', mode: 'live', wish: {} });
    await until(() => bob().open === 1);
    const simulator = run();
    await simulator.logged(/scenario 3/);
    await until(() => bob().lost === 1);
    await settled(simulator);
    expect(bob()).toMatchObject({ completed: 2, open: 1, gaveWay: 0 });
  });

  it('of live is none of paper', async () => {
    await settled(run());
    const paper = run({ TRADING_MODE: 'paper' });
    await settled(paper);
    expect(paper.lines.join('\n')).not.toContain('Existing session');
    expect(bob()).toMatchObject({ completed: 2, open: 2 });
  });
});

describe('questions', () => {
  it('are answered on the same port, a line each', async () => {
    const [, port] = address.split(':');
    const line = overStream<Question, unknown>(connect(Number(port), '127.0.0.1'));
    line.send({ type: 'policy', user: 'bob', policy: { secondFactor: 'refused' } });
    expect(await line.next()).toBe('ok');
    const simulator = run();
    await simulator.logged(/Duration since login: 0 seconds/);
    line.send({ type: 'counts' });
    expect(await line.next()).toMatchObject({ bob: { attempts: 1, secondFactorRefused: 1 } });
    line.send({ type: 'reset', user: 'bob' });
    expect(await line.next()).toBe('ok');
    line.send({ type: 'counts' });
    expect(await line.next()).toMatchObject({ bob: { attempts: 0 } });
    line.close();
  });
});
