/** One verdict on an instance, for people: its unit, its API and its log seen together. */

import type { Half } from './halves.ts';
import type { GatewayStage } from './log-events.ts';
import type { ProbeResult } from './probe.ts';
import { restartOf, STAGES } from './stages.ts';

/** ActiveState, SubState and Result, as `systemctl show` says. */
export interface UnitState {
  active: string;
  sub: string;
  result: string;
  /** Milliseconds since the epoch of its last change of state; null, or absent: not known. */
  since?: number | null;
}

/** The word for one whose API answers, and whoever reaches its network can open it. */
export const UNGUARDED = 'unguarded';

/** The word for one whose API answers, and nobody of the LAN reaches it. */
export const LAN_LOST = 'LAN lost';

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
  /** Milliseconds since the epoch; only what has a time is told with its age. */
  now?: number;
  /** Which of the two gateways of mode `both`; null: there is one. */
  half?: Half | null;
  /** Of a unit that has ended: the last line of its log that begins with `Error:`, Podman's or the image's. */
  lastError?: string | null;
  /** What is said where the gateway listens and the relay of its image does not. */
  relayGone?: string | null;
}

/** The last that Podman, its runtime or a script of the image said of why it could not go on. */
export function lastErrorOf(log: readonly string[]): string | null {
  return log.findLast((line) => /^Error: \S/.test(line))?.slice(0, 500) ?? null;
}

/** An API that answers wins over the log; the log explains why it does not; the unit comes before both. */
export function judgeInstance(facts: InstanceFacts): Verdict {
  const { probe, stage } = facts;
  const notRunning = judgeUnit(facts);
  if (notRunning !== null) return notRunning;
  switch (probe?.state) {
    case 'handshake':
    case 'logged-in':
      // Its API answers on without a link; that is seen where somebody had a reason to read the log.
      if (stage.stage === 'link-lost') break;
      return { ready: true, word: 'ready', problems: [], mend: null };
    case 'id-in-use':
      return { ready: true, word: 'ready', problems: [probe.detail], mend: null };
    case 'link-down':
      return { ready: false, word: 'link down', problems: [probe.detail], mend: null };
  }
  return judgeStage(facts) ?? judgeSilence(facts);
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
function judgeUnit({
  name,
  unit,
  stage: { stage, detail },
  lastError = null,
}: InstanceFacts): Verdict | null {
  const explained = STAGES[stage].ends ? [detail] : [];
  const why = explained.length > 0 || lastError === null ? explained : [lastError];
  const logs = `sudo ibq logs ${name}`;
  const start = `sudo ibq start ${name}`;
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
  }
  switch (stage) {
    case 'paused':
      return { ready: false, word: 'paused', problems: [detail], mend: start };
    case 'ended':
      return {
        ready: false,
        word: 'ended',
        problems: [detail],
        mend: `${start} (a new login)`,
      };
    default:
      return { ready: false, word: 'stopped', problems: explained, mend: start };
  }
}

/** `null`: by its log nothing keeps the API from answering, or the log does not say. */
function judgeStage({ name, stage, now = 0, half = null }: InstanceFacts): Verdict | null {
  const { word, waitsFor, mend } = STAGES[stage.stage];
  if (word === null) return null;
  const problems = waitsFor === 'time' ? slowness(stage, now) : [stage.detail];
  return { ready: false, word, problems, mend: mend({ name, half }) };
}

/** What goes on by itself is no problem, until it takes longer than people expect. */
const LONG_MS = 30_000;

function slowness({ detail, since }: GatewayStage, now: number): string[] {
  return since === null || now - since < LONG_MS ? [] : [`${detail}, for ${duration(now - since)}`];
}

/** `42 s`, `3 min`, `2 h`. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

/** After its login a gateway takes a moment to open its API. */
const OPENS_MS = 60_000;

/** A unit that runs, a log without a complaint, and no answer. */
function judgeSilence({
  name,
  unit,
  probe,
  stage,
  now = 0,
  half = null,
  relayGone = null,
}: InstanceFacts): Verdict {
  const logs = `sudo ibq logs ${name}`;
  if (probe === null)
    return { ready: false, word: 'unchecked', problems: [], mend: `ibq probe ${name}` };
  if (probe.state === 'silent') {
    return {
      ready: false,
      word: 'hung',
      problems: [
        probe.detail,
        ...(stage.stage === 'logged-in' ? [`by its log ${stage.detail}`] : []),
      ],
      mend: `${logs}; a restart is a new login: ${restartOf({ name, half })}`,
    };
  }
  if (probe.state === 'refused' && relayGone !== null) {
    return {
      ready: false,
      word: 'not listening',
      problems: [relayGone],
      mend: `the image starts it again within seconds; where it does not, sudo ibq restart ${name}, which says what it costs`,
    };
  }
  const lasted = (since: number | null) => (since === null ? null : now - since);
  if (stage.stage !== 'logged-in') {
    const ran = lasted(unit.since ?? null);
    const ago = ran === null ? '' : `, ${duration(ran)} after its start`;
    const starts = probe.state === 'closed' || (ran !== null && ran < OPENS_MS);
    if (starts) {
      const problem = `its log says nothing of a login yet${ago}`;
      return { ready: false, word: 'starting', problems: [problem], mend: logs };
    }
    return { ready: false, word: 'not listening', problems: [probe.detail], mend: logs };
  }
  const ran = lasted(stage.since);
  if (ran !== null && ran < OPENS_MS) {
    return { ready: false, word: 'starting', problems: [], mend: null };
  }
  return {
    ready: false,
    word: 'not listening',
    problems: [probe.detail, `by its log ${stage.detail}`],
    mend: `${logs}; is its API switched on (in TWS: API, Settings)?`,
  };
}
