/**
 * Where a gateway is by its log: a state that each line takes one step further. The state is a plain value, so
 * it is the same whether the lines come in one go or one by one, and whoever follows a log keeps the state
 * and not the lines.
 */

import { type LogEvent, parseLogLine } from './log-line.ts';
import { STAGES, type Stage } from './stages.ts';

/** A line as the journal has it. */
export interface LogLine {
  text: string;
  /** Milliseconds since the epoch; null: not known. */
  at: number | null;
}

export interface GatewayStage {
  stage: Stage;
  /** When the stage began, milliseconds since the epoch; null: not known. */
  since: number | null;
  /** One clause for people. */
  detail: string;
  /** Logins that were sent to IBKR in this run of the unit. */
  attempts: number;
}

/** Why the gateway's process is about to end; null: it is not. */
type Going = 'restart' | 'cold' | 'shutdown' | 'pause' | 'stop' | 'gives-way' | 'systemd' | null;

export interface LogState extends GatewayStage {
  /** Logins that IBKR refused since the last one that went well. */
  refused: number;
  /** Times that IBKR could not be reached since the last login that went well. */
  unreachable: number;
  /** Starts of the gateway that brought no login window, one after the other. */
  windowless: number;
  /** Of the last process that ended; null: none has. */
  exitStatus: number | null;
  going: Going;
  /** The words of what makes it go. */
  why: string;
  /** It takes up a session that was left for it, without a login. */
  resuming: boolean;
  dialogs: readonly { title: string; at: number | null }[];
  /** When it logs off by itself each day; empty: IBC did not set a time. */
  autoLogoff: string;
  /** What IBKR says of the refusal stands on the next line. */
  quotes: boolean;
}

export const NOTHING_READ: LogState = {
  stage: 'unknown',
  since: null,
  detail: 'its log does not say',
  attempts: 0,
  refused: 0,
  unreachable: 0,
  windowless: 0,
  exitStatus: null,
  going: null,
  why: '',
  resuming: false,
  dialogs: [],
  autoLogoff: '',
  quotes: false,
};

/** @param profile id of the image's profile, which decides by what rules the line is read */
export function step(state: LogState, line: LogLine, profile = ''): LogState {
  const event = parseLogLine(line.text, profile);
  return event === null ? quote(state, line.text) : stepEvent(state, event, line.at);
}

/** A line that is no event: IBKR's own words after a refusal, or nothing. */
export function quote(state: LogState, text: string): LogState {
  const words = text.trim();
  if (!state.quotes || words === '') return state;
  return { ...state, quotes: false, detail: `${state.detail}: ${words}` };
}

export function stepEvent(before: LogState, event: LogEvent, at: number | null): LogState {
  const change = changeOf(before, event, at);
  const stage = change.stage ?? before.stage;
  return {
    ...before,
    quotes: false,
    ...change,
    since: stage === before.stage && event.kind !== 'container-starting' ? before.since : at,
  };
}

/**
 * Until a login goes well that is the news, whatever IBC does about it: it answers each of them by starting
 * the gateway again.
 */
const STICKY: ReadonlySet<Stage> = new Set<Stage>([
  'login-failed',
  'locked-out',
  'ibkr-unreachable',
  'no-login-window',
]);

