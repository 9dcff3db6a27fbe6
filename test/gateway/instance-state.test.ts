import { describe, expect, it } from 'vitest';
import {
  judgeHalves,
  judgeInstance,
  lastErrorOf,
  titleOf,
  type UnitState,
} from '../../src/gateway/instance-state.ts';
import type { ProbeResult, ProbeState } from '../../src/gateway/probe.ts';
import type { Stage } from '../../src/gateway/stages.ts';

const RUNNING: UnitState = { active: 'active', sub: 'running', result: 'success' };

function answer(state: ProbeState): ProbeResult {
  return {
    state,
    serverVersion: null,
    connectionTime: null,
    accounts: [],
    nextValidId: null,
    timings: { connectMs: null, handshakeMs: null, loginMs: null },
    detail: `the probe says ${state}`,
  };
}

function judge(unit: UnitState, probe: ProbeState | null, stage: Stage) {
  return judgeInstance({
    name: '4001',
    unit,
    probe: probe === null ? null : answer(probe),
    stage: { stage, since: null, detail: `the log says ${stage}`, attempts: 0 },
  });
}

it('a gateway whose relay is gone is not starting, however short ago it logged in', () => {
  const verdict = judgeInstance({
    name: '4001',
    unit: RUNNING,
    probe: answer('refused'),
    stage: { stage: 'logged-in', since: 1000, detail: 'login has completed', attempts: 1 },
    now: 2000,
    relayGone: 'the relay is gone',
  });
  expect(verdict).toMatchObject({ word: 'not listening', problems: ['the relay is gone'] });
  expect(verdict.mend).toContain('sudo ibq restart 4001');
});

describe('an instance whose unit runs', () => {
  const rows: [ProbeState | null, Stage, string][] = [
    ['handshake', 'logged-in', 'ready'],
    ['logged-in', 'unknown', 'ready'],
    ['handshake', 'waiting-for-two-factor', 'ready'],
    ['id-in-use', 'logged-in', 'ready'],
    ['link-down', 'logged-in', 'link down'],
    ['closed', 'starting', 'starting'],
    ['refused', 'starting', 'starting'],
    ['closed', 'logging-in', 'logging in'],
    ['closed', 'restarting', 'restarting'],
    ['closed', 'two-factor-answered', 'logging in'],
    ['closed', 'login-stalled', 'login stalled'],
    ['closed', 'two-factor-device', '2FA device'],
    ['closed', 'dialog-open', 'dialog open'],
    ['closed', 'ibkr-unreachable', 'IBKR unreachable'],
    ['closed', 'no-login-window', 'no login window'],
    ['handshake', 'link-lost', 'link down'],
    ['closed', 'ended', 'gateway down'],
    ['closed', 'waiting-for-two-factor', 'waiting for 2FA'],
    [null, 'waiting-for-two-factor', 'waiting for 2FA'],
    ['closed', 'two-factor-timeout', '2FA timed out'],
    ['closed', 'login-failed', 'login failed'],
    ['closed', 'locked-out', 'locked out'],
    ['closed', 'existing-session', 'session elsewhere'],
    ['closed', 'login-window', 'login window'],
    ['closed', 'bad-environment', 'bad settings'],
    ['silent', 'logged-in', 'hung'],
    ['silent', 'unknown', 'hung'],
    ['closed', 'logged-in', 'not listening'],
    ['closed', 'unknown', 'starting'],
    ['closed', 'exited', 'gateway down'],
    ['closed', 'out-of-memory', 'out of memory'],
    ['refused', 'logged-in', 'not listening'],
    [null, 'logged-in', 'unchecked'],
    [null, 'unknown', 'unchecked'],
  ];
  it.each(rows)('probe %s, log %s: %s', (probe, stage, word) => {
    const verdict = judge(RUNNING, probe, stage);
    expect(verdict.word).toBe(word);
    expect(verdict.ready).toBe(word === 'ready');
  });

  it('says why and what to do', () => {
    expect(judge(RUNNING, 'closed', 'login-failed')).toEqual({
      ready: false,
      word: 'login failed',
      problems: ['the log says login-failed'],
      mend: 'sudo ibq stop 4001 before IBKR locks the user; sudo ibq secret set 4001 password, then sudo ibq restart 4001 (a new login)',
    });
    expect(judge(RUNNING, 'silent', 'logged-in').problems).toEqual([
      'the probe says silent',
      'by its log the log says logged-in',
    ]);
  });
});

