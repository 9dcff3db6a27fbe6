/**
 * The two gateways of mode `both` write into one log, and most of IBC's lines do not say whose they are.
 * What can be known is: live starts first and paper 15 seconds later (run.sh says when), some lines name a
 * half in a path, a line fits only some stages, and a half whose API answers has logged in.
 */

import { type GatewayStage, gatewayStage, type Stage } from './log-events.ts';
import { type LogEvent, parseLogLine } from './log-line.ts';

export type Half = 'live' | 'paper';

const HALVES: readonly Half[] = ['live', 'paper'];

interface Track {
  started: boolean;
  /** Lines that mean something, and those after them. */
  lines: string[];
  stage: GatewayStage;
  /** Its stage comes from a line that may be the other's. */
  unsure: boolean;
}

/**
 * Where each half is by the log, oldest line first.
 *
 * @param ready halves whose API answers
 */
export function halfStages(
  lines: readonly string[],
  ready: ReadonlySet<Half>,
): Record<Half, GatewayStage> {
  const whole = lines.some((line) => parseLogLine(line)?.kind === 'container-starting');
  const tracks: Record<Half, Track> = { live: track(!whole), paper: track(!whole) };
  let speaker: Half = 'paper';
  let last: readonly Half[] = [];
  for (const line of lines) {
    const starts = /Starting IBC in (live|paper) mode/.exec(line)?.[1] as Half | undefined;
    if (starts !== undefined) {
      speaker = starts;
      tracks[starts].started = true;
    }
    const event = parseLogLine(line);
    if (event === null) {
      // What IBKR says stands on the line after that of the refusal.
      for (const half of last) tracks[half].lines.push(line);
      continue;
    }
    if (event.kind === 'container-starting') {
      for (const half of HALVES) tracks[half] = track(false);
    }
    const owners = whose(line, event, tracks, { speaker, ready });
    for (const half of owners.halves) {
      const own = tracks[half];
      own.lines.push(line);
      const stage = gatewayStage(own.lines);
      if (stage.stage !== own.stage.stage) own.unsure = owners.unsure;
      own.stage = stage;
    }
    last = owners.halves;
  }
  return { live: told(tracks.live), paper: told(tracks.paper) };
}

function track(started: boolean): Track {
  return { started, lines: [], stage: gatewayStage([]), unsure: false };
}

/** With the line after the last one, which came later than its event. */
function told({ lines, unsure }: Track): GatewayStage {
  const stage = gatewayStage(lines);
  return unsure ? { ...stage, detail: `${stage.detail} (or the other of the two)` } : stage;
}

function whose(
  line: string,
  event: LogEvent,
  tracks: Readonly<Record<Half, Track>>,
  { speaker, ready }: { speaker: Half; ready: ReadonlySet<Half> },
): { halves: readonly Half[]; unsure: boolean } {
  const sure = (...halves: Half[]) => ({ halves, unsure: false });
  if (OF_BOTH.has(event.kind)) return sure(...HALVES);
  // config.ini_live, /home/ibgateway/tws_settings/ibq_paper/…, "trading mode live".
  const named = /(?:_|trading mode )(live|paper)\b/.exec(line)?.[1] as Half | undefined;
  if (named !== undefined) return sure(named);
  const running = HALVES.filter((half) => tracks[half].started);
  const [only] = running;
  if (running.length === 1 && only) return sure(only);
  if (event.kind === 'starting') return sure(speaker);
  const possible = HALVES.filter((half) => fits(event.kind, tracks[half].stage.stage));
  const [first] = possible;
  if (possible.length === 1 && first) return sure(first);
  const answering = HALVES.filter((half) => ready.has(half));
  const [up] = answering;
  if (answering.length === 1 && up) return sure(event.kind === 'login-completed' ? up : other(up));
  // Paper logins are not asked for a second factor.
  if (event.kind === 'two-factor-waiting' || event.kind === 'two-factor-timeout')
    return sure('live');
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
  'two-factor-timeout',
];

/** Stages in which a gateway says this. */
const STAGES: Partial<Record<LogEvent['kind'], readonly Stage[]>> = {
  'login-window': BEFORE_LOGIN,
  'login-attempt': BEFORE_LOGIN,
  'two-factor-waiting': BEFORE_LOGIN,
  'two-factor-timeout': ['unknown', 'waiting-for-two-factor'],
  'existing-session': [...BEFORE_LOGIN, 'waiting-for-two-factor'],
  'login-failed': [...BEFORE_LOGIN, 'waiting-for-two-factor'],
  'locked-out': [...BEFORE_LOGIN, 'waiting-for-two-factor', 'locked-out'],
  'login-completed': [...BEFORE_LOGIN, 'waiting-for-two-factor', 'existing-session', 'locked-out'],
};

function fits(kind: LogEvent['kind'], stage: Stage): boolean {
  return STAGES[kind]?.includes(stage) ?? true;
}
