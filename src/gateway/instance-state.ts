/** One verdict on an instance, for people: its unit, its API and its log seen together. */

import type { GatewayStage, Stage } from './log-events.ts';
import type { ProbeResult } from './probe.ts';

/** ActiveState, SubState and Result, as `systemctl show` says. */
export interface UnitState {
  active: string;
  sub: string;
  result: string;
}

export interface Verdict {
  /** The API answers: clients can connect. */
  ready: boolean;
  /** One or two words for a table. */
  word: string;
  /** What is wrong, most important first; empty where nothing is. */
  problems: string[];
  /** What to do about it, a command where one exists. */
  mend: string | null;
}

export interface InstanceFacts {
  name: string;
  unit: UnitState;
  /** `null`: the API was not asked. */
  probe: ProbeResult | null;
  stage: GatewayStage;
}

/** The API answers wins over the log; the log explains why it does not; the unit comes before both. */
export function judgeInstance({ name, unit, probe, stage }: InstanceFacts): Verdict {
  const notRunning = judgeUnit(name, unit, stage);
  if (notRunning !== null) return notRunning;
  switch (probe?.state) {
    case 'handshake':
    case 'logged-in':
      return { ready: true, word: 'ready', problems: [], mend: null };
    case 'id-in-use':
      return { ready: true, word: 'ready', problems: [probe.detail], mend: null };
    case 'link-down':
      return { ready: false, word: 'link down', problems: [probe.detail], mend: null };
  }
  const told = judgeStage(name, stage);
  if (told !== null) return told;
  return judgeSilence(name, probe, stage);
}

/** `null`: the unit runs. */
function judgeUnit(name: string, unit: UnitState, stage: GatewayStage): Verdict | null {
  const why = ENDED.has(stage.stage) ? [stage.detail] : [];
  const logs = `ibq logs ${name}`;
  switch (unit.active) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      return null;
    case 'failed':
      return {
        ready: false,
        word: 'failed',
        problems: [...why, `the unit failed (${unit.result})`],
        mend: logs,
      };
    case 'activating':
      if (unit.sub === 'auto-restart' || unit.sub === 'auto-restart-queued') {
        const problem = `the unit ended (${unit.result}) and systemd starts it again`;
        return { ready: false, word: 'restarting', problems: [...why, problem], mend: logs };
      }
      return { ready: false, word: 'starting', problems: [], mend: null };
    case 'deactivating':
      return { ready: false, word: 'stopping', problems: [], mend: null };
    default:
      return { ready: false, word: 'stopped', problems: [], mend: `sudo ibq start ${name}` };
  }
}

/** Stages that explain the end of a unit. */
const ENDED: ReadonlySet<Stage> = new Set<Stage>([
  'exited',
  'bad-environment',
  'not-started',
  'locked-out',
  'login-failed',
  'two-factor-timeout',
]);

/** `null`: by its log nothing keeps the API from answering, or the log does not say. */
function judgeStage(name: string, { stage, detail }: GatewayStage): Verdict | null {
  const verdict = (word: string, mend: string | null): Verdict => ({
    ready: false,
    word,
    problems: [detail],
    mend,
  });
  const password = `sudo ibq secret set ${name} password, then sudo ibq restart ${name}`;
  switch (stage) {
    case 'waiting-for-two-factor':
      return verdict('waiting for 2FA', 'answer the notice in IBKR Mobile');
    case 'two-factor-timeout':
      return verdict(
        '2FA timed out',
        `sudo ibq restart ${name}, and answer the notice in IBKR Mobile`,
      );
    case 'login-failed':
      return verdict(
        'login failed',
        `sudo ibq stop ${name} before IBKR locks the user; ${password}`,
      );
    case 'locked-out':
      return verdict('locked out', `sudo ibq stop ${name}, wait as IBKR says, then ${password}`);
    case 'existing-session':
      return verdict('session elsewhere', 'end the other session, or set existing_session_action');
    case 'login-window':
      return verdict('login window', `a user and a password are needed: ${password}`);
    case 'bad-environment':
      return verdict('bad settings', `ibq logs ${name}`);
    case 'exited':
      return verdict('gateway down', `sudo ibq restart ${name}`);
    case 'starting':
    case 'logging-in':
    case 'restarting':
      return { ready: false, word: 'starting', problems: [], mend: null };
    case 'stopping':
      return { ready: false, word: 'stopping', problems: [], mend: null };
    default:
      return null;
  }
}

/** A unit that runs, a log without a complaint, and no answer. */
function judgeSilence(name: string, probe: ProbeResult | null, stage: GatewayStage): Verdict {
  if (probe === null)
    return { ready: false, word: 'unchecked', problems: [], mend: `ibq probe ${name}` };
  const mend = `ibq logs ${name}; a restart (sudo ibq restart ${name}) is a new login`;
  const problems =
    stage.stage === 'logged-in' ? [probe.detail, `by its log ${stage.detail}`] : [probe.detail];
  switch (probe.state) {
    case 'silent':
      return { ready: false, word: 'hung', problems, mend };
    case 'closed':
      return { ready: false, word: 'gateway down', problems, mend };
    default:
      return { ready: false, word: 'not listening', problems, mend: `ibq logs ${name}` };
  }
}
