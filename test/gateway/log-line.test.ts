import { describe, expect, it } from 'vitest';
import { type LogEvent, parseLogLine } from '../../src/gateway/log-line.ts';

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
