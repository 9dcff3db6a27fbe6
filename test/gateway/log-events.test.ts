import { describe, expect, it } from 'vitest';
import {
  gatewayStage,
  type LogEvent,
  parseLogLine,
  type Stage,
} from '../../src/gateway/log-events.ts';

const ibc = (message: string) => `2026-11-21 09:13:35:519 IBC: ${message}`;

describe('parseLogLine', () => {
  const rows: [string, LogEvent | null][] = [
    ['.> Starting IBC/IB gateway', { kind: 'container-starting' }],
    [
      'Starting IBC version 3.24.2 on 2026-11-21 at 09:13:35',
      { kind: 'starting', version: '3.24.2' },
    ],
    ['Starting IBC version  on 2026-11-21 at 09:13:35', { kind: 'starting', version: '' }],
    [
      'Forking :::4002 onto 0.0.0.0:4004 > trading mode paper ',
      { kind: 'relay-listening', apiPort: 4002, relayPort: 4004 },
    ],
    [
      'autorestart file found at /x/y/autorestart: authentication will not be required',
      { kind: 'autorestart-found' },
    ],
    [
      'autorestart file not found: full authentication will be required',
      { kind: 'full-authentication' },
    ],
    [ibc('Login attempt: 12'), { kind: 'login-attempt', n: 12 }],
    [
      `Nov 21 09:13:35 host ib-gateway[12]: ${ibc('Login attempt: 2')}`,
      { kind: 'login-attempt', n: 2 },
    ],
    [ibc('Second Factor Authentication initiated'), { kind: 'two-factor-waiting' }],
    [
      ibc('Re-login after second factor authentication timeout not required'),
      { kind: 'two-factor-timeout' },
    ],
    [
      ibc('User must choose whether to continue with this session (scenario 1)'),
      { kind: 'existing-session' },
    ],
    [ibc('Login has completed'), { kind: 'login-completed' }],
    [ibc('Login has completed: exiting via [File, Close] menu'), null],
    [ibc('detected dialog entitled: Login failed; event=Opened'), null],
    [ibc('Login failed'), { kind: 'login-failed', text: '' }],
    [ibc('Login error message: no such user'), { kind: 'login-failed', text: 'no such user' }],
    [
      ibc('Too many failed login attempts. Please wait 53 seconds'),
      { kind: 'locked-out', text: 'Too many failed login attempts. Please wait 53 seconds' },
    ],
    [ibc('Read-Only API checkbox is now set to: false'), { kind: 'read-only-api', on: false }],
    [ibc('Read-Only API checkbox is already set to: true'), { kind: 'read-only-api', on: true }],
    [ibc('Cold restart in progress'), { kind: 'cold-restart' }],
    ['IBC returned exit status 87', { kind: 'ibc-exited', status: 87 }],
    ['IBC will restart shortly', { kind: 'restarting' }],
    ['IBC is paused', { kind: 'paused' }],
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

describe('gatewayStage', () => {
  const banner = '.> Starting IBC/IB gateway';
  const start = 'Starting IBC version 3.24.2 on 2026-11-21 at 09:13:35';
  const attempt = ibc('Login attempt: 1');
  const factor = ibc('Second Factor Authentication initiated');
  const completed = ibc('Login has completed');
  const refusal = [
    attempt,
    ibc('Login failed'),
    ibc('Cold restart in progress'),
    'IBC returned exit status 0',
    'IBC will cold-restart shortly',
    'IBC will restart shortly',
  ];
  const rows: { name: string; lines: string[]; stage: Stage; detail: RegExp; since?: string }[] = [
    { name: 'nothing', lines: [], stage: 'unknown', detail: /does not say/ },
    { name: 'lines that say nothing', lines: ['a', 'b'], stage: 'unknown', detail: /does not say/ },
    {
      name: 'a start',
      lines: [banner, start],
      stage: 'starting',
      detail: /starting/,
      since: banner,
    },
    {
      name: 'the login window',
      lines: [banner, start, ibc('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT')],
      stage: 'login-window',
      detail: /window/,
    },
    {
      name: 'a login',
      lines: [start, attempt],
      stage: 'logging-in',
      detail: /attempt 1/,
      since: attempt,
    },
    {
      name: 'two-factor',
      lines: [start, attempt, factor, 'x'],
      stage: 'waiting-for-two-factor',
      detail: /second factor/,
      since: factor,
    },
    {
      name: 'logged in',
      lines: [start, attempt, factor, completed, ibc('Setting ReadOnlyApi')],
      stage: 'logged-in',
      detail: /completed/,
    },
    {
      name: 'a refused login',
      lines: [start, attempt, ibc('Login failed')],
      stage: 'login-failed',
      detail: /^IBKR refused the login$/,
    },
    {
      name: 'refused, and IBC tries again',
      lines: [...refusal, ...refusal, attempt],
      stage: 'login-failed',
      detail: /2 times/,
      since: ibc('Login failed'),
    },
    {
      name: 'refused with a reason on the next line',
      lines: [attempt, ibc('Login error message:'), 'wrong user or password'],
      stage: 'login-failed',
      detail: /: wrong user or password$/,
    },
    {
      name: 'refused, then right',
      lines: [...refusal, attempt, completed],
      stage: 'logged-in',
      detail: /completed/,
    },
    {
      name: 'locked out',
      lines: [...refusal, attempt, ibc('Too many failed login attempts. Please wait 4 minutes')],
      stage: 'locked-out',
      detail: /4 minutes/,
    },
    {
      name: 'a new container forgets the refusals',
      lines: [...refusal, banner],
      stage: 'starting',
      detail: /container/,
    },
    {
      name: 'ended by a code',
      lines: [
        attempt,
        factor,
        'IBC returned exit status 87',
        'autorestart file not found: full authentication will be required',
        'Gateway finished',
      ],
      stage: 'exited',
      detail: /87: the second factor/,
    },
    {
      name: 'soft restart',
      lines: [
        completed,
        'IBC returned exit status 0',
        'autorestart file found at /x: authentication will not be required',
        'IBC will restart shortly',
      ],
      stage: 'restarting',
      detail: /again/,
    },
    {
      name: 'paused',
      lines: [completed, 'IBC returned exit status 0', 'IBC is paused', 'Gateway finished'],
      stage: 'exited',
      detail: /paused/,
    },
    {
      name: 'stopped',
      lines: [
        completed,
        '.> Received SIGINT or SIGTERM. Shutting down IB Gateway.',
        'IBC returned exit status 143',
        'Gateway finished',
      ],
      stage: 'exited',
      detail: /143: it was stopped/,
    },
    {
      name: 'a bad environment',
      lines: [banner, '.> Invalid TRADING_MODE: '],
      stage: 'bad-environment',
      detail: /TRADING_MODE/,
    },
    {
      name: 'a bad setting that ends IBC',
      lines: [
        start,
        ibc("Invalid ColdRestartTime setting: 'x'; format"),
        'IBC returned exit status 81',
        'Gateway finished',
      ],
      stage: 'bad-environment',
      detail: /ColdRestartTime/,
    },
    {
      name: 'a setting that is only logged',
      lines: [completed, ibc('Auto restart time setting must be hh:mm AM')],
      stage: 'logged-in',
      detail: /completed/,
    },
    {
      name: 'another session',
      lines: [attempt, ibc('User must choose whether to continue with this session (scenario 1)')],
      stage: 'existing-session',
      detail: /elsewhere/,
    },
  ];
  it.each(rows)('$name: $stage', ({ lines, stage, detail, since }) => {
    const result = gatewayStage(lines);
    expect(result.stage).toBe(stage);
    expect(result.detail).toMatch(detail);
    if (since !== undefined) expect(result.since).toBe(since);
  });
});
