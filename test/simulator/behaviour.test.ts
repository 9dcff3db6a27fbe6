// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a template of config.ini is among the files
/** What the simulator does wrong when told to, as ibq's own probe and log reading see it. */

import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { judgeInstance } from '../../src/gateway/instance-state.ts';
import { gatewayStage } from '../../src/gateway/log-events.ts';
import { probeApi } from '../../src/gateway/probe.ts';
import { parseBehaviour } from './behaviour.ts';
import { order } from './control.ts';
import { RIGHT, start, type TestSimulator } from './running.ts';

const open: TestSimulator[] = [];

afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.end();
});

function run(env: Record<string, string> = {}, root?: string): TestSimulator {
  const simulator = start({ env: { ...RIGHT, ...env }, ...(root === undefined ? {} : { root }) });
  open.push(simulator);
  return simulator;
}

async function judge(simulator: TestSimulator) {
  const probe = await probeApi(
    { host: '127.0.0.1', port: await simulator.relay() },
    { login: {}, timeouts: { handshakeMs: 200, loginMs: 500 } },
  );
  const stage = gatewayStage(simulator.lines);
  const unit = { active: 'active', sub: 'running', result: 'success' };
  return {
    state: probe.state,
    stage: stage.stage,
    ...judgeInstance({ name: '4002', unit, probe, stage }),
  };
}

describe('a behaviour from the start', () => {
  const rows = [
    { behaviour: 'normal', until: /tasks completed/, state: 'logged-in', word: 'ready' },
    { behaviour: 'hang', until: /tasks completed/, state: 'silent', word: 'hung' },
    { behaviour: 'no-login', until: /Second Factor/, state: 'closed', word: 'waiting for 2FA' },
    { behaviour: 'gateway-down', until: /exit status 1$/, state: 'closed', word: 'gateway down' },
    { behaviour: 'lock-out', until: /Too many failed/, state: 'closed', word: 'locked out' },
    {
      behaviour: 'wrong-password',
      until: /restart shortly/,
      state: 'closed',
      word: 'login failed',
    },
    { behaviour: 'link-down', until: /tasks completed/, state: 'link-down', word: 'link down' },
    { behaviour: 'slow-login:60', until: /Login attempt/, state: 'closed', word: 'logging in' },
  ];
  it.each(rows)('$behaviour: $word', async ({ behaviour, until, state, word }) => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: behaviour });
    await simulator.logged(until);
    expect(await judge(simulator)).toMatchObject({ state, word });
  });

  it.each([87, 88, 1111].map((status) => ({ status })))('exit:$status', async ({ status }) => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: `exit:${status}` });
    if (status === 88) {
      // IBC starts again by itself when no login window came.
      await simulator.logged(/IBC will restart shortly/);
      return;
    }
    expect(await simulator.exited).toBe(status % 256);
    expect(simulator.lines).toContain('Gateway finished');
    expect(gatewayStage(simulator.lines).stage).toBe('exited');
  });

  it('exit:87 starts again where the action is restart', async () => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: 'exit:87', TWOFA_TIMEOUT_ACTION: 'restart' });
    await simulator.logged(/IBC will restart shortly/);
    simulator.behave('normal');
    await simulator.logged(/Login has completed/);
  });

  it('wrong passwords lock the user', async () => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: 'wrong-password', SIMULATOR_LOCK_OUT_AFTER: '3' });
    await simulator.logged(/Too many failed login attempts/);
    expect(simulator.lines.filter((line) => line.endsWith('Login failed'))).toHaveLength(3);
  });

  it.each(['', 'hangs', 'exit', 'exit:x', 'slow-login:'])('refuses %j', (text) => {
    expect(() => parseBehaviour(text)).toThrow(/should be one of/);
  });
});

describe('a behaviour given at run time', () => {
  it('goes through them all and back', async () => {
    const simulator = run();
    await simulator.logged(/tasks completed/);
    for (const [behaviour, word] of [
      ['hang', 'hung'],
      ['link-down', 'link down'],
      ['gateway-down', 'gateway down'],
      ['normal', 'ready'],
    ] as const) {
      const from = simulator.lines.length;
      expect(order(simulator, behaviour)).toBe('ok');
      if (behaviour === 'gateway-down') await simulator.logged(/exit status 1$/, from);
      if (behaviour === 'normal') await simulator.logged(/tasks completed/, from);
      expect((await judge(simulator)).word).toBe(word);
    }
    expect(JSON.parse(order(simulator, 'state'))).toMatchObject({
      behaviour: 'normal',
      halves: [{ mode: 'paper' }],
    });
    expect(order(simulator, 'nonsense')).toMatch(/^error: behaviour: should be/);
  });

  it('no-login becomes normal: the second factor was answered', async () => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: 'no-login', TRADING_MODE: 'live' });
    await simulator.logged(/Second Factor Authentication initiated/);
    simulator.behave('normal');
    await simulator.logged(/Login has completed/);
  });
});

