import { describe, expect, it } from 'vitest';
import {
  gatewayStage,
  type LogLine,
  NOTHING_READ,
  stageAt,
  step,
} from '../../src/gateway/log-events.ts';
import type { Stage } from '../../src/gateway/stages.ts';

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
  const rows: { name: string; lines: string[]; stage: Stage; detail: RegExp }[] = [
    { name: 'nothing', lines: [], stage: 'unknown', detail: /does not say/ },
    { name: 'lines that say nothing', lines: ['a', 'b'], stage: 'unknown', detail: /does not say/ },
    {
      name: 'a start',
      lines: [banner, start],
      stage: 'starting',
      detail: /starting/,
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
    },
    {
      name: 'two-factor',
      lines: [start, attempt, factor, 'x'],
      stage: 'waiting-for-two-factor',
      detail: /second factor/,
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
      detail: /87: the login did not complete after the second factor was answered/,
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
      stage: 'paused',
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
      stage: 'stopping',
      detail: /being stopped/,
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
  it.each(rows)('$name: $stage', ({ lines, stage, detail }) => {
    const result = gatewayStage(lines);
    expect(result.stage).toBe(stage);
    expect(result.detail).toMatch(detail);
  });
});

/** Lines of IBC 3.24.1 and of the scripts around it as they were written, with the seconds at which each came. */
type Timed = [second: number, text: string][];

const LOGIN: Timed = [
  [0, '.> Starting IBC/IB gateway'],
  [1, '.> Starting IBC in live mode, with params:'],
  [1, 'Starting IBC version  on 2026-11-28 at 00:06:44'],
  [1, 'autorestart file not found: full authentication will be required'],
  [3, ibc('version: 3.24.1')],
  [3, ibc('Starting session: will exit if login dialog is not displayed within 60 seconds')],
  [6, ibc('detected frame entitled: IBKR Gateway; event=Opened')],
  [6, ibc('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT')],
];
const SENT: Timed = [...LOGIN, [7, ibc('Login attempt: 1')], [7, ibc('Click button: Log In')]];
const ASKED: Timed = [
  ...SENT,
  [9, ibc('detected dialog entitled: Second Factor Authentication; event=Opened')],
  [9, ibc('Second Factor Authentication initiated')],
];
const ANSWERED: Timed = [
  ...ASKED,
  [20, ibc('detected dialog entitled: Second Factor Authentication; event=Closed')],
  [20, ibc('Duration since login: 13 seconds')],
];
const LOGGED_IN: Timed = [
  ...ANSWERED,
  [30, ibc('detected frame entitled: Starting application...; event=Closed')],
  [30, ibc('Login has completed')],
];
const unreachable = (second: number): Timed => [
  [second, ibc('Login attempt: 1')],
  [second, ibc('detected dialog entitled: IBKR Gateway; event=Opened')],
  [second, ibc('Connection to server failed: Server disconnected, please try again')],
  [second, ibc('Cold restart in progress')],
  [second, ibc('Login has not completed: exiting immediately')],
  [second, 'IBC returned exit status 0'],
  [second, 'IBC will cold-restart shortly'],
  [second, 'IBC will restart shortly'],
  [second + 1, ibc('version: 3.24.1')],
  [second + 1, ibc('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT')],
];
const windowless = (second: number): Timed => [
  [second, ibc('IBC closing after TWS/Gateway failed to display login dialog')],
  [second, ibc('Exiting after error with exit code=1112')],
  [second, 'IBC returned exit status 88'],
  [second, 'IBC will restart shortly'],
  [second + 1, ibc('version: 3.24.1')],
];
const WRONG = ibc('detected dialog entitled: Unrecognized Username or Password; event=Opened');
const SHUTDOWN = ibc('detected dialog entitled: Shutdown progress; event=Opened');
const FOUND =
  'autorestart file found at /home/ibgateway/tws_settings/ibq/abc/autorestart: authentication will not be required';
const GONE: Timed = [
  [102, 'IBC returned exit status 0'],
  [102, 'autorestart file not found: full authentication will be required'],
  [102, 'Gateway finished'],
];

