/** One verdict on an instance, for people: its unit, its API and its log seen together. */

import type { Half } from './halves.ts';
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
  /** One or two words, of a closed list; of two gateways, that of the first which is not ready. */
  word: string;
  /** Of two gateways that differ: `live: waiting for 2FA, paper: starting`, for people. */
  ofHalves?: string;
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
  /** Which of the two gateways of mode `both`; null: there is one. */
  half?: Half | null;
}

/** The API answers wins over the log; the log explains why it does not; the unit comes before both. */
export function judgeInstance({ name, unit, probe, stage, half = null }: InstanceFacts): Verdict {
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
  const told = judgeStage(name, stage, half);
  if (told !== null) return told;
  return judgeSilence(name, probe, stage, half);
}

/** What people are told. */
export function titleOf(verdict: Verdict): string {
  return verdict.ofHalves ?? verdict.word;
}

/** One verdict on the two gateways of mode `both`: ready when both are; what differs is said of each. */
export function judgeHalves(halves: readonly { half: Half; verdict: Verdict }[]): Verdict {
  const open = halves.filter(({ verdict }) => !verdict.ready);
  const [first] = open;
  const alike =
    open.length === halves.length &&
    open.every(({ verdict }) => verdict.word === first?.verdict.word);
  const words = open.map(({ half, verdict }) => `${half}: ${verdict.word}`).join(', ');
  const problems = halves.flatMap(({ half, verdict }) =>
    verdict.problems.map((problem) => ({ half, problem })),
  );
  // Of the unit, or of a line that may be of either.
  const shared = (problem: string) =>
    halves.every(({ verdict }) => verdict.problems.includes(problem));
  const mends = open.flatMap(({ half, verdict: { mend } }) => (mend ? [{ half, mend }] : []));
  const [mend] = mends;
  const oneMend = mends.every((it) => it.mend === mend?.mend);
  return {
    ready: open.length === 0,
    word: first?.verdict.word ?? 'ready',
    ...(first === undefined || alike ? {} : { ofHalves: words }),
    problems: [
      ...new Set(
        problems.map(({ half, problem }) => (shared(problem) ? problem : `${half}: ${problem}`)),
      ),
    ],
    mend: oneMend ? (mend?.mend ?? null) : mends.map((it) => `${it.half}: ${it.mend}`).join('; '),
  };
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
  'out-of-memory',
  'locked-out',
  'login-failed',
  'two-factor-timeout',
]);

/** `null`: by its log nothing keeps the API from answering, or the log does not say. */
function judgeStage(
  name: string,
  { stage, detail }: GatewayStage,
  half: Half | null,
): Verdict | null {
  const verdict = (word: string, mend: string | null): Verdict => ({
    ready: false,
    word,
    problems: [detail],
    mend,
  });
  const key = half === 'paper' ? 'paper_password' : 'password';
  const restart = restartOf(name, half);
  const password = `sudo ibq secret set ${name} ${key}, then ${restart}`;
  switch (stage) {
    case 'waiting-for-two-factor':
      return verdict('waiting for 2FA', 'answer the notice in IBKR Mobile');
    case 'two-factor-timeout':
      return verdict('2FA timed out', `${restart}, and answer the notice in IBKR Mobile`);
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
    case 'out-of-memory':
      return verdict(
        'out of memory',
        `give it more (memory in /etc/ibq/instances/${name}.toml), then sudo ibq deploy --restart-changed`,
      );
    case 'exited':
      return verdict('gateway down', restart);
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
function judgeSilence(
  name: string,
  probe: ProbeResult | null,
  stage: GatewayStage,
  half: Half | null,
): Verdict {
  if (probe === null)
    return { ready: false, word: 'unchecked', problems: [], mend: `ibq probe ${name}` };
  const mend =
    half === null
      ? `ibq logs ${name}; a restart (sudo ibq restart ${name}) is a new login`
      : `ibq logs ${name}; ${restartOf(name, half)}`;
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

/** The halves of mode `both` are one container: it takes the other along. */
function restartOf(name: string, half: Half | null): string {
  return half === null
    ? `sudo ibq restart ${name}`
    : `sudo ibq restart ${name} (a new login of both)`;
}
