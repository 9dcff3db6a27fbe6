/** The image with a controller in the place of IBC: its states, its page, its commands, how it stops and gives up. */

import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { probeApi } from '../../src/gateway/probe.ts';
import type { Environment } from './contract.ts';
import { QUICK, start, type TestSimulator } from './running.ts';
import { decodeBase32, oneTimeCode } from './totp.ts';

const open: TestSimulator[] = [];

afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.end();
});

function run(env: Environment = {}): TestSimulator {
  const simulator = start({
    env: {
      PATH: process.env.PATH,
      ...QUICK,
      SIMULATOR_CONTRACT: 'ibg-controller',
      USE_IBG_CONTROLLER: 'yes',
      TRADING_MODE: 'paper',
      TWS_USERID: 'bob',
      TWS_PASSWORD: 'secret',
      CONTROLLER_COMMAND_SERVER_PORT: '7462',
      CONTROLLER_COMMAND_SERVER_HOST: '127.0.0.1',
      ...env,
    },
  });
  open.push(simulator);
  return simulator;
}

const LOGGED_IN = /Login complete\. Entering monitor loop/;

async function tell(simulator: TestSimulator, text: string): Promise<string> {
  const socket = connect(simulator.half().commandPort ?? 0, '127.0.0.1', () => socket.write(text));
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

async function page(
  simulator: TestSimulator,
  path: string,
): Promise<{ status: number; body: object }> {
  const response = await fetch(`http://127.0.0.1:${simulator.services().health}${path}`);
  return { status: response.status, body: (await response.json()) as object };
}

it('one-time codes are those of RFC 6238', () => {
  // Its appendix B, the last six of eight digits; the key is "12345678901234567890".
  const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  expect(decodeBase32(seed).toString()).toBe('12345678901234567890');
  expect(oneTimeCode(seed, 59)).toBe('287082');
  expect(oneTimeCode(seed, 1_111_111_109)).toBe('081804');
  expect(oneTimeCode(seed, 20_000_000_000)).toBe('353130');
});

describe('its page', () => {
  it('is unhealthy until the gateway is logged in, and says where it stands', async () => {
    const simulator = run({ TRADING_MODE: 'live', SIMULATOR_BEHAVIOUR: 'no-login' });
    await simulator.logged(/Waiting for IB Key mobile approval/);
    await simulator.until(() => simulator.services().health !== undefined);
    expect(await page(simulator, '/health')).toMatchObject({
      status: 503,
      body: { status: 'unhealthy', mode: 'live', state: 'TWO_FA', api_port_open: false },
    });
    expect(await page(simulator, '/ready')).toEqual({ status: 200, body: { status: 'up' } });
    simulator.behave('normal');
    await simulator.logged(LOGGED_IN);
    expect(await page(simulator, '/health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', state: 'MONITORING', api_port: 4001, jvm_alive: true },
    });
    expect((await page(simulator, '/metrics')).status).toBe(404);
  });
});

describe('its command server', () => {
  it.each([
    ['ENABLEAPI\n', 'OK ENABLEAPI (already enabled)\n'],
    ['PAUSE\n', 'ERR unknown_command: PAUSE\n'],
    ['RECONNECTDATA\n', expect.stringMatching(/^ERR RECONNECTDATA: not supported on Gateway/)],
  ])('%j: %j', async (command, answer) => {
    const simulator = run();
    await simulator.logged(LOGGED_IN);
    expect(await tell(simulator, command)).toEqual(answer);
  });

  it('STOP logs out, and the container ends with 0', async () => {
    const simulator = run();
    await simulator.logged(LOGGED_IN);
    expect(await tell(simulator, 'STOP\n')).toBe('OK STOP\n');
    expect(await simulator.exited).toBe(0);
    expect(simulator.lines.join('\n')).toMatch(/ALERT_CLEAN_LOGOUT .*status=succeeded/);
  });

  it('RESTART is a login of its own', async () => {
    const simulator = run({ TRADING_MODE: 'live' });
    await simulator.logged(LOGGED_IN);
    expect(await tell(simulator, 'RESTART\n')).toBe('OK RESTART\n');
    const asked = simulator.lines.filter((line) => /Waiting for IB Key mobile/.test(line));
    expect(asked).toHaveLength(2);
  });

  it('with a word of its own hears nobody who does not say it', async () => {
    const simulator = run({ CONTROLLER_COMMAND_SERVER_AUTH_TOKEN: 'sesame' });
    await simulator.logged(LOGGED_IN);
    expect(await tell(simulator, 'STOP\nSTOP\n')).toBe('ERR auth_required\n');
    expect(await tell(simulator, 'AUTH other\nSTOP\n')).toBe('ERR auth_failed\n');
    expect(await tell(simulator, 'AUTH sesame\nENABLEAPI\n')).toMatch(/^OK ENABLEAPI/);
  });
});