describe('the second factor', () => {
  it.each([
    ['live', true],
    ['paper', false],
  ] as const)('%s: asked %s', async (mode, asked) => {
    const simulator = run({ TRADING_MODE: mode });
    await simulator.logged(/Login has completed/);
    expect(simulator.lines.some((line) => line.includes('Second Factor'))).toBe(asked);
  });

  it('is not asked after a soft restart, and once again after that', async () => {
    const simulator = run({ TRADING_MODE: 'live' });
    await simulator.logged(/tasks completed/);
    const from = simulator.lines.length;
    order(simulator, 'restart');
    await simulator.logged(/tasks completed/, from);
    const restart = simulator.lines.slice(from).join('\n');
    expect(restart).toMatch(/autorestart file found at .*\n.*\nIBC will restart shortly/);
    expect(restart).toContain('Re-starting session');
    expect(restart).not.toContain('Second Factor');
    await simulator.stop();
    const next = run({ TRADING_MODE: 'live' }, simulator.root);
    await next.logged(/autorestart file not found: full authentication/);
    await next.logged(/Second Factor/);
  });

  it('is not asked at the next start after a pause', async () => {
    const simulator = run({ SIMULATOR_COMMAND_PORT: '7462', TRADING_MODE: 'live' });
    await simulator.logged(/tasks completed/);
    expect(await command(simulator, 'PAUSE')).toBe('OK PAUSE in progress\n');
    expect(await simulator.exited).toBe(0);
    expect(simulator.lines.slice(-3)).toEqual(['IBC is paused', 'Gateway finished', '']);
    const next = run({ TRADING_MODE: 'live' }, simulator.root);
    await next.logged(/tasks completed/);
    expect(next.lines.join('\n')).toContain('Re-starting session');
    expect(next.lines.join('\n')).not.toContain('Second Factor');
  });

  it('is asked where two instances left their files on one volume', async () => {
    const settings = '/home/ibgateway/tws_settings/ibq';
    const files = { [`${settings}/a/autorestart`]: '', [`${settings}/b/autorestart`]: '' };
    const simulator = start({ env: { ...RIGHT, TRADING_MODE: 'live' }, files });
    open.push(simulator);
    await simulator.logged(/More than one autorestart file was found/);
    await simulator.logged(/Second Factor/);
    expect(existsSync(join(simulator.root, settings, 'a/autorestart'))).toBe(false);
  });
});

describe("the API's port", () => {
  const env = { ...RIGHT, SIMULATOR_CONTRACT: 'danklabs-host', IB_USER: 'bob', IB_PASSWORD: 'x' };
  const settings = { TWS_SETTINGS_PATH: '/home/ibuser/tws_settings' };

  it('is kept once it was overridden', async () => {
    const first = start({ env: { ...env, ...settings, OVERRIDE_TWS_API_PORT: '14002' } });
    open.push(first);
    await first.logged(/socket port was set to 4002/);
    await first.logged(/socket port now set to 14002/);
    await first.stop();
    const second = start({ env: { ...env, ...settings }, root: first.root });
    open.push(second);
    await second.logged(/tasks completed/);
    expect(second.half().keptPort).toBe(14002);
  });
});

describe('stopping', () => {
  it('SIGTERM: 1, and nothing listens any more', async () => {
    const simulator = run();
    const port = await simulator.relay();
    await simulator.logged(/tasks completed/);
    expect(await simulator.stop()).toBe(1);
    expect(simulator.lines.slice(-2)).toEqual(['Gateway finished', '']);
    expect((await probeApi({ host: '127.0.0.1', port })).state).toBe('refused');
  });

  it.each(['normal', 'no-login', 'wrong-password', 'lock-out', 'gateway-down', 'slow-login:9'])(
    'while it does %s',
    async (behaviour) => {
      const simulator = run({ SIMULATOR_BEHAVIOUR: behaviour });
      await simulator.relay();
      expect(await simulator.stop()).toBe(1);
    },
  );
});

