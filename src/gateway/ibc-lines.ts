/**
 * What IBC writes: the words of 3.24.1, of its Java part (`2026-11-28 00:06:44:123 IBC: …`) and of its start
 * script ibcstart.sh. Lines may carry any prefix.
 */

import type { Rule } from './log-line.ts';

export const IBC_LINES: readonly Rule[] = [
  [/Starting IBC version \S* ?on /, () => ({ kind: 'starting' })],
  [/IBC: version: /, () => ({ kind: 'starting' })],
  [/IBC: Starting session: will exit if/, () => ({ kind: 'session', resumed: false })],
  [/IBC: Re-starting session/, () => ({ kind: 'session', resumed: true })],
  [/Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT/, () => ({ kind: 'login-window' })],
  [/Login attempt: \d+/, () => ({ kind: 'login-attempt' })],
  [/Second Factor Authentication initiated/, () => ({ kind: 'two-factor-waiting' })],
  [
    /Duration since login: (\d+) seconds/,
    ([, seconds]) => ({ kind: 'two-factor-closed', seconds: Number(seconds) }),
  ],
  [
    /Re-login after second factor authentication timeout not required/,
    () => ({ kind: 'two-factor-timeout', again: false }),
  ],
  [
    /Re-login after second factor authentication timeout in/,
    () => ({ kind: 'two-factor-timeout', again: true }),
  ],
  [/login has not completed after Second Factor/, () => ({ kind: 'login-stalled' })],
  [
    /You should specify the required second factor device/,
    () => ({
      kind: 'two-factor-device',
      text: 'IBKR has several second-factor devices for its user, and somebody must choose one',
    }),
  ],
  [
    /could not find second factor device '(.*)' in the list/,
    ([, device]) => ({
      kind: 'two-factor-device',
      text: `twofa_device "${device}" is not in IBKR's list, and somebody must choose one`,
    }),
  ],
  // Scenario 1; IBC's dialog after the second factor says the same in lower case.
  [
    /[Uu]ser must choose whether to continue with this session/,
    () => ({ kind: 'existing-session' }),
  ],
  [
    /((?:End this session|Other session (?:must|may) be).* \(scenario [246]\))/,
    ([, text = '']) => ({ kind: 'gives-way', text }),
  ],
  // "Login has completed: exiting via …" is the answer to STOP.
  [/Login has completed(?!:)/, () => ({ kind: 'login-completed' })],
  [/IBC: Login failed\s*$/, () => ({ kind: 'login-failed', text: '' })],
  [/Login error message:\s*(.*)$/, ([, text = '']) => ({ kind: 'login-failed', text })],
  // No handler in 3.24.1: the dialog stays (IBC #288, #309, #319, #336).
  [
    /detected dialog entitled: (Unrecognized Username or Password).*; event=Opened/,
    ([, text = '']) => ({ kind: 'login-failed', text }),
  ],
  [/(Too many failed login attempts\..*)$/, ([, text = '']) => ({ kind: 'locked-out', text })],
  [
    /IBC: (Connection to server failed.*)$/,
    ([, text = '']) => ({ kind: 'ibkr-unreachable', text }),
  ],
  [
    /IBC: (The system is not currently available.*)$/,
    ([, text = '']) => ({ kind: 'ibkr-unreachable', text }),
  ],
  [/failed to display login dialog/, () => ({ kind: 'no-login-window' })],
  [/detected dialog entitled: Shutdown progress.*; event=Opened/, () => ({ kind: 'shutdown' })],
  // The gateway's splash window while it looks for IBKR (field logs of gnzsnz #396, IBC #269). Its title changes as it
  // gets on, and it closes under its last one (SplashFrameHandler.java).
  [
    /detected frame entitled: Connecting to server.*; event=Opened/,
    () => ({ kind: 'link', up: false }),
  ],
  [
    /detected frame entitled: (?:Connecting to server|Starting application).*; event=Closed/,
    () => ({ kind: 'link', up: true }),
  ],
  [
    /detected dialog entitled: (.*); event=(Opened|Closed)/,
    ([, title = '', event]) => ({ kind: 'dialog', title, opened: event === 'Opened' }),
  ],
  [
    /Auto logoff time (?:already )?(?:set|changed)\b.* to (.*)$/,
    ([, time = '']) => ({ kind: 'auto-logoff', time }),
  ],
  [
    /CommandServer received command: (STOP|RESTART|PAUSE)\b/i,
    ([, verb = '']) => ({ kind: 'command', verb: verbOf(verb) }),
  ],
  [/Cold restart in progress|IBC will cold-restart shortly/, () => ({ kind: 'cold-restart' })],
  [
    /IBC returned exit status (\d+)/,
    ([, status]) => ({ kind: 'process-exited', status: Number(status) }),
  ],
  [
    /autorestart file found at .*authentication will not be required/,
    () => ({ kind: 'autorestart-found' }),
  ],
  [/IBC will restart shortly/, () => ({ kind: 'restarting' })],
  [/IBC is paused/, () => ({ kind: 'paused' })],
  [/(?:Gateway|TWS) finished\s*$/, () => ({ kind: 'gateway-finished' })],
  [
    /(Invalid setting value for .*)$/,
    ([, text = '']) => ({ kind: 'bad-environment', text, fatal: true }),
  ],
];

function verbOf(text: string): 'STOP' | 'RESTART' | 'PAUSE' {
  const verb = text.toUpperCase();
  return verb === 'STOP' || verb === 'PAUSE' ? verb : 'RESTART';
}
