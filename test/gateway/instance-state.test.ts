import { describe, expect, it } from 'vitest';
import { judgeInstance, type UnitState } from '../../src/gateway/instance-state.ts';
import type { Stage } from '../../src/gateway/log-events.ts';
import type { ProbeResult, ProbeState } from '../../src/gateway/probe.ts';

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
    stage: { stage, detail: `the log says ${stage}` },
  });
}

describe('an instance whose unit runs', () => {
  const rows: [ProbeState | null, Stage, string][] = [
    ['handshake', 'logged-in', 'ready'],
    ['logged-in', 'unknown', 'ready'],
    ['handshake', 'waiting-for-two-factor', 'ready'],
    ['id-in-use', 'logged-in', 'ready'],
    ['link-down', 'logged-in', 'link down'],
    ['closed', 'starting', 'starting'],
    ['refused', 'starting', 'starting'],
    ['closed', 'logging-in', 'starting'],
    ['closed', 'restarting', 'starting'],
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
    ['closed', 'logged-in', 'gateway down'],
    ['closed', 'unknown', 'gateway down'],
    ['closed', 'exited', 'gateway down'],
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
      mend: 'sudo ibq stop 4001 before IBKR locks the user; sudo ibq secret set 4001 password, then sudo ibq restart 4001',
    });
    expect(judge(RUNNING, 'silent', 'logged-in').problems).toEqual([
      'the probe says silent',
      'by its log the log says logged-in',
    ]);
  });
});

describe('an instance whose unit does not run', () => {
  const rows: [UnitState, Stage, string, RegExp][] = [
    [{ active: 'inactive', sub: 'dead', result: 'success' }, 'exited', 'stopped', /^$/],
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
