/** One log of two gateways: what run.sh, ibcstart.sh and IBC write in mode `both`, and whose each line is. */

import { describe, expect, test } from 'vitest';
import {
  type Half,
  NOTHING_READ_OF_HALVES,
  stagesAt,
  stepHalves,
} from '../../src/gateway/halves.ts';
import type { Stage } from '../../src/gateway/stages.ts';

function halfStages(lines: readonly string[], ready: ReadonlySet<Half>) {
  const end = lines.reduce(
    (state, text) => stepHalves(state, { text, at: null }, { ready }),
    NOTHING_READ_OF_HALVES,
  );
  return stagesAt(end, 0);
}

const ibc = (message: string) => `2026-11-21 09:13:35:519 IBC: ${message}`;
const banner = '.> Starting IBC/IB gateway';
const attempt = ibc('Login attempt: 1');
const factor = ibc('Second Factor Authentication initiated');
const completed = ibc('Login has completed');
const relay = (half: Half, api: number) =>
  `Forking :::${api} onto 0.0.0.0:${api + 2} > trading mode ${half} `;

/** What starts a half, before anything of its login. */
const start = (half: Half) => [
  relay(half, half === 'live' ? 4001 : 4002),
  `.> Starting IBC in ${half} mode, with params:`,
  `.>		ibc-init: /home/ibgateway/ibc/config.ini_${half}`,
  'Starting IBC version 3.24.2 on 2026-11-21 at 09:13:35',
  'autorestart file not found: full authentication will be required',
];

const live = [banner, ...start('live')];
const paper = start('paper');

const rows: [title: string, lines: string[], ready: Half[], live: Stage, paper: Stage][] = [
  ['live starts first: all that is said is its own', live, [], 'starting', 'starting'],
  ['live logs in while paper waits its turn', [...live, attempt], [], 'logging-in', 'starting'],
  [
    'both logged in, one after the other',
    [...live, attempt, factor, completed, ...paper, attempt, completed],
    ['live', 'paper'],
    'logged-in',
    'logged-in',
  ],
  [
    'live waits for its second factor, paper comes up meanwhile',
    [...live, attempt, factor, ...paper, attempt, completed],
    ['paper'],
    'waiting-for-two-factor',
    'logged-in',
  ],
  [
    'live is asked only after paper has started',
    [...live, attempt, ...paper, factor, attempt, completed],
    ['paper'],
    'waiting-for-two-factor',
    'logged-in',
  ],
  [
    'neither answers: a second factor is of live',
    [...live, attempt, ...paper, attempt, factor],
    [],
    'waiting-for-two-factor',
    'logging-in',
  ],
  [
    'paper is refused, live is up',
    [
      ...live,
      attempt,
      completed,
      ...paper,
      attempt,
      ibc('Login failed'),
      'IBC returned exit status 0',
    ],
    ['live'],
    'logged-in',
    'login-failed',
  ],
  [
    'live is refused, and paper is up',
    [...live, attempt, ...paper, attempt, completed, ibc('Login failed')],
    ['paper'],
    'login-failed',
    'logged-in',
  ],
  [
    'the process of one ended: it is the one that does not answer',
    [...live, attempt, completed, ...paper, attempt, completed, 'IBC returned exit status 1'],
    ['live'],
    'logged-in',
    'exited',
  ],
  [
    'the other way round',
    [...live, attempt, completed, ...paper, attempt, completed, 'IBC returned exit status 1'],
    ['paper'],
    'exited',
    'logged-in',
  ],
  [
    'the nightly restart of one: a path names it',
    [
      ...live,
      attempt,
      completed,
      ...paper,
      attempt,
      completed,
      'autorestart file found at /home/ibgateway/tws_settings/ibq_paper/abc/autorestart: authentication will not be required',
      'IBC will restart shortly',
    ],
    ['live'],
    'logged-in',
    'restarting',
  ],
  [
    'the beginning is no longer there',
    [factor, completed, ibc('Login failed')],
    ['paper'],
    'login-failed',
    'logged-in',
  ],
  [
    'a second start of the container',
    [...live, completed, ...paper, completed, ...live],
    [],
    'starting',
    'starting',
  ],
  [
    'the container is stopped',
    [...live, ...paper, '.> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.'],
    [],
    'stopping',
    'stopping',
  ],
];

test.each(rows)('%s', (_title, lines, ready, liveStage, paperStage) => {
  const stages = halfStages(lines, new Set(ready));
  expect([stages.live.stage, stages.paper.stage]).toEqual([liveStage, paperStage]);
});

describe('what is said of each', () => {
  test("IBKR's own words stand with the half that was refused", () => {
    const lines = [
      ...[...live, attempt, completed, ...paper, attempt],
      ibc('Login failed'),
      'Invalid username or password',
    ];
    expect(halfStages(lines, new Set<Half>(['live'])).paper.detail).toBe(
      'IBKR refused the login: Invalid username or password',
    );
  });

  test('a line that may be of either is said to be', () => {
    const lines = [...live, attempt, ...paper, attempt, ibc('Login failed')];
    const { live: one, paper: other } = halfStages(lines, new Set());
    expect([one.detail, other.detail]).toEqual([
      'IBKR refused the login (or the other of the two)',
      'IBKR refused the login (or the other of the two)',
    ]);
  });
});
