/**
 * The two gateways of mode `both` write into one log, and most of IBC's lines do not say whose they are.
 * What can be known is: live starts first and paper 15 seconds later (run.sh says when), some lines name a
 * half in a path, a line fits only some stages, and a half whose API answers has logged in.
 */

import {
  type GatewayStage,
  type LogLine,
  type LogState,
  NOTHING_READ,
  quote,
  stageAt,
  stepEvent,
} from './log-events.ts';
import { type LogEvent, parseLogLine } from './log-line.ts';
import type { Stage } from './stages.ts';

export type Half = 'live' | 'paper';

const HALVES: readonly Half[] = ['live', 'paper'];

interface Track {
  /** Its start was seen, or the log begins after it. */
  started: boolean;
  /** Its stage comes from a line that may be the other's. */
  unsure: boolean;
  state: LogState;
}

export interface HalvesState {
  live: Track;
  paper: Track;
  /** The half that the start script turned to last. */
  speaker: Half;
  /** Whose the last event was: the line after it may be its words. */
  last: readonly Half[];
}

const UNSEEN: Track = { started: true, unsure: false, state: NOTHING_READ };

export const NOTHING_READ_OF_HALVES: HalvesState = {
  live: UNSEEN,
  paper: UNSEEN,
  speaker: 'paper',
  last: [],
};

/** @param ready halves whose API answers */
export function stepHalves(
  before: HalvesState,
  line: LogLine,
  { ready, profile = '' }: { ready: ReadonlySet<Half>; profile?: string },
): HalvesState {
  const event = parseLogLine(line.text, profile);
  if (event === null) return forEach(before, before.last, (state) => quote(state, line.text));
  const state = turnTo(before, event);
  const { halves, unsure } = whose(line.text, event, state, ready);
  const after = forEach(state, halves, (own) => stepEvent(own, event, line.at));
  const mark = (half: Half): Track => {
    const track = after[half];
    const moved = track.state.stage !== state[half].state.stage;
    return moved ? { ...track, unsure } : track;
  };
  return { ...after, live: mark('live'), paper: mark('paper'), last: halves };
}

function forEach(
  state: HalvesState,
  halves: readonly Half[],
  change: (own: LogState) => LogState,
): HalvesState {
  const next = { ...state };
  for (const half of halves) next[half] = { ...state[half], state: change(state[half].state) };
  return next;
}

/** Which half the start script turns to; a new container has started neither. */
function turnTo(state: HalvesState, event: LogEvent): HalvesState {
  if (event.kind === 'container-starting') {
    const unstarted: Track = { started: false, unsure: false, state: NOTHING_READ };
    return { ...state, live: unstarted, paper: unstarted };
  }
  if (event.kind !== 'half-starting') return state;
  const { half } = event;
  return { ...state, speaker: half, [half]: { ...state[half], started: true } };
}

/** Where each half is by the log at the time `now`. */
export function stagesAt(state: HalvesState, now: number): Record<Half, GatewayStage> {
  return { live: told(state.live, now), paper: told(state.paper, now) };
}

function told({ state, unsure }: Track, now: number): GatewayStage {
  const stage = stageAt(state, now);
  return unsure ? { ...stage, detail: `${stage.detail} (or the other of the two)` } : stage;
}

function whose(
  line: string,
  event: LogEvent,
  state: HalvesState,
  ready: ReadonlySet<Half>,
): { halves: readonly Half[]; unsure: boolean } {
  const sure = (...halves: Half[]) => ({ halves, unsure: false });
  if (OF_BOTH.has(event.kind)) return sure(...HALVES);
  if (event.kind === 'half-starting') return sure(event.half);
  // config.ini_live, /home/ibgateway/tws_settings/ibq_paper/…, "trading mode live"; a controller of another image
  // begins each line with its half: "12:00:01 [INFO] [live] …".
  const named = (/^\S+ \[[A-Z]+\] \[(live|paper)\] /.exec(line)?.[1] ??
    /(?:_|trading mode )(live|paper)\b/.exec(line)?.[1]) as Half | undefined;
  if (named !== undefined) return sure(named);
  const running = HALVES.filter((half) => state[half].started);
  const [only] = running;
  if (running.length === 1 && only) return sure(only);
  const possible = HALVES.filter((half) => fits(event, state[half].state));
  const [first] = possible;
  if (possible.length === 1 && first) return sure(first);
  if (event.kind === 'starting' && first === undefined) return sure(state.speaker);
  const answering = HALVES.filter((half) => ready.has(half));
  const [up] = answering;
  if (answering.length === 1 && up) return sure(event.kind === 'login-completed' ? up : other(up));
  // Paper logins are not asked for a second factor.
  if (event.kind.startsWith('two-factor')) return sure('live');
  return { halves: HALVES, unsure: true };
}

function other(half: Half): Half {
  return half === 'live' ? 'paper' : 'live';
}

const OF_BOTH: ReadonlySet<LogEvent['kind']> = new Set<LogEvent['kind']>([
  'container-starting',
  'guard-refused',
  'stopping',
]);

const BEFORE_LOGIN: readonly Stage[] = [
  'unknown',
  'starting',
  'restarting',
  'login-window',
  'logging-in',
  'login-failed',
  'ibkr-unreachable',
  'no-login-window',
  'two-factor-timeout',
];

const IN_SECOND_FACTOR: readonly Stage[] = [
  'waiting-for-two-factor',
  'two-factor-answered',
  'two-factor-device',
];

const STARTS_FROM: readonly Stage[] = [
  'unknown',
  'starting',
  'restarting',
  'login-failed',
  'locked-out',
  'ibkr-unreachable',
  'no-login-window',
  'login-stalled',
  'exited',
];

/** Stages in which a gateway says this; a kind that is absent is said in any. */
const SAID_IN: Partial<Record<LogEvent['kind'], readonly Stage[]>> = {
  starting: STARTS_FROM,
  session: STARTS_FROM,
  'login-window': BEFORE_LOGIN,
  'login-attempt': BEFORE_LOGIN,
  'ibkr-unreachable': BEFORE_LOGIN,
  'two-factor-waiting': [...BEFORE_LOGIN, 'two-factor-device', 'two-factor-answered'],
  'two-factor-device': BEFORE_LOGIN,
  'two-factor-closed': ['unknown', 'waiting-for-two-factor'],
  'two-factor-timeout': ['unknown', ...IN_SECOND_FACTOR],
  'login-stalled': ['unknown', ...IN_SECOND_FACTOR],
  'existing-session': [...BEFORE_LOGIN, ...IN_SECOND_FACTOR],
  'login-failed': [...BEFORE_LOGIN, ...IN_SECOND_FACTOR],
  'locked-out': [...BEFORE_LOGIN, ...IN_SECOND_FACTOR, 'locked-out'],
  'login-completed': [...BEFORE_LOGIN, ...IN_SECOND_FACTOR, 'existing-session', 'locked-out'],
  link: ['logged-in', 'link-lost'],
  command: ['logged-in', 'link-lost'],
};

function fits(event: LogEvent, { stage }: LogState): boolean {
  return SAID_IN[event.kind]?.includes(stage) ?? true;
}
