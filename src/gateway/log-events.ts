/** Where a gateway is by the events of its log, taken together. */

import { type LogEvent, parseLogLine } from './log-line.ts';

export type Stage =
  | 'unknown'
  | 'starting'
  | 'login-window'
  | 'logging-in'
  | 'waiting-for-two-factor'
  | 'two-factor-timeout'
  | 'existing-session'
  | 'login-failed'
  | 'locked-out'
  | 'logged-in'
  | 'restarting'
  | 'stopping'
  | 'bad-environment'
  | 'not-started'
  | 'out-of-memory'
  | 'exited';

export interface GatewayStage {
  stage: Stage;
  /** Line at which the stage began; absent for `unknown`. */
  since?: string;
  /** One clause for people. */
  detail: string;
}

/** Ends of IBC and its start script; those of a process that was stopped are no failures. */
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
  87: 'the second factor was not answered in time',
  88: 'the login window did not appear',
  143: 'it was stopped',
};

/** `exit status 87: the second factor was not answered in time`. */
function describeExitStatus(status: number): string {
  const meaning = STATUS[status];
  return meaning === undefined ? `exit status ${status}` : `exit status ${status}: ${meaning}`;
}

/** Where the gateway is by its log, oldest line first. The lines may begin anywhere. */
export function gatewayStage(lines: readonly string[]): GatewayStage {
  let now: GatewayStage = { stage: 'unknown', detail: 'its log does not say' };
  let failures = 0;
  let status: number | null = null;
  lines.forEach((line, index) => {
    const event = parseLogLine(line);
    if (event === null) return;
    if (event.kind === 'login-failed') failures++;
    if (event.kind === 'login-completed' || event.kind === 'container-starting') failures = 0;
    if (event.kind === 'ibc-exited') status = event.status;
    const next = stageAfter(event, now.stage, {
      failures,
      status,
      following: lines[index + 1] ?? '',
    });
    if (next === null) return;
    now = next.stage === now.stage ? { ...now, detail: next.detail } : { ...next, since: line };
  });
  return now;
}

const ENDS: ReadonlySet<LogEvent['kind']> = new Set(['ibc-exited', 'gateway-finished', 'stopping']);

/** `null`: the event leaves the stage as it is. */
function stageAfter(
  event: LogEvent,
  stage: Stage,
  { failures, status, following }: { failures: number; status: number | null; following: string },
): GatewayStage | null {
  // IBC answers a refused login by starting over: until one goes well, that is the news.
  const refusing = stage === 'login-failed' || stage === 'locked-out';
  // What ends after it ends because of it.
  if (stage === 'out-of-memory' && ENDS.has(event.kind)) return null;
  const unlessRefusing = (next: GatewayStage) => (refusing ? null : next);
  switch (event.kind) {
    case 'container-starting':
      return { stage: 'starting', detail: 'the container is starting' };
    case 'starting':
      return unlessRefusing({ stage: 'starting', detail: 'IBC is starting the gateway' });
    case 'login-window':
      return unlessRefusing({ stage: 'login-window', detail: 'its login window is open' });
    case 'login-attempt':
      return unlessRefusing({
        stage: 'logging-in',
        detail: `login attempt ${event.n} is under way`,
      });
    case 'two-factor-waiting':
      return { stage: 'waiting-for-two-factor', detail: 'it waits for the second factor' };
    case 'two-factor-timeout':
      return { stage: 'two-factor-timeout', detail: 'the second factor was not answered in time' };
    case 'existing-session':
      return {
        stage: 'existing-session',
        detail: 'the user is logged in elsewhere and somebody must choose',
      };
    case 'login-completed':
      return { stage: 'logged-in', detail: 'login has completed' };
    case 'login-failed': {
      const text =
        event.text || (following === '' || parseLogLine(following) ? '' : following.trim());
      const times = failures > 1 ? `, ${failures} times` : '';
      return stage === 'locked-out'
        ? null
        : {
            stage: 'login-failed',
            detail: `IBKR refused the login${times}${text === '' ? '' : `: ${text}`}`,
          };
    }
    case 'locked-out':
      return { stage: 'locked-out', detail: event.text };
    case 'cold-restart':
    case 'restarting':
      return unlessRefusing({ stage: 'restarting', detail: 'IBC is starting the gateway again' });
    case 'out-of-memory':
      return {
        stage: 'out-of-memory',
        detail:
          'the kernel ended a process of it, at its memory limit or for want of memory on this host',
      };
    case 'guard-refused':
      return { stage: 'not-started', detail: `the guard did not let it start: ${event.text}` };
    case 'paused':
      return { stage: 'exited', detail: 'IBC is paused; the next start needs no second factor' };
    case 'ibc-exited':
      return stage === 'stopping' || stage === 'bad-environment'
        ? null
        : unlessRefusing({
            stage: 'exited',
            detail: `the gateway ended, ${describeExitStatus(event.status)}`,
          });
    case 'gateway-finished':
      if (stage === 'bad-environment' || (stage === 'exited' && status !== null)) return null;
      return {
        stage: 'exited',
        detail:
          status === null
            ? 'the gateway ended'
            : `the gateway ended, ${describeExitStatus(status)}`,
      };
    case 'stopping':
      return { stage: 'stopping', detail: 'it is being stopped' };
    case 'bad-environment':
      return event.fatal ? { stage: 'bad-environment', detail: event.text } : null;
    default:
      return null;
  }
}
