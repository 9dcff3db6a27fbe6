import { describe, expect, it } from 'vitest';
import { type LogEvent, parseLogLine } from '../../src/gateway/log-line.ts';

const ibc = (message: string) => `2026-11-21 09:13:35:519 IBC: ${message}`;

describe('parseLogLine', () => {
  const rows: [string, LogEvent | null][] = [
    ['.> Starting IBC/IB gateway', { kind: 'container-starting' }],
    ['.> Starting IBC in paper mode, with params:', { kind: 'half-starting', half: 'paper' }],
    ['Starting IBC version 3.24.2 on 2026-11-21 at 09:13:35', { kind: 'starting' }],
    ['Starting IBC version  on 2026-11-21 at 09:13:35', { kind: 'starting' }],
    [ibc('version: 3.24.1'), { kind: 'starting' }],
    [
      ibc('Starting session: will exit if login dialog is not displayed within 60 seconds'),
      { kind: 'session', resumed: false },
    ],
    [ibc('Re-starting session'), { kind: 'session', resumed: true }],
    ['Forking :::4002 onto 0.0.0.0:4004 > trading mode paper ', null],
    [
      'autorestart file found at /x/y/autorestart: authentication will not be required',
      { kind: 'autorestart-found' },
    ],
    ['autorestart file not found: full authentication will be required', null],
    [ibc('Login attempt: 12'), { kind: 'login-attempt' }],
    [`Nov 21 09:13:35 host ib-gateway[12]: ${ibc('Login attempt: 2')}`, { kind: 'login-attempt' }],
    [ibc('Second Factor Authentication initiated'), { kind: 'two-factor-waiting' }],
    [
      ibc('Re-login after second factor authentication timeout not required'),
      { kind: 'two-factor-timeout', again: false },
    ],
    [
      ibc('Re-login after second factor authentication timeout in 5 second'),
      { kind: 'two-factor-timeout', again: true },
    ],
    [ibc('Duration since login: 6 seconds'), { kind: 'two-factor-closed', seconds: 6 }],
    [
      ibc('IBC closing because login has not completed after Second Factor Authentication'),
      { kind: 'login-stalled' },
    ],
    [
      ibc("could not find second factor device 'IB Key' in the list"),
      {
        kind: 'two-factor-device',
        text: 'twofa_device "IB Key" is not in IBKR\'s list, and somebody must choose one',
      },
    ],
    [
      ibc('End this session and let the other session proceed (scenario 2)'),
      {
        kind: 'gives-way',
        text: 'End this session and let the other session proceed (scenario 2)',
      },
    ],
    [ibc("Don't know the type of the other session, so continue this one (scenario 3)"), null],
    [
      ibc('Trading Login Handoff dialog; user must choose whether to continue with this session'),
      { kind: 'existing-session' },
    ],
    [
      ibc('detected dialog entitled: Unrecognized Username or Password; event=Opened'),
      { kind: 'login-failed', text: 'Unrecognized Username or Password' },
    ],
    [
      ibc('Connection to server failed: Server disconnected, please try again'),
      {
        kind: 'ibkr-unreachable',
        text: 'Connection to server failed: Server disconnected, please try again',
      },
    ],
    [
      ibc('IBC closing after TWS/Gateway failed to display login dialog'),
      { kind: 'no-login-window' },
    ],
    [
      ibc('detected frame entitled: Connecting to server...; event=Opened'),
      { kind: 'link', up: false },
    ],
    [
      ibc('detected frame entitled: Connecting to server...; event=Closed'),
      { kind: 'link', up: true },
    ],
    [
      ibc('detected frame entitled: Starting application...; event=Closed'),
      { kind: 'link', up: true },
    ],
    [ibc('detected frame entitled: Connecting to server...; event=Activated'), null],
    [ibc('detected frame entitled: Starting application...; event=Deactivated'), null],
    [
      ibc('detected dialog entitled: Important; event=Opened'),
      { kind: 'dialog', title: 'Important', opened: true },
    ],
    [ibc('detected dialog entitled: Important; event=Activated'), null],
    [ibc('detected dialog entitled: Shutdown progress; event=Opened'), { kind: 'shutdown' }],
    [ibc('CommandServer received command: RESTART'), { kind: 'command', verb: 'RESTART' }],
    [ibc('CommandServer received command: pause'), { kind: 'command', verb: 'PAUSE' }],
    [ibc('CommandServer received command: ENABLEAPI'), null],
    [ibc('Auto logoff time set to 11:45 PM'), { kind: 'auto-logoff', time: '11:45 PM' }],
    [
      ibc('Auto logoff time changed from 11:45 PM to 11:50 PM'),
      { kind: 'auto-logoff', time: '11:50 PM' },
    ],
    ['Stopping ib-gateway@4001.service - IB gateway 4001...', { kind: 'stopping' }],
    ['.> Stopping Xvfb.', null],
    [
      ibc('User must choose whether to continue with this session (scenario 1)'),
      { kind: 'existing-session' },
    ],
    [ibc('Login has completed'), { kind: 'login-completed' }],
    [ibc('Login has completed: exiting via [File, Close] menu'), null],
    [
      ibc('detected dialog entitled: Login failed; event=Opened'),
      { kind: 'dialog', title: 'Login failed', opened: true },
    ],
    [ibc('Login failed'), { kind: 'login-failed', text: '' }],
    [ibc('Login error message: no such user'), { kind: 'login-failed', text: 'no such user' }],
    [
      ibc('Too many failed login attempts. Please wait 53 seconds'),
      { kind: 'locked-out', text: 'Too many failed login attempts. Please wait 53 seconds' },
    ],
    [ibc('Cold restart in progress'), { kind: 'cold-restart' }],
    ['IBC returned exit status 87', { kind: 'process-exited', status: 87 }],
    ['IBC will restart shortly', { kind: 'restarting' }],
    ['IBC is paused', { kind: 'paused' }],
    [
      'ib-gateway@4001.service: A process of this unit has been killed by the OOM killer.',
      { kind: 'out-of-memory' },
    ],
    ['Gateway finished', { kind: 'gateway-finished' }],
    ['.> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.', { kind: 'stopping' }],
    [
      '.> Invalid TRADING_MODE: ',
      { kind: 'bad-environment', text: 'Invalid TRADING_MODE: ', fatal: true },
    ],
    [
      'error: both TWS_PASSWORD and TWS_PASSWORD_FILE are set (but are exclusive)',
      {
        kind: 'bad-environment',
        text: 'error: both TWS_PASSWORD and TWS_PASSWORD_FILE are set (but are exclusive)',
        fatal: true,
      },
    ],
    [
      '/home/ibgateway/scripts/common.sh: line 64: /run/secrets/p: Permission denied',
      { kind: 'bad-environment', text: '/run/secrets/p: Permission denied', fatal: true },
    ],
    [
      'mkdir: cannot create directory ‘/a/b’: No such file or directory',
      {
        kind: 'bad-environment',
        text: 'mkdir: cannot create directory ‘/a/b’: No such file or directory',
        fatal: true,
      },
    ],
    [
      ibc('Auto restart time setting must be hh:mm AM or hh:mm PM'),
      {
        kind: 'bad-environment',
        text: 'Auto restart time setting must be hh:mm AM or hh:mm PM',
        fatal: false,
      },
    ],
    [ibc('Click button: OK'), null],
    ['', null],
  ];
  it.each(rows)('%s', (line, event) => {
    expect(parseLogLine(line)).toEqual(event);
  });
});
