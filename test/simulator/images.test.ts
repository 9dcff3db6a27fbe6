/** How the images differ beyond their variables: how they stop, fail and start again. */

import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { probeApi } from '../../src/gateway/probe.ts';
import { contractOf, type Environment } from './contract.ts';
import { QUICK, type Setup, start, type TestSimulator } from './running.ts';

const open: TestSimulator[] = [];

afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.end();
});

function run(contract: string, env: Environment = {}, setup: Setup = {}): TestSimulator {
  const chosen = { SIMULATOR_CONTRACT: contract };
  const { minimal } = contractOf(chosen);
  const own = { PATH: process.env.PATH, ...chosen, ...QUICK, ...minimal };
  const simulator = start({ ...setup, env: { ...own, ...env } });
  open.push(simulator);
  return simulator;
}

const settled = (simulator: TestSimulator) => simulator.logged(/tasks completed/);

describe('SIGTERM', () => {
  it.each([
    ['gnzsnz-gateway', 1],
    ['gnzsnz-tws', 0],
    ['danklabs-gateway', 0],
    ['danklabs-tws', 0],
    ['danklabs-host', 0],
  ])('%s ends with %i', async (contract, status) => {
    const simulator = run(contract);
    await settled(simulator);
    expect(await simulator.stop()).toBe(status);
    expect(simulator.lines).toContainEqual(expect.stringMatching(/ finished$/));
  });

  const tunnel = { SSH_PASSPHRASE: 'open sesame', SSH_USER_TUNNEL: 'trader@bastion' };
  it.each([
    { env: { SSH_TUNNEL: 'yes' }, status: 1, why: 'no tunnel runs' },
    { env: { SSH_TUNNEL: 'both' }, status: 1, why: 'no tunnel runs' },
    { env: { SSH_TUNNEL: 'yes', ...tunnel }, status: 1, why: 'no relay runs' },
    {
      env: { SSH_TUNNEL: 'both', ...tunnel, SIMULATOR_STOP_STATUS: '143' },
      status: 143,
      why: 'both run',
    },
  ])('gnzsnz-gateway ends with $status where $why ($env.SSH_TUNNEL)', async ({ env, status }) => {
    const simulator = run('gnzsnz-gateway', env);
    await settled(simulator);
    if (env.SSH_TUNNEL === 'both') await simulator.relay();
    expect(await simulator.stop()).toBe(status);
  });

  it('is not heard by gnzsnz-gateway before both halves are started', async () => {
    const simulator = run('gnzsnz-gateway', {
      TRADING_MODE: 'both',
      TWS_USERID_PAPER: 'bobpaper',
      TWS_PASSWORD_PAPER: 'secretpaper',
      SIMULATOR_SECOND_START_SECONDS: '60',
    });
    await settled(simulator);
    void simulator.stop();
    expect(simulator.lines.join('\n')).not.toContain('Received SIGINT or SIGTERM');
    expect(await simulator.kill()).toBe(137);
  });
});

describe('IBC ends', () => {
  const failing = { SIMULATOR_BEHAVIOUR: 'exit:76' };

  it('gnzsnz-gateway: the container ends with its status', async () => {
    expect(await run('gnzsnz-gateway', failing).exited).toBe(76);
  });

  it('gnzsnz-tws: the session is started again, with what a file gave', async () => {
    const simulator = run(
      'gnzsnz-tws',
      { ...failing, TWS_PASSWORD: undefined, TWS_PASSWORD_FILE: '/run/secrets/password' },
      {},
    );
    await simulator.logged(/End run_tws\.sh/);
    simulator.behave('normal');
    await settled(simulator);
  });

  it('danklabs: the supervisor gives it up after four quick ends, and stays', async () => {
    const simulator = run('danklabs-gateway', { ...failing, SIMULATOR_SUPERVISED_SECONDS: '60' });
    await simulator.logged(/INFO gave up: ibc entered FATAL state/);
    expect(simulator.lines.filter((line) => line.includes("spawned: 'ibc'"))).toHaveLength(4);
    expect(await simulator.stop()).toBe(0);
  });

  it('danklabs-host: it is started again for ever once it counts as started', async () => {
    const simulator = run('danklabs-host', {
      ...failing,
      SIMULATOR_SUPERVISED_SECONDS: '0.0001',
    });
    await simulator.until(
      () => simulator.lines.filter((line) => line.includes("spawned: 'ibc'")).length > 5,
    );
    expect(simulator.lines.join('\n')).toMatch(/WARN exited: ibc \(exit status 76; not expected\)/);
    expect(simulator.lines.join('\n')).not.toContain('FATAL');
  });
});

describe('both', () => {
  const env = {
    TRADING_MODE: 'both',
    TWS_USERID_PAPER: 'bobpaper',
    TWS_PASSWORD_PAPER: 'secretpaper',
  };

  it('has two gateways, each with its relay and its login', async () => {
    const simulator = run('gnzsnz-gateway', env);
    await simulator.until(() => {
      const halves = simulator.halves();
      return halves.length === 2 && halves.every((half) => half.apiPort && half.relayPort);
    });
    const accounts = async (mode: string) => {
      const port = simulator.half(mode).relayPort ?? 0;
      const probe = await probeApi({ host: '127.0.0.1', port }, { login: {} });
      return probe.accounts;
    };
    expect(await accounts('live')).toEqual([expect.stringMatching(/^U\d{7}$/)]);
    expect(await accounts('paper')).toEqual([expect.stringMatching(/^DU\d{7}$/)]);
  });

  it('goes on with one half when the other ends', async () => {
    const simulator = run('gnzsnz-gateway', { ...env, SIMULATOR_COMMAND_PORT: '7462' });
    await simulator.until(() => simulator.halves().filter(({ apiPort }) => apiPort).length === 2);
    const { commandPort } = simulator.half('live');
    connect(commandPort ?? 0, '127.0.0.1').end('STOP\n');
    await simulator.logged(/Gateway finished/);
    expect(simulator.half('paper').apiPort).not.toBeNull();
    expect(simulator.half('live').apiPort).toBeNull();
  });
});

describe('gnzsnz-tws', () => {
  const start = { PUID: '1000', PGID: '1000' };

  it.each([
    { name: 'behind an init', identity: { firstProcess: false }, says: /can only run as pid 1/ },
    { name: 'not by root', identity: { root: false }, says: /\/run belongs to uid 0/ },
  ])('$name: 100', async ({ identity, says }) => {
    const simulator = run('gnzsnz-tws', start, { identity });
    expect(await simulator.exited).toBe(100);
    expect(simulator.lines).toContainEqual(expect.stringMatching(says));
  });

  it('without the capability to change owners: tries again for ever', async () => {
    const identity = {
      own: () => {
        throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
      },
    };
    const simulator = run('gnzsnz-tws', start, { identity });
    await simulator.until(
      () => simulator.lines.filter((line) => /^chown: .*'\/opt'.* permitted/.test(line)).length > 2,
    );
    expect(simulator.halves()).toEqual([]);
  });

  it('gives the program to the user, then is that user', async () => {
    const done: string[] = [];
    const identity = {
      own: (path: string, uid: number) => done.push(`${path.replace(/^\/tmp\/[^/]+/, '')} ${uid}`),
      become: (uid: number, gid: number) => done.push(`become ${uid}:${gid}`),
    };
    await settled(run('gnzsnz-tws', start, { identity }));
    const paths = ['/opt 1000', '/opt/ibkr 1000', '/opt/ibc 1000'];
    expect(done).toEqual(['/config 1000', ...paths, 'become 1000:1000']);
  });
});