/** What an event changes; an empty change leaves the state as it is. */
function changeOf(state: LogState, event: LogEvent, at: number | null): Partial<LogState> {
  const { stage } = state;
  const unlessSticky = (next: Partial<LogState>): Partial<LogState> =>
    STICKY.has(stage) ? omitStage(next) : next;
  switch (event.kind) {
    case 'container-starting':
      return { ...NOTHING_READ, stage: 'starting', detail: 'the container is starting' };
    case 'half-starting':
      return stage === 'unknown' ? { stage: 'starting', detail: 'the container is starting' } : {};
    case 'starting':
      return state.going === 'restart'
        ? { dialogs: [] }
        : unlessSticky({
            stage: 'starting',
            detail: 'IBC is starting the gateway',
            going: null,
            dialogs: [],
          });
    case 'session':
      return event.resumed
        ? {
            stage: 'restarting',
            detail: 'the gateway takes its session up again',
            going: null,
            resuming: true,
            dialogs: [],
          }
        : unlessSticky({
            stage: 'starting',
            detail: 'the gateway is starting',
            going: null,
            resuming: false,
            dialogs: [],
          });
    case 'login-window':
      // A resumed session opens the window too, and fills it in by itself.
      if (state.resuming) return {};
      return stage === 'no-login-window'
        ? { stage: 'login-window', detail: 'its login window is open', windowless: 0 }
        : unlessSticky({
            stage: 'login-window',
            detail: 'its login window is open',
            windowless: 0,
          });
    case 'login-attempt': {
      const attempts = state.attempts + 1;
      const detail = `login attempt ${attempts} is under way`;
      return { ...unlessSticky({ stage: 'logging-in', detail }), attempts, resuming: false };
    }
    case 'two-factor-waiting':
      return {
        stage: 'waiting-for-two-factor',
        detail: 'it waits for the second factor',
        unreachable: 0,
      };
    case 'two-factor-closed':
      return {
        stage: 'two-factor-answered',
        detail:
          event.seconds === null
            ? 'the second factor was given, and the login goes on'
            : `the request for the second factor ended after ${event.seconds} s, and the login goes on`,
      };
    case 'two-factor-timeout':
      return unlessSticky(
        event.again
          ? {
              stage: 'logging-in',
              detail: 'the second factor was not answered in time, and IBC logs in again',
            }
          : {
              stage: 'two-factor-timeout',
              detail: 'the second factor was not answered in time, and nobody asks again',
            },
      );
    case 'two-factor-device':
      return { stage: 'two-factor-device', detail: event.text };
    case 'halted':
      return { stage: 'halted', detail: event.text };
    case 'login-stalled':
      return { stage: 'login-stalled', detail: STALLED };
    case 'existing-session':
      return {
        stage: 'existing-session',
        detail: 'the user is logged in elsewhere and somebody must choose',
      };
    case 'gives-way':
      return {
        stage: 'stopping',
        detail: 'it ends, so that another session of its user can go on',
        going: 'gives-way',
        why: `another session of its user goes on (existing_session_action), IBC: ${event.text}`,
      };
    case 'login-completed':
      return {
        stage: 'logged-in',
        detail: 'login has completed',
        refused: 0,
        unreachable: 0,
        windowless: 0,
        going: null,
        resuming: false,
        dialogs: [],
      };
    case 'login-failed':
      return refuse(state, event.text);
    case 'locked-out':
      return { stage: 'locked-out', detail: event.text };
    case 'ibkr-unreachable': {
      const unreachable = state.unreachable + 1;
      const detail = `IBKR could not be reached${times(unreachable)}: ${event.text}`;
      return stage === 'locked-out'
        ? { unreachable }
        : { stage: 'ibkr-unreachable', detail, unreachable, resuming: false };
    }
    case 'no-login-window': {
      const windowless = state.windowless + 1;
      const detail = `the gateway showed no login window${times(windowless)}`;
      return { stage: 'no-login-window', detail, windowless };
    }
    case 'dialog':
      return { dialogs: dialogsAfter(state, event, at) };
    case 'link':
      return linkAfter(state, event.up);
    case 'auto-logoff':
      return { autoLogoff: event.time.trim() };
    case 'command':
      return commanded(state, event.verb);
    case 'shutdown':
      return shutDown(state);
    case 'cold-restart':
      return unlessSticky({
        // A refused session is news of its own, and followed by just this.
        ...(stage === 'restarting' ? {} : { stage: 'restarting', detail: AGAIN }),
        going: 'cold',
      });
    case 'process-exited':
      return { ...exit(state, event.status), exitStatus: event.status, dialogs: [] };
    case 'autorestart-found':
      return state.going === 'pause' || stage === 'unknown' || stage === 'starting'
        ? {}
        : unlessSticky({ stage: 'restarting', detail: AGAIN, going: 'restart' });
    case 'restarting':
      return unlessSticky({ stage: 'restarting', detail: AGAIN });
    case 'paused':
      return { stage: 'paused', detail: 'IBC is paused: the next start needs no second factor' };
    case 'gateway-finished':
      return finish(state);
    case 'stopping':
      return { stage: 'stopping', detail: 'it is being stopped', going: 'systemd' };
    case 'out-of-memory':
      return {
        stage: 'out-of-memory',
        detail:
          'the kernel ended a process of it, at its memory limit or for want of memory on this host',
      };
    case 'guard-refused':
      return { stage: 'not-started', detail: `the guard did not let it start: ${event.text}` };
    case 'bad-environment':
      return event.fatal ? { stage: 'bad-environment', detail: event.text } : {};
  }
}

