/**
 * What one line of a gateway's log means. The words are those of IBC 3.24 and of the gnzsnz image's
 * scripts; lines may carry any prefix.
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
  /** systemd saw the kernel end a process of the unit. */
  | { kind: 'out-of-memory' }
  /** ibq's own guard did not let the container start. */
  | { kind: 'guard-refused'; text: string }
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
  [/process of this unit has been killed by the OOM killer/, () => ({ kind: 'out-of-memory' })],
  [
    /ibq guard: (?:instance \w+: )?(.*); not started/,
    ([, text = '']) => ({ kind: 'guard-refused', text }),
  ],
  [/(error: both \w+ and \w+ are set \(but are exclusive\))/, refused(true)],
  [/(Invalid TRADING_MODE: .*)$/, refused(true)],
  [
    /common\.sh: line \d+: (.+: (?:No such file or directory|Permission denied|Is a directory|Read-only file system))/,
    refused(true),
  ],
  [/(mkdir: cannot create directory .*)$/, refused(true)],
  [/(sed: -e expression .*)$/, refused(true)],
  [
    /Error: ((?:2FA timeout action|TWS settings path|IBC configuration file|Offline TWS).*)$/,
    refused(true),
  ],
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
