/** Lines as the controller writes them, copied from its source; and every state of it in the simulator. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseLogLine } from '../../src/gateway/log-line.ts';
import { QUICK, start, type TestSimulator } from '../simulator/running.ts';

const open: TestSimulator[] = [];

afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.end();
});

test.each([
  ['.> Starting Gateway controller in paper mode.', { kind: 'half-starting', half: 'paper' }],
  ['12:00:01 [INFO] [live] [STATE: LAUNCHING]', { kind: 'starting' }],
  ['12:00:01 [INFO] [live] Log In clicked successfully', { kind: 'login-attempt' }],
  [
    '12:00:01 [INFO] [live] Waiting for IB Key mobile approval — approve on your phone via the IB Key app',
    { kind: 'two-factor-waiting' },
  ],
  ['12:00:01 [INFO] [live] 2FA handled successfully', { kind: 'two-factor-closed', seconds: null }],
  [
    '12:00:01 [INFO] [live] 2FA dialog dismissed — IB Key approval detected, proceeding',
    { kind: 'two-factor-closed', seconds: null },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_2FA_FAILED mode=live reason="2FA dialog timeout; TWOFA_TIMEOUT_ACTION=exit"',
    { kind: 'two-factor-timeout', again: false },
  ],
  [
    '12:00:01 [WARNING] [live] TWOFA_TIMEOUT_ACTION=restart — invoking do_restart_in_place',
    { kind: 'two-factor-timeout', again: true },
  ],
  [
    "12:00:01 [ERROR] [live] ALERT_2FA_FAILED mode=live reason=\"2FA method mismatch\" dialog_prompt='Enter IB Key code' expected='Mobile Authenticator app'",
    { kind: 'two-factor-device', text: 'the second factor failed: 2FA method mismatch' },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_2FA_FAILED mode=live reason="passkey/WebAuthn 2FA flow - unattended login not supported"',
    {
      kind: 'two-factor-device',
      text: 'the second factor failed: passkey/WebAuthn 2FA flow - unattended login not supported',
    },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_2FA_FAILED mode=live reason="TWOFACTOR_CODE is not a base32 secret" remediation="x"',
    { kind: 'bad-environment', text: 'the secret totp is no seed in base32', fatal: true },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_2FA_MANUAL_WINDOW mode=live timeout_seconds=300 remediation="finish the login over VNC (port 5900)"',
    {
      kind: 'two-factor-device',
      text: expect.stringContaining('it waits 300 s for a login by hand'),
    },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_HALTED mode=live state=HALTED reason="2FA needs a change only an operator can make"',
    {
      kind: 'halted',
      text: 'it tries nothing more until a restart: 2FA needs a change only an operator can make',
    },
  ],
  [
    '12:00:01 [ERROR] [paper] ALERT_LOGIN_FAILED mode=paper reason="bad-credentials" suggested_action="x"',
    { kind: 'login-failed', text: '' },
  ],
  [
    '12:00:01 [ERROR] [paper] ALERT_LOGIN_FAILED mode=paper reason="post-auth-no-progress" suggested_action="x"',
    { kind: 'login-stalled' },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_PASSWORD_EXPIRED status=expired mode=live suggested_action="x"',
    { kind: 'login-failed', text: 'the password has expired, set another one at IBKR first' },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_PASSWORD_EXPIRED status=warning mode=live days_remaining=7',
    null,
  ],
  [
    "12:00:01 [WARNING] [live] CCP LOCKOUT DETECTED — IBKR's auth server silently dropped the auth request (no NS_AUTH_START before Timeout)",
    { kind: 'ibkr-unreachable', text: expect.stringContaining('without an answer') },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_CCP_PERSISTENT consecutive_lockouts=3 mode=live suggested_action="x"',
    { kind: 'locked-out', text: expect.stringContaining('IBKR Mobile ends all other sessions') },
  ],
  [
    '12:00:01 [ERROR] [live] ALERT_CCP_PERSISTENT_HALT mode=live reason="x" remediation="y"',
    { kind: 'locked-out', text: expect.stringContaining('IBKR Mobile') },
  ],
  ['12:00:01 [INFO] [live] action=manual — leaving dialog for user', { kind: 'existing-session' }],
  ['12:00:01 [INFO] [live] [STATE: READY]', { kind: 'login-completed' }],
  ['12:00:01 [INFO] [live] Re-auth complete, resuming monitor', { kind: 'login-completed' }],
  [
    '12:00:01 [INFO] [live] ALERT_AUTO_RESTART mode=live status=adopted detected_via=restarter_log old_pid=27 new_pid=5020',
    { kind: 'login-completed' },
  ],
  [
    '12:00:01 [WARNING] [live] ALERT_AUTO_RESTART mode=live status=failed_no_agent detected_via=restarter_log',
    { kind: 'restarting' },
  ],
  [
    '12:00:01 [ERROR] [live] Gateway JVM exited with code 137',
    { kind: 'process-exited', status: 137 },
  ],
  [
    '12:00:01 [INFO] [live] Gateway JVM exited cleanly (code 0). Recovering.',
    { kind: 'restarting' },
  ],
  [
    '12:00:01 [WARNING] [live] Recovery: JVM exited with code 1. Trying fast in-place restart first.',
    { kind: 'restarting' },
  ],
  ['12:00:01 [INFO] [live] Recovery: this mode is back, without a container restart', null],
  [
    '12:00:01 [INFO] [live] Received signal 15 (SIGTERM), shutting down Gateway',
    { kind: 'stopping' },
  ],
  [
    '12:00:01 [INFO] [live] Command server: STOP received — initiating shutdown',
    { kind: 'command', verb: 'STOP' },
  ],
  [
    '12:00:01 [ERROR] [paper] TWS_USERID and TWS_PASSWORD must be set',
    { kind: 'bad-environment', text: 'a user and a password are needed', fatal: true },
  ],
  ['12:00:01 [INFO] [live]   2FA wait t+10s: still waiting', null],
  ['12:00:01 [ERROR] [live] Login dialog handling failed', null],
] as const)('%s', (line, event) => {
  expect(parseLogLine(line, 'ibg-controller')).toEqual(event);
});

describe('a run of the image', () => {
  const kinds = (simulator: TestSimulator) =>
    simulator.lines.flatMap((line) => parseLogLine(line, 'ibg-controller')?.kind ?? []);

  function run(env: Readonly<Record<string, string>>): TestSimulator {
    const simulator = start({
      env: {
        ...QUICK,
        SIMULATOR_CONTRACT: 'ibg-controller',
        USE_IBG_CONTROLLER: 'yes',
        TRADING_MODE: 'live',
        TWS_USERID: 'bob',
        TWS_PASSWORD: 'secret',
        ...env,
      },
    });
    open.push(simulator);
    return simulator;
  }

  test('that logs in with a phone, and is stopped', async () => {
    const simulator = run({});
    await simulator.relay();
    await vi.waitFor(() => expect(kinds(simulator)).toContain('login-completed'), 60_000);
    await simulator.stop();
    expect(kinds(simulator)).toEqual([
      ...[
        'container-starting',
        'half-starting',
        'starting',
        'login-attempt',
        'two-factor-waiting',
        'two-factor-closed',
      ],
      ...['login-completed', 'stopping', 'stopping'],
    ]);
  });

  test('that is refused', async () => {
    const simulator = run({
      SIMULATOR_BEHAVIOUR: 'wrong-password',
      TWOFA_EXIT_INTERVAL: '0',
      TWOFA_TIMEOUT_ACTION: 'exit',
    });
    await simulator.exited;
    expect(kinds(simulator)).toEqual([
      ...[
        'container-starting',
        'half-starting',
        'starting',
        'login-attempt',
        'login-failed',
        'two-factor-timeout',
      ],
    ]);
  });

  test('whose logins have no answer', async () => {
    const simulator = run({ SIMULATOR_BEHAVIOUR: 'lock-out' });
    await simulator.exited;
    const found = kinds(simulator);
    expect(found.filter((kind) => kind === 'ibkr-unreachable')).toHaveLength(9);
    expect(found.at(-1)).toBe('locked-out');
  });
});