describe('an instance whose unit does not run', () => {
  const rows: [UnitState, Stage, string, RegExp][] = [
    [{ active: 'inactive', sub: 'dead', result: 'success' }, 'stopping', 'stopped', /^$/],
    [{ active: 'inactive', sub: 'dead', result: 'success' }, 'exited', 'stopped', /exited/],
    [{ active: 'inactive', sub: 'dead', result: 'success' }, 'ended', 'ended', /ended/],
    [{ active: 'inactive', sub: 'dead', result: 'success' }, 'paused', 'paused', /paused/],
    [
      { active: 'failed', sub: 'failed', result: 'exit-code' },
      'bad-environment',
      'failed',
      /bad-environment.*exit-code/,
    ],
    [
      { active: 'failed', sub: 'failed', result: 'exit-code' },
      'unknown',
      'failed',
      /^the unit failed \(exit-code\)$/,
    ],
    [
      { active: 'activating', sub: 'auto-restart', result: 'exit-code' },
      'exited',
      'restarting',
      /exited.*starts it again/,
    ],
    [
      { active: 'activating', sub: 'auto-restart', result: 'exit-code' },
      'out-of-memory',
      'restarting',
      /out-of-memory.*starts it again/,
    ],
    [{ active: 'activating', sub: 'start', result: 'success' }, 'unknown', 'starting', /^$/],
    [
      { active: 'deactivating', sub: 'stop-sigterm', result: 'success' },
      'stopping',
      'stopping',
      /^$/,
    ],
  ];
  it.each(rows)('%j, log %s: %s', (unit, stage, word, problems) => {
    const verdict = judge(unit, 'refused', stage);
    expect(verdict).toMatchObject({ ready: false, word });
    expect(verdict.problems.join('; ')).toMatch(problems);
  });

  it('is not ready whatever answers on its port', () => {
    const verdict = judge(
      { active: 'inactive', sub: 'dead', result: 'success' },
      'logged-in',
      'unknown',
    );
    expect(verdict.ready).toBe(false);
  });
});

describe('the two gateways of mode both', () => {
  const half = (
    which: 'live' | 'paper',
    probe: ProbeState | null,
    stage: Stage,
    unit = RUNNING,
  ) => ({
    half: which,
    verdict: judgeInstance({
      name: '4001',
      unit,
      probe: probe === null ? null : answer(probe),
      stage: { stage, since: null, detail: `its log says ${stage}`, attempts: 0 },
      half: which,
    }),
  });

  it('is ready when both are', () => {
    const verdict = judgeHalves([
      half('live', 'handshake', 'logged-in'),
      half('paper', 'handshake', 'logged-in'),
    ]);
    expect(verdict).toEqual({ ready: true, word: 'ready', problems: [], mend: null });
    expect(titleOf(verdict)).toBe('ready');
  });

  it('says which one is dead, and that its mend takes both along', () => {
    const verdict = judgeHalves([
      half('live', 'handshake', 'logged-in'),
      half('paper', 'closed', 'exited'),
    ]);
    expect(titleOf(verdict)).toBe('paper: gateway down');
    expect(verdict).toMatchObject({
      ready: false,
      word: 'gateway down',
      problems: ['paper: its log says exited'],
      mend: 'sudo ibq restart 4001 (a new login of both)',
    });
  });

  it('says of each what keeps it, the live one first', () => {
    const verdict = judgeHalves([
      half('live', 'closed', 'waiting-for-two-factor'),
      half('paper', 'closed', 'login-failed'),
    ]);
    expect(titleOf(verdict)).toBe('live: waiting for 2FA, paper: login failed');
    expect(verdict.word).toBe('waiting for 2FA');
    expect(verdict.problems).toEqual([
      'live: its log says waiting-for-two-factor',
      'paper: its log says login-failed',
    ]);
    expect(verdict.mend).toMatch(
      /^live: answer the notice in IBKR Mobile; paper: sudo ibq stop 4001 .* secret set 4001 paper_password, then sudo ibq restart 4001 \(a new login of both\)$/,
    );
  });

  it.each<[string, ProbeState | null, Stage, UnitState, string, string[]]>([
    [
      'a unit that failed is one failure',
      null,
      'unknown',
      { active: 'failed', sub: 'failed', result: 'exit-code' },
      'failed',
      ['the unit failed (exit-code)'],
    ],
    ['both start', 'closed', 'starting', RUNNING, 'starting', []],
    [
      'both refused, by one line',
      'closed',
      'login-failed',
      RUNNING,
      'login failed',
      ['its log says login-failed'],
    ],
  ])('%s', (_title, probe, stage, unit, word, problems) => {
    const verdict = judgeHalves([
      half('live', probe, stage, unit),
      half('paper', probe, stage, unit),
    ]);
    expect([titleOf(verdict), verdict.problems]).toEqual([word, problems]);
  });
});

describe("Podman's or the image's own error", () => {
  const ERROR = 'Error: cannot listen on the TCP port: cannot assign requested address';
  const judgeEnded = (unit: UnitState, stage: Stage) =>
    judgeInstance({
      name: '4001',
      unit,
      probe: null,
      stage: { stage, since: null, detail: `the log says ${stage}`, attempts: 0 },
      lastError: ERROR,
    }).problems[0];
  const failed: UnitState = { active: 'failed', sub: 'failed', result: 'start-limit-hit' };
  const again: UnitState = { active: 'activating', sub: 'auto-restart', result: 'exit-code' };

  it.each([
    ['failed', failed],
    ['started again', again],
  ])('is the first problem of a unit that is %s', (_title, unit) => {
    expect(judgeEnded(unit, 'unknown')).toBe(ERROR);
  });

  it('does not hide a reason that the log explains', () => {
    expect(judgeEnded(failed, 'login-failed')).toBe('the log says login-failed');
  });

  it('says nothing of one that somebody stopped', () => {
    expect(judgeEnded({ active: 'inactive', sub: 'dead', result: 'success' }, 'unknown')).toBe(
      undefined,
    );
  });

  it.each([
    [
      ['a', 'Error: one', "Error: Can't find suitable Java installation", 'b'],
      "Error: Can't find suitable Java installation",
    ],
    [['a', 'an Error: no', 'Error:'], null],
    [[], null],
  ])('is the last of its lines: %j', (log, expected) => {
    expect(lastErrorOf(log)).toBe(expected);
  });
});
