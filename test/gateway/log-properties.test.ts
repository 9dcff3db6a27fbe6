/** No log breaks the reading of it, and it reads the same in one go or in pieces. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Half,
  type HalvesState,
  NOTHING_READ_OF_HALVES,
  stagesAt,
  stepHalves,
} from '../../src/gateway/halves.ts';
import {
  type LogLine,
  type LogState,
  NOTHING_READ,
  stageAt,
  step,
} from '../../src/gateway/log-events.ts';
import { STAGES } from '../../src/gateway/stages.ts';

const ibc = (message: string) => `2026-11-28 00:06:44:123 IBC: ${message}`;

/** At least one line for each rule, and lines for none. */
const VOCABULARY = [
  '.> Starting IBC/IB gateway',
  '.> Starting IBC in live mode, with params:',
  '.> Starting IBC in paper mode, with params:',
  'Starting IBC version  on 2026-11-28 at 00:06:44',
  ibc('version: 3.24.1'),
  ibc('Starting session: will exit if login dialog is not displayed within 60 seconds'),
  ibc('Re-starting session'),
  ibc('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT'),
  ibc('Login attempt: 1'),
  ibc('Second Factor Authentication initiated'),
  ibc('Duration since login: 13 seconds'),
  ibc('Re-login after second factor authentication timeout not required'),
  ibc('Re-login after second factor authentication timeout in 5 second'),
  ibc('IBC closing because login has not completed after Second Factor Authentication'),
  ibc('You should specify the required second factor device using the SecondFactorDevice setting'),
  ibc("could not find second factor device 'x' in the list"),
  ibc('User must choose whether to continue with this session (scenario 1)'),
  ibc('End this session and let the other session proceed (scenario 2)'),
  ibc('Login has completed'),
  ibc('Login has completed: exiting via [File, Close] menu'),
  ibc('Login failed'),
  ibc('Login error message:'),
  ibc('detected dialog entitled: Unrecognized Username or Password; event=Opened'),
  ibc('Too many failed login attempts. Please wait 4 minutes & 47 seconds'),
  ibc('Connection to server failed: x'),
  ibc('IBC closing after TWS/Gateway failed to display login dialog'),
  ibc('detected dialog entitled: Shutdown progress; event=Opened'),
  ibc('detected frame entitled: Connecting to server...; event=Opened'),
  ibc('detected frame entitled: Connecting to server...; event=Closed'),
  ibc('detected dialog entitled: Important; event=Opened'),
  ibc('detected dialog entitled: Important; event=Closed'),
  ibc('Auto logoff time set to 11:45 PM'),
  ibc('CommandServer received command: RESTART'),
  ibc('CommandServer received command: PAUSE'),
  ibc('CommandServer received command: STOP'),
  ibc('Cold restart in progress'),
  'IBC returned exit status 0',
  'IBC returned exit status 1',
  'IBC returned exit status 88',
  'autorestart file found at /x/ibq_paper/abc/autorestart: authentication will not be required',
  'IBC will restart shortly',
  'IBC is paused',
  'Gateway finished',
  'Stopping ib-gateway@4001.service - IB gateway 4001...',
  '.> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.',
  'ib-gateway@4001.service: A process of this unit has been killed by the OOM killer.',
  'ibq guard: instance 4001: no rules; not started',
  'error: both A and B are set (but are exclusive)',
  ibc('Auto restart time setting must be hh:mm AM or hh:mm PM'),
  'some words of IBKR',
  '',
];

const logs = fc.array(
  fc.record({
    text: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...VOCABULARY) },
      { arbitrary: fc.string(), weight: 1 },
    ),
    at: fc.option(fc.nat({ max: 1_000_000 })),
  }),
  { maxLength: 60 },
);
const readies = fc.constantFrom<ReadonlySet<Half>>(
  new Set(),
  new Set<Half>(['live']),
  new Set<Half>(['paper']),
  new Set<Half>(['live', 'paper']),
);