describe('SIGTERM', () => {
  it('is a logout, once the login has completed: 143', async () => {
    const simulator = run();
    await simulator.relay();
    await simulator.logged(
      /\[STATE: READY\]|\] Re-auth complete|\] RESTART: Gateway re-launched successfully|ALERT_AUTO_RESTART .*status=adopted/,
    );
    expect(await simulator.stop()).toBe(143);
    expect(simulator.lines.join('\n')).toMatch(
      /ALERT_SHUTDOWN mode=paper signal=SIGTERM graceful=true/,
    );
  });

  it('is not heard before', async () => {
    const simulator = run({
      TRADING_MODE: 'live',
      SIMULATOR_BEHAVIOUR: 'no-login',
      SIMULATOR_READY_SECONDS: '300',
    });
    await simulator.logged(/Waiting for IB Key/);
    void simulator.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(simulator.lines.join('\n')).not.toContain('Received SIGINT or SIGTERM');
    expect(await simulator.kill()).toBe(137);
  });
});

describe('what goes wrong', () => {
  it('a wrong password is told, and ends with 3 when nothing comes', async () => {
    const simulator = run({
      SIMULATOR_BEHAVIOUR: 'wrong-password',
      TWOFA_EXIT_INTERVAL: '0',
      TWOFA_TIMEOUT_ACTION: 'exit',
    });
    expect(await simulator.exited).toBe(3);
    expect(simulator.lines.join('\n')).toMatch(
      /ALERT_LOGIN_FAILED mode=paper reason="bad-credentials"/,
    );
  });

  it('logins that IBKR leaves unanswered: eight more, then it ends with 1', async () => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: 'lock-out' });
    expect(await simulator.exited).toBe(1);
    const text = simulator.lines.join('\n');
    expect(text.match(/CCP LOCKOUT DETECTED/g)).toHaveLength(9);
    expect(text).toMatch(/ALERT_CCP_PERSISTENT_HALT mode=paper/);
  });

  it('a wrong seed types a code that opens nothing', async () => {
    const simulator = run({
      TRADING_MODE: 'live',
      TWOFACTOR_CODE: 'JBSWY3DPEHPK3PXP',
      SIMULATOR_TOTP_SEED: 'GEZDGNBVGY3TQOJQ',
    });
    await simulator.logged(/STATE: DISCLAIMERS/);
    await simulator.logged(/No 2FA dialog appeared|API_WAIT/);
    expect(simulator.half().apiPort).toBeNull();
  });

  it('a gateway that is gone comes back by a login', async () => {
    const simulator = run();
    await simulator.logged(LOGGED_IN);
    simulator.behave('gateway-down');
    await simulator.logged(/Gateway JVM exited with code 1/);
    simulator.behave('normal');
    await simulator.logged(/Recovery: fast restart succeeded/);
    const port = await simulator.relay();
    expect((await probeApi({ host: '127.0.0.1', port })).state).toBe('handshake');
  });
});

it("the gateway's own restart is no login", async () => {
  const simulator = run({ TRADING_MODE: 'live' });
  await simulator.logged(LOGGED_IN);
  simulator.byClock('restart');
  await simulator.logged(/ALERT_AUTO_RESTART mode=live status=adopted/);
  expect(simulator.lines.filter((line) => /Log In clicked/.test(line))).toHaveLength(1);
});