const AGAIN = 'IBC is starting the gateway again';
const STALLED = 'the login did not complete after the second factor was answered';

function omitStage({ stage, detail, ...rest }: Partial<LogState>): Partial<LogState> {
  return rest;
}

function times(count: number): string {
  return count > 1 ? `, ${count} times` : '';
}

function refuse(state: LogState, text: string): Partial<LogState> {
  if (state.resuming) {
    return {
      stage: 'restarting',
      detail: 'IBKR refused the session that was left, and a full login follows',
      resuming: false,
    };
  }
  const refused = state.refused + 1;
  if (state.stage === 'locked-out') return { refused };
  const words = text.trim() === '' ? '' : `: ${text.trim()}`;
  return {
    stage: 'login-failed',
    detail: `IBKR refused the login${times(refused)}${words}`,
    refused,
    quotes: words === '',
  };
}

/** Titles of the gateway's own progress, which nobody has to answer: `Authenticating...`. */
const PROGRESS = /\.\.\.$|^\*\* no title \*\*$/;
/** So many are told apart; a log that opens more without closing one is not worth the memory. */
const DIALOGS_KEPT = 20;

function dialogsAfter(
  { dialogs }: LogState,
  { title, opened }: { title: string; opened: boolean },
  at: number | null,
): LogState['dialogs'] {
  if (PROGRESS.test(title)) return dialogs;
  const others = dialogs.filter((dialog) => dialog.title !== title);
  return opened ? [...others, { title, at }].slice(-DIALOGS_KEPT) : others;
}

function linkAfter({ stage }: LogState, up: boolean): Partial<LogState> {
  // The same window shows while a gateway starts.
  if (stage === 'logged-in' && !up) {
    return {
      stage: 'link-lost',
      detail: 'by its log the gateway has lost its link to IBKR and connects again',
    };
  }
  return stage === 'link-lost' && up ? { stage: 'logged-in', detail: 'login has completed' } : {};
}

const WITH_SESSION: ReadonlySet<Stage> = new Set<Stage>(['logged-in', 'link-lost', 'unknown']);

function commanded(
  { stage, going }: LogState,
  verb: 'STOP' | 'RESTART' | 'PAUSE',
): Partial<LogState> {
  // The unit's own way to stop: it did not end by itself.
  if (going === 'systemd') return {};
  switch (verb) {
    case 'RESTART':
      return WITH_SESSION.has(stage)
        ? {
            stage: 'restarting',
            detail: 'IBC was told to restart the gateway, and its session goes on',
            going: 'restart',
          }
        : {};
    case 'PAUSE':
      return {
        stage: 'stopping',
        detail: 'IBC was told to pause: the next start needs no second factor',
        going: 'pause',
      };
    case 'STOP':
      return {
        stage: 'stopping',
        detail: 'IBC was told to stop the gateway',
        going: 'stop',
        why: 'IBC was told to stop it (STOP at its command server)',
      };
  }
}

/** The gateway closes its session: as it was told to, or by itself. */
function shutDown({ going, autoLogoff }: LogState): Partial<LogState> {
  if (going !== null) return {};
  return autoLogoff === ''
    ? {
        stage: 'restarting',
        detail: 'the gateway closes its session: its daily restart, or the end of its week',
        going: 'shutdown',
        why: 'it logged off by itself: the end of the week at IBKR, or somebody closed it',
      }
    : {
        stage: 'stopping',
        detail: `the gateway logs off, as it does at ${autoLogoff}`,
        going: 'shutdown',
        why: `it logged off by itself (auto_logoff_time ${autoLogoff})`,
      };
}

