/**
 * What the lines of ibg-controller mean (gateway_controller.py at 13422e4, v0.12.0, and the script of its image at
 * v0.6.2). Each line of the controller's names its half: `12:00:01 [INFO] [live] …`. The words that begin with
 * `ALERT_` are promised to stay (docs/OBSERVABILITY.md there); the others are those of this version.
 */

import type { Rule } from './log-line.ts';

const UNANSWERED =
  'it leaves the login without an answer: too many logins, or another session of the user';
const HELD =
  'IBKR leaves the logins without an answer; a login as this user in IBKR Mobile ends all other sessions, the web portal does not';

/** The first that matches counts. What the script shares with the image below it stands in that image's table. */
export const CONTROLLER_LINES: readonly Rule[] = [
  [
    /\.> Starting Gateway controller in (live|paper) mode/,
    ([, half]) => ({ kind: 'half-starting', half: half === 'live' ? 'live' : 'paper' }),
  ],
  [/\[STATE: LAUNCHING\]/, () => ({ kind: 'starting' })],
  [/\] Log In clicked successfully/, () => ({ kind: 'login-attempt' })],
  // Up to eight tries of one login, with a wait between them; the third in a row and the last are alerts.
  [/ALERT_CCP_PERSISTENT(?:_HALT)? /, () => ({ kind: 'locked-out', text: HELD })],
  [/CCP LOCKOUT DETECTED/, () => ({ kind: 'ibkr-unreachable', text: UNANSWERED })],
  [
    /Diagnosis: SSL HANDSHAKE FAILED/,
    () => ({ kind: 'ibkr-unreachable', text: 'no TLS with its server; is tws_server right?' }),
  ],
  [/ALERT_LOGIN_FAILED .*reason="post-auth-no-progress"/, () => ({ kind: 'login-stalled' })],
  [/ALERT_LOGIN_FAILED /, () => ({ kind: 'login-failed', text: '' })],
  [
    /ALERT_PASSWORD_EXPIRED status=expired/,
    () => ({
      kind: 'login-failed',
      text: 'the password has expired, set another one at IBKR first',
    }),
  ],
  [/\] action=manual — leaving dialog for user/, () => ({ kind: 'existing-session' })],
  [/Waiting for IB Key mobile approval/, () => ({ kind: 'two-factor-waiting' })],
  [
    /\] (?:2FA handled successfully|2FA dialog dismissed|API port opened — IB Key approval)/,
    () => ({ kind: 'two-factor-closed', seconds: null }),
  ],
  [
    /RELOGIN_AFTER_TWOFA_TIMEOUT=yes — in-JVM relogin|TWOFA_TIMEOUT_ACTION=restart — invoking/,
    () => ({ kind: 'two-factor-timeout', again: true }),
  ],
  [
    /ALERT_2FA_FAILED .*reason="2FA dialog timeout/,
    () => ({ kind: 'two-factor-timeout', again: false }),
  ],
  [
    /ALERT_2FA_FAILED .*reason="TWOFACTOR_CODE is not a base32 secret"/,
    () => ({ kind: 'bad-environment', text: 'the secret totp is no seed in base32', fatal: true }),
  ],
  [
    /ALERT_2FA_FAILED .*reason="([^"]*)"/,
    ([, text = '']) => ({ kind: 'two-factor-device', text: `the second factor failed: ${text}` }),
  ],
  [
    /ALERT_2FA_MANUAL_WINDOW .*timeout_seconds=(\d+)/,
    ([, seconds]) => ({
      kind: 'two-factor-device',
      text: `the second factor needs somebody: it waits ${seconds} s for a login by hand on its screen`,
    }),
  ],
  [
    /ALERT_HALTED .*reason="([^"]*)"/,
    ([, text = '']) => ({ kind: 'halted', text: `it tries nothing more until a restart: ${text}` }),
  ],
  [/Login dialog never appeared/, () => ({ kind: 'no-login-window' })],
  [
    /\[STATE: READY\]|\] Re-auth complete|\] RESTART: Gateway re-launched successfully|ALERT_AUTO_RESTART .*status=adopted/,
    () => ({ kind: 'login-completed' }),
  ],
  [
    /Gateway JVM exited with code (\d+)/,
    ([, status]) => ({ kind: 'process-exited', status: Number(status) }),
  ],
  [
    /ALERT_IBKR_MAINTENANCE_RECOVERY |ALERT_AUTO_RESTART .*status=failed_|\] Recovery: (?!this mode is back)|Gateway JVM exited cleanly|\] RESTART: terminating Gateway/,
    () => ({ kind: 'restarting' }),
  ],
  [/Command server: STOP received/, () => ({ kind: 'command', verb: 'STOP' })],
  [/Received signal \d+ \(SIG(?:TERM|INT)\), shutting down/, () => ({ kind: 'stopping' })],
  [
    /TWS_USERID and TWS_PASSWORD must be set/,
    () => ({ kind: 'bad-environment', text: 'a user and a password are needed', fatal: true }),
  ],
  [
    /ValueError: (TWS_SERVER\w*=.* is not a valid hostname)/,
    ([, text = '']) => ({ kind: 'bad-environment', text, fatal: true }),
  ],
];