describe("IBC's command server", () => {
  it('is off as the image renders it', async () => {
    const simulator = run();
    await simulator.logged(/CommandServer is not started because the port is not configured/);
    expect(simulator.half().commandPort).toBeNull();
  });

  it('is on with a template that says so', async () => {
    const template =
      'IbLoginId=${TWS_USERID}\nIbPassword=${TWS_PASSWORD}\nCommandServerPort=7462\nBindAddress=127.0.0.1\n';
    const simulator = start({ files: { '/home/ibgateway/ibc/config.ini.tmpl': template } });
    open.push(simulator);
    await simulator.logged(/CommandServer started and is ready/);
    expect(await command(simulator, 'EXIT')).toBe('OK Goodbye\n');
  });

  const answers = [
    ['ENABLEAPI\nEXIT', 'ERROR ENABLEAPI is not valid for the IB Gateway\nOK Goodbye\n'],
    ['reconnectdata\nRECONNECTACCOUNT\nEXIT', 'OK \nOK \nOK Goodbye\n'],
    ['NONSENSE\n\nEXIT', 'ERROR Command invalid\nOK Goodbye\n'],
    ['RESTART', 'OK RESTART in progress\n'],
  ] as const;
  it.each(answers)('%j', async (lines, answer) => {
    const simulator = run({ SIMULATOR_COMMAND_PORT: '7462' });
    await simulator.logged(/tasks completed/);
    expect(await command(simulator, lines)).toBe(answer);
  });

  it('a restart that is asked for during the login comes after it', async () => {
    const simulator = run({ SIMULATOR_COMMAND_PORT: '7462', SIMULATOR_BEHAVIOUR: 'no-login' });
    await simulator.logged(/Second Factor/);
    const answer = command(simulator, 'RESTART');
    await simulator.logged(/Getting main window/);
    expect(simulator.lines.join('\n')).not.toContain('IBC returned');
    simulator.behave('normal');
    // The client has to wait as long.
    expect(await answer).toBe('OK RESTART in progress\n');
    await simulator.logged(/Re-starting session/);
  });

  it('says more, and prompts, where its settings say so', async () => {
    const template =
      'IbLoginId=${TWS_USERID}\nIbPassword=${TWS_PASSWORD}\nCommandServerPort=7462\nBindAddress=127.0.0.1\nSuppressInfoMessages=no\nCommandPrompt=IBC>\n';
    const simulator = start({ files: { '/home/ibgateway/ibc/config.ini.tmpl': template } });
    open.push(simulator);
    const answer = await command(simulator, 'RECONNECTDATA\nSTOP');
    expect(answer).toBe(
      'INFO IBC Command Server\nOK \nIBC>INFO Closing IBC\nOK Shutting down: STOP command\n',
    );
  });

  it('opens the API of TWS, and it stays open', async () => {
    const env = { ...RIGHT, SIMULATOR_CONTRACT: 'gnzsnz-tws', SIMULATOR_COMMAND_PORT: '7462' };
    const settings = { TWS_SETTINGS_PATH: '/config/tws_settings' };
    const first = start({ env: { ...env, ...settings } });
    open.push(first);
    await first.logged(/tasks completed/);
    expect(first.half().apiPort).toBeNull();
    expect(await command(first, 'ENABLEAPI\nENABLEAPI\nEXIT')).toBe(
      'OK configured\nOK already configured\nOK Goodbye\n',
    );
    await first.until(() => first.half().apiPort !== null);
    await first.stop();
    const second = start({ env: { ...env, ...settings }, root: first.root });
    open.push(second);
    await second.until(() => second.halves().some(({ apiPort }) => apiPort !== null));
  });

  it('opens the API of a TWS that is told before its login is complete', async () => {
    const simulator = run({
      SIMULATOR_CONTRACT: 'gnzsnz-tws',
      SIMULATOR_COMMAND_PORT: '7462',
      SIMULATOR_BEHAVIOUR: 'no-login',
      TWS_SETTINGS_PATH: '/config/tws_settings',
    });
    await simulator.logged(/CommandServer started and is ready/);
    const answer = command(simulator, 'ENABLEAPI\nEXIT');
    await simulator.logged(/received command: ENABLEAPI/);
    simulator.behave('normal');
    expect(await answer).toBe('OK configured\nOK Goodbye\n');
    await simulator.until(() => simulator.half().apiPort !== null);
  });

  it('STOP ends the container without a failure', async () => {
    const simulator = run({ SIMULATOR_COMMAND_PORT: '7462' });
    await simulator.logged(/tasks completed/);
    expect(await command(simulator, 'STOP')).toBe('OK Shutting down: STOP command\n');
    expect(await simulator.exited).toBe(0);
  });
});

/** Sends lines to the command server; resolves with all it answered, once it closes. */
async function command(simulator: TestSimulator, lines: string): Promise<string> {
  await simulator.until(() => simulator.halves().some(({ commandPort }) => commandPort !== null));
  const socket = connect(simulator.half().commandPort ?? 0, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('utf8');
  });
  socket.write(`${lines}\n`);
  await new Promise((resolve, reject) => {
    socket.on('close', resolve);
    socket.on('error', reject);
  });
  return answer;
}