describe('situations, at a time after the last line', () => {
  const rows: [what: string, lines: Timed, second: number, stage: Stage, detail: RegExp][] = [
    ['its window has just come', LOGIN, 7, 'starting', /./],
    ['nobody fills its window in', LOGIN, 12, 'login-window', /window is open/],
    ['a login is sent', SENT, 8, 'logging-in', /login attempt 1/],
    ['the notice is out', ASKED, 170, 'waiting-for-two-factor', /waits for the second factor/],
    ['it was answered', ANSWERED, 25, 'two-factor-answered', /ended after 13 s/],
    ['it was answered, and nothing came of it', ANSWERED, 90, 'login-stalled', /did not complete/],
    ['logged in', LOGGED_IN, 90, 'logged-in', /completed/],
    [
      'not answered, and IBC does not ask again',
      [
        ...ASKED,
        [190, ibc('Duration since login: 181 seconds')],
        [190, ibc('Re-login after second factor authentication timeout not required')],
      ],
      900,
      'two-factor-timeout',
      /nobody asks again/,
    ],
    [
      'not answered, and IBC asks again',
      [
        ...ASKED,
        [190, ibc('Duration since login: 181 seconds')],
        [190, ibc('Re-login after second factor authentication timeout in 5 second')],
        [195, ibc('Login attempt: 2')],
        [198, ibc('Second Factor Authentication initiated')],
      ],
      200,
      'waiting-for-two-factor',
      /waits/,
    ],
    [
      'a device is to be chosen',
      [
        ...SENT,
        [9, ibc('detected dialog entitled: Second Factor Authentication; event=Opened')],
        [
          9,
          ibc(
            'You should specify the required second factor device using the SecondFactorDevice setting in config.ini',
          ),
        ],
      ],
      200,
      'two-factor-device',
      /several second-factor devices/,
    ],
    [
      'IBKR is away',
      [...LOGIN, ...unreachable(7), ...unreachable(9)],
      11,
      'ibkr-unreachable',
      /, 2 times: Connection to server failed: Server disconnected/,
    ],
    ['IBKR is back', [...LOGIN, ...unreachable(7), ...LOGGED_IN], 90, 'logged-in', /completed/],
    [
      'a wrong password, as gateways of today say it',
      [...SENT, [8, WRONG]],
      60,
      'login-failed',
      /^IBKR refused the login: Unrecognized Username or Password$/,
    ],
    [
      'a dialog that IBC only detects',
      [...SENT, [8, ibc('detected dialog entitled: Password Expired; event=Opened')]],
      30,
      'dialog-open',
      /dialog "Password Expired" is open/,
    ],
    [
      'a dialog that has just opened',
      [...SENT, [8, ibc('detected dialog entitled: Password Expired; event=Opened')]],
      10,
      'logging-in',
      /./,
    ],
    [
      "a dialog that has closed, and one of the gateway's own",
      [
        ...SENT,
        [8, ibc('detected dialog entitled: Newer Version; event=Opened')],
        [8, ibc('detected dialog entitled: Newer Version; event=Closed')],
        [8, ibc('detected dialog entitled: Authenticating...; event=Opened')],
      ],
      30,
      'logging-in',
      /./,
    ],
    [
      'no window',
      [...LOGIN.slice(0, 6), ...windowless(63), ...windowless(125)],
      130,
      'no-login-window',
      /no login window, 2 times/,
    ],
    [
      'a soft restart',
      [...LOGGED_IN, [100, ibc('CommandServer received command: RESTART')]],
      101,
      'restarting',
      /session goes on/,
    ],
    [
      'a soft restart, its process gone',
      [
        ...LOGGED_IN,
        [100, ibc('CommandServer received command: RESTART')],
        [101, SHUTDOWN],
        [102, 'IBC returned exit status 0'],
      ],
      140,
      'restarting',
      /session goes on/,
    ],
    [
      'the daily restart begins',
      [...LOGGED_IN, [100, SHUTDOWN]],
      101,
      'restarting',
      /daily restart/,
    ],
    [
      'the daily restart goes on',
      [
        ...LOGGED_IN,
        [100, SHUTDOWN],
        [102, 'IBC returned exit status 0'],
        [102, FOUND],
        [102, 'IBC will restart shortly'],
        [103, ibc('version: 3.24.1')],
        [104, ibc('Re-starting session')],
        [106, ibc('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT')],
      ],
      120,
      'restarting',
      /takes its session up again/,
    ],
    [
      'IBKR refuses the session that was left',
      [
        ...LOGGED_IN,
        [104, ibc('Re-starting session')],
        [106, ibc('detected dialog entitled: Login Error; event=Opened')],
        [106, ibc('Login error message:')],
        [106, 'Soft token=0 received instead of expected permanent'],
        [106, ibc('Cold restart in progress')],
        [107, 'IBC returned exit status 0'],
      ],
      107,
      'restarting',
      /a full login follows/,
    ],
    [
      'it was paused',
      [
        ...LOGGED_IN,
        [100, ibc('CommandServer received command: PAUSE')],
        [101, SHUTDOWN],
        [102, 'IBC returned exit status 0'],
        [102, FOUND],
        [102, 'IBC is paused'],
        [102, 'Gateway finished'],
      ],
      200,
      'paused',
      /no second factor/,
    ],
    [
      'it was told to stop',
      [
        ...LOGGED_IN,
        [100, ibc('CommandServer received command: STOP')],
        [101, ibc('Login has completed: exiting via [File, Close] menu')],
        [101, SHUTDOWN],
        ...GONE,
      ],
      200,
      'ended',
      /STOP/,
    ],
    [
      'systemd stops it, by the same command',
      [
        ...LOGGED_IN,
        [99, 'Stopping ib-gateway@4001.service - IB gateway 4001...'],
        [100, ibc('CommandServer received command: STOP')],
        [101, SHUTDOWN],
        ...GONE,
      ],
      200,
      'stopping',
      /being stopped/,
    ],
    [
      'it gave way',
      [
        ...LOGGED_IN,
        [100, ibc('End this session and let the other session proceed (scenario 2)')],
        ...GONE,
      ],
      200,
      'ended',
      /another session of its user goes on .*scenario 2/,
    ],
    [
      'two primaries of one user',
      [
        ...ASKED,
        [12, ibc("Don't know the type of the other session, so continue this one (scenario 3)")],
        [
          14,
          ibc(
            'Other session must be primary or primary override, so end this session and let the other one proceed (scenario 4)',
          ),
        ],
        ...GONE,
      ],
      200,
      'ended',
      /scenario 4/,
    ],
    [
      'its time to log off',
      [...LOGGED_IN, [31, ibc('Auto logoff time set to 11:45 PM')], [100, SHUTDOWN], ...GONE],
      200,
      'ended',
      /auto_logoff_time 11:45 PM/,
    ],
    [
      'the end of its week',
      [...LOGGED_IN, [100, SHUTDOWN], ...GONE],
      200,
      'ended',
      /end of the week/,
    ],
    [
      'its link is lost',
      [...LOGGED_IN, [100, ibc('detected frame entitled: Connecting to server...; event=Opened')]],
      200,
      'link-lost',
      /lost its link/,
    ],
    [
      'its link is back',
      [
        ...LOGGED_IN,
        [100, ibc('detected frame entitled: Connecting to server...; event=Opened')],
        [130, ibc('detected frame entitled: Starting application...; event=Closed')],
      ],
      200,
      'logged-in',
      /completed/,
    ],
    [
      'its process was killed a moment ago',
      [...LOGGED_IN, [100, 'IBC returned exit status 137']],
      101,
      'restarting',
      /killed/,
    ],
    [
      'its process was killed',
      [...LOGGED_IN, [100, 'IBC returned exit status 137']],
      110,
      'exited',
      /killed/,
    ],
  ];

  const timed = (lines: Timed): LogLine[] =>
    lines.map(([second, text]) => ({ text, at: second * 1000 }));

  it.each(rows)('%s', (_, lines, second, stage, detail) => {
    const end = timed(lines).reduce((state, line) => step(state, line), NOTHING_READ);
    const told = stageAt(end, second * 1000);
    expect(told.stage).toBe(stage);
    expect(told.detail).toMatch(detail);
  });

  it('a stage has the time of the line that began it', () => {
    const end = timed([...ASKED, [60, 'x']]).reduce(
      (state, line) => step(state, line),
      NOTHING_READ,
    );
    expect(stageAt(end, 90_000).since).toBe(9000);
  });

  it('logins are counted over all starts of its process', () => {
    const again: Timed = [
      [10, ibc('Login failed')],
      [10, 'IBC returned exit status 0'],
      [11, ibc('version: 3.24.1')],
      [12, ibc('Login attempt: 1')],
    ];
    const end = timed([...SENT, ...again, ...again, ...again]).reduce(
      (state, line) => step(state, line),
      NOTHING_READ,
    );
    expect(stageAt(end, 20_000)).toMatchObject({
      stage: 'login-failed',
      attempts: 4,
      detail: 'IBKR refused the login, 3 times',
    });
  });
});