const read = (lines: readonly LogLine[], from: LogState = NOTHING_READ) =>
  lines.reduce((state, line) => step(state, line), from);
const readHalves = (
  lines: readonly LogLine[],
  ready: ReadonlySet<Half>,
  from: HalvesState = NOTHING_READ_OF_HALVES,
) => lines.reduce((state, line) => stepHalves(state, line, { ready }), from);

test('any lines in any order: a stage of the table, with words, and counts that fit the lines', () => {
  fc.assert(
    fc.property(logs, fc.nat({ max: 2_000_000 }), (lines, now) => {
      const state = read(lines);
      const told = stageAt(state, now);
      expect(STAGES[told.stage]).toBeDefined();
      expect(told.detail).not.toBe('');
      expect(told.attempts).toBeLessThanOrEqual(
        lines.filter(({ text }) => text.includes('Login attempt')).length,
      );
      expect(state.dialogs.length).toBeLessThanOrEqual(20);
      // A state can be kept as text and taken up again.
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }),
  );
});

test('in one go or in pieces, kept as text between them', () => {
  fc.assert(
    fc.property(logs, fc.nat({ max: 60 }), readies, (lines, cut, ready) => {
      const [first, second] = [lines.slice(0, cut), lines.slice(cut)];
      const kept = JSON.parse(JSON.stringify(read(first))) as LogState;
      expect(read(second, kept)).toEqual(read(lines));
      const halves = JSON.parse(JSON.stringify(readHalves(first, ready))) as HalvesState;
      expect(readHalves(second, ready, halves)).toEqual(readHalves(lines, ready));
    }),
  );
});

test('what ibq and others write in between changes nothing', () => {
  const noise = fc.array(
    fc.constantFrom(
      '2026/11/28 00:51:37 socat[209] W connect(5, AF=2 127.0.0.1:4001, 16): Connection refused',
      '2026/11/28 00:51:37 socat[209] E TCP:127.0.0.1:4001: Connection refused',
      ibc('Click button: OK'),
    ),
    { maxLength: 5 },
  );
  const quoting = /Login failed$|Login error message:$/;
  fc.assert(
    fc.property(logs, noise, fc.nat({ max: 60 }), (lines, more, at) => {
      // The line after a refusal is taken for IBKR's words.
      fc.pre(!quoting.test(lines[Math.min(at, lines.length) - 1]?.text ?? ''));
      const among = [
        ...lines.slice(0, at),
        ...more.map((text) => ({ text, at: null })),
        ...lines.slice(at),
      ];
      const { quotes: _, ...state } = read(among);
      const { quotes: __, ...quiet } = read(lines);
      expect(state.stage).toBe(quiet.stage);
    }),
  );
});

test('logged in only where the last login went well', () => {
  fc.assert(
    fc.property(logs, (lines) => {
      const { stage } = read(lines);
      const completed = lines.some(({ text }) => /Login has completed(?!:)/.test(text));
      if (stage === 'logged-in' || stage === 'link-lost') expect(completed).toBe(true);
    }),
  );
});

test('two logs, one after the other in any interleaving: each half is where its own lines lead', () => {
  const START = (half: Half): string[] => [`.> Starting IBC in ${half} mode, with params:`];
  const LOGIN = [ibc('Login attempt: 1'), ibc('Login has completed')];
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 6 }), (choices) => {
      const live = [...START('live'), ...LOGIN];
      const paper = [...START('paper'), ...LOGIN];
      const lines = ['.> Starting IBC/IB gateway', live.shift() ?? ''];
      for (const first of choices) lines.push((first ? live : paper).shift() ?? '');
      lines.push(...live, ...paper);
      const state = readHalves(
        lines.map((text) => ({ text, at: null })),
        new Set<Half>(['live', 'paper']),
      );
      const { live: one, paper: other } = stagesAt(state, 0);
      expect([one.stage, other.stage]).toEqual(['logged-in', 'logged-in']);
    }),
  );
});
