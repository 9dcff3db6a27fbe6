/**
 * What the lines of a gateway's log mean, and where the gateway is by the last of them. The words
 * are those of IBC 3.24 and of the gnzsnz image's scripts; lines may carry any prefix.
 */

export type LogEvent =
  | { kind: 'container-starting' }
  | { kind: 'starting'; version: string }
  | { kind: 'relay-listening'; apiPort: number; relayPort: number }
  | { kind: 'autorestart-found' }
  | { kind: 'full-authentication' }
  | { kind: 'login-window' }
  | { kind: 'login-attempt'; n: number }
  | { kind: 'two-factor-waiting' }
  | { kind: 'two-factor-timeout' }
  | { kind: 'existing-session' }
  | { kind: 'login-completed' }
  | { kind: 'login-failed'; text: string }
  | { kind: 'locked-out'; text: string }
  | { kind: 'read-only-api'; on: boolean }
  | { kind: 'cold-restart' }
  | { kind: 'ibc-exited'; status: number }
  | { kind: 'restarting' }
  | { kind: 'paused' }
  | { kind: 'gateway-finished' }
  | { kind: 'stopping' }
  /** The environment or a setting is refused; `fatal` ones end the container. */
  | { kind: 'bad-environment'; text: string; fatal: boolean };

type Match = RegExpMatchArray;
type Rule = readonly [RegExp, (match: Match) => LogEvent];

const RULES: readonly Rule[] = [
  [/\.> Starting IBC\/IB gateway/, () => ({ kind: 'container-starting' })],
  [/Starting IBC version (\S*) on /, ([, version = '']) => ({ kind: 'starting', version })],
  [
    /Forking :::(\d+) onto 0\.0\.0\.0:(\d+)/,
    ([, api, relay]) => ({
      kind: 'relay-listening',
      apiPort: Number(api),
      relayPort: Number(relay),
    }),
  ],
  [
    /autorestart file found at .*authentication will not be required/,
    () => ({ kind: 'autorestart-found' }),
  ],
  [/autorestart file not found: full authentication/, () => ({ kind: 'full-authentication' })],
  [/Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT/, () => ({ kind: 'login-window' })],
  [/Login attempt: (\d+)/, ([, n]) => ({ kind: 'login-attempt', n: Number(n) })],
  [/Second Factor Authentication initiated/, () => ({ kind: 'two-factor-waiting' })],
  [
    /Re-login after second factor authentication timeout|login has not completed after Second Factor/,
    () => ({ kind: 'two-factor-timeout' }),
  ],
  [/User must choose whether to continue with this session/, () => ({ kind: 'existing-session' })],
  [/Login has completed(?!:)/, () => ({ kind: 'login-completed' })],
  [/Login failed\s*$/, () => ({ kind: 'login-failed', text: '' })],
  [/Login error message:\s*(.*)$/, ([, text = '']) => ({ kind: 'login-failed', text })],
  [/(Too many failed login attempts\..*)$/, ([, text = '']) => ({ kind: 'locked-out', text })],
  [
    /Read-Only API checkbox is (?:now|already) set to: (true|false)/,
    ([, on]) => ({ kind: 'read-only-api', on: on === 'true' }),
  ],
  [/Cold restart in progress|IBC will cold-restart shortly/, () => ({ kind: 'cold-restart' })],
  [
    /IBC returned exit status (\d+)/,
    ([, status]) => ({ kind: 'ibc-exited', status: Number(status) }),
  ],
  [/IBC will restart shortly/, () => ({ kind: 'restarting' })],
  [/IBC is paused/, () => ({ kind: 'paused' })],
  [/(?:Gateway|TWS) finished\s*$/, () => ({ kind: 'gateway-finished' })],
  [/Received SIGINT or SIGTERM\. Shutting down/, () => ({ kind: 'stopping' })],
  [/(error: both \w+ and \w+ are set \(but are exclusive\))/, refused(true)],
  [/(Invalid TRADING_MODE: .*)$/, refused(true)],
  [
    /common\.sh: line \d+: (.+: (?:No such file or directory|Permission denied|Is a directory|Read-only file system))/,
    refused(true),
  ],
  [/(mkdir: cannot create directory .*)$/, refused(true)],
  [/(sed: -e expression .*)$/, refused(true)],
  [/Error: (2FA timeout action set to .*)$/, refused(true)],
  [/(Invalid \w+ setting: .*)$/, refused(true)],
  [/(Invalid setting value for .*)$/, refused(true)],
  [/(Auto (?:restart|logoff) time setting must be .*)$/, refused(false)],
];

function refused(fatal: boolean): (match: Match) => LogEvent {
  return ([, text = '']) => ({ kind: 'bad-environment', text, fatal });
}

/** The event a line stands for; `null` for the many that say nothing about the gateway's state. */
export function parseLogLine(line: string): LogEvent | null {
  for (const [pattern, build] of RULES) {
    const match = line.match(pattern);
    if (match !== null) return build(match);
  }
  return null;
}

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
export function describeExitStatus(status: number): string {
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

/** `null`: the event leaves the stage as it is. */
function stageAfter(
  event: LogEvent,
  stage: Stage,
  { failures, status, following }: { failures: number; status: number | null; following: string },
): GatewayStage | null {
  // IBC answers a refused login by starting over: until one goes well, that is the news.
  const refusing = stage === 'login-failed' || stage === 'locked-out';
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