/** Ends of IBC and its start script. */
const STATUS: Readonly<Record<number, string>> = {
  0: 'it ended by itself',
  1: 'Java or its start script failed',
  3: 'a wrong argument',
  4: 'this version is not installed',
  6: 'its ini file is missing',
  7: 'no vmoptions file',
  76: 'an unhandled exception',
  77: 'a control was not found',
  79: 'its ini file is missing',
  80: 'a wrong trading mode',
  81: 'a wrong setting',
  82: 'the settings directory cannot be made',
  84: 'the path of jts.ini is wrong',
  85: 'jts.ini cannot be read or written',
  86: 'an invalid state',
  87: STALLED,
  88: 'the login window did not appear',
  137: 'it was killed',
  143: 'it was stopped',
};

/** `exit status 87: the login did not complete …`. */
function describeExitStatus(status: number): string {
  const meaning = STATUS[status];
  return meaning === undefined ? `exit status ${status}` : `exit status ${status}: ${meaning}`;
}

/** Stages that know better than an exit status why it ends. */
const KNOWS_WHY: ReadonlySet<Stage> = new Set<Stage>([
  ...STICKY,
  'stopping',
  'bad-environment',
  'out-of-memory',
  'paused',
  'not-started',
]);

function exit({ stage, going }: LogState, status: number): Partial<LogState> {
  if (KNOWS_WHY.has(stage)) return {};
  const goesOn = going === 'restart' || going === 'cold' || going === 'shutdown';
  if (goesOn && status === 0) return {};
  return {
    stage: 'exited',
    detail: `the gateway ended, ${describeExitStatus(status)}`,
    going: null,
  };
}

/** The start script has nothing more to do: the container ends. */
function finish(state: LogState): Partial<LogState> {
  const { stage, going, why, exitStatus } = state;
  if (going === 'stop' || going === 'gives-way' || going === 'shutdown') {
    return { stage: 'ended', detail: `the gateway ended: ${why}` };
  }
  if (KNOWS_WHY.has(stage) && stage !== 'out-of-memory') return {};
  if (stage === 'out-of-memory' || (stage === 'exited' && exitStatus !== 0)) return {};
  if (exitStatus === 0)
    return { stage: 'ended', detail: 'the gateway ended by itself (exit status 0)' };
  const how = exitStatus === null ? '' : `, ${describeExitStatus(exitStatus)}`;
  return { stage: 'exited', detail: `the gateway ended${how}` };
}

/** So long after its login window a login is filled in, or it never is. */
const FILLED_IN_MS = 5000;
/** So long after the second factor a login completes (IBC's own limit, SecondFactorAuthenticationExitInterval). */
const COMPLETES_MS = 60_000;
/** So long after its process has ended ibcstart.sh has started another, or the container has ended. */
const ENDED_MS = 3000;
/** A dialog that IBC answers is gone by then. */
const ANSWERED_MS = 10_000;

/** Where the gateway is at a time after the last line: some stages pass, and some have passed too long. */
export function stageAt(state: LogState, now: number): GatewayStage {
  const { stage, detail, since, attempts, dialogs } = state;
  const lasted = (from: number | null, ms: number) => from === null || now - from >= ms;
  const told: GatewayStage = { stage, detail, since, attempts };
  if (stage === 'exited' && !lasted(since, ENDED_MS)) return { ...told, stage: 'restarting' };
  if (stage === 'two-factor-answered' && lasted(since, COMPLETES_MS)) {
    return { ...told, stage: 'login-stalled', detail: STALLED };
  }
  if (STAGES[stage].waitsFor === 'time' || stage === 'login-window') {
    const open = dialogs.find((dialog) => lasted(dialog.at, ANSWERED_MS));
    if (open !== undefined) {
      const words = `its dialog "${open.title}" is open, and IBC does not answer it`;
      return { stage: 'dialog-open', detail: words, since: open.at, attempts };
    }
  }
  if (stage === 'login-window' && !lasted(since, FILLED_IN_MS)) {
    return { ...told, stage: 'starting' };
  }
  return told;
}

/** Where the gateway is by lines without a time, oldest first; they may begin anywhere. */
export function gatewayStage(lines: readonly string[], profile = ''): GatewayStage {
  const end = lines.reduce((state, text) => step(state, { text, at: null }, profile), NOTHING_READ);
  return stageAt(end, 0);
}
