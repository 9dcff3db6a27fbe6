import { describe, expect, it } from 'vitest';
import { gatewayStage, type Stage } from '../../src/gateway/log-events.ts';

const ibc = (message: string) => `2026-11-21 09:13:35:519 IBC: ${message}`;

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
      name: 'ended by the kernel',
      lines: [
        completed,
        'ib-gateway@4001.service: A process of this unit has been killed by the OOM killer.',
        'IBC returned exit status 137',
        'Gateway finished',
      ],
      stage: 'out-of-memory',
      detail: /memory/,
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
