/** What one line of a gateway's log means: the events, and the tables of rules that find them. */

import { CONTROLLER_LINES } from './controller-lines.ts';
import { IBC_LINES } from './ibc-lines.ts';
import { IMAGE_LINES } from './image-lines.ts';

export type LogEvent =
  | { kind: 'container-starting' }
  /** Its start script turns to one of the two gateways of mode `both`, or to the only one. */
  | { kind: 'half-starting'; half: 'live' | 'paper' }
  /** Its controller starts the gateway's process. */
  | { kind: 'starting' }
  /** `resumed`: with what the process before it left, so that no second factor is asked for. */
  | { kind: 'session'; resumed: boolean }
  | { kind: 'login-window' }
  | { kind: 'login-attempt' }
  | { kind: 'two-factor-waiting' }
  /** The dialog has closed, `seconds` after the login was sent; null: its controller does not say when. */
  | { kind: 'two-factor-closed'; seconds: number | null }
  | { kind: 'two-factor-timeout'; again: boolean }
  | { kind: 'two-factor-device'; text: string }
  /** Only a person can mend it, and until a restart nothing is tried any more. */
  | { kind: 'halted'; text: string }
  | { kind: 'login-stalled' }
  | { kind: 'existing-session' }
  /** The gateway ends, so that another session of its user can go on. */
  | { kind: 'gives-way'; text: string }
  | { kind: 'login-completed' }
  /** `text` is empty where IBKR says nothing, or says it on the next line. */
  | { kind: 'login-failed'; text: string }
  | { kind: 'locked-out'; text: string }
  | { kind: 'ibkr-unreachable'; text: string }
  | { kind: 'no-login-window' }
  | { kind: 'dialog'; title: string; opened: boolean }
  /** A logged-in gateway has lost its link to IBKR, or has it again. */
  | { kind: 'link'; up: boolean }
  | { kind: 'auto-logoff'; time: string }
  /** The controller was told to do something. */
  | { kind: 'command'; verb: 'STOP' | 'RESTART' | 'PAUSE' }
  /** The gateway is on its way down, logging out as it goes. */
  | { kind: 'shutdown' }
  | { kind: 'cold-restart' }
  | { kind: 'process-exited'; status: number }
  | { kind: 'autorestart-found' }
  | { kind: 'restarting' }
  | { kind: 'paused' }
  | { kind: 'gateway-finished' }
  /** The container was told to end; `asked`: by systemd, for somebody who asked for it. */
  | { kind: 'stopping' }
  /** systemd saw the kernel end a process of the unit. */
  | { kind: 'out-of-memory' }
  /** ibq's own guard did not let the container start. */
  | { kind: 'guard-refused'; text: string }
  /** The environment or a setting is refused; `fatal` ones end the container. */
  | { kind: 'bad-environment'; text: string; fatal: boolean };

/** A pattern, and the event that its match stands for. The first rule that matches counts. */
export type Rule = readonly [RegExp, (match: RegExpMatchArray) => LogEvent];

const OF_UNITS: readonly Rule[] = [
  // systemd's own line: somebody asked for it, and nothing that ends afterwards ended by itself.
  [/^Stopping \S.*\.\.\.\s*$/, () => ({ kind: 'stopping' })],
  [/process of this unit has been killed by the OOM killer/, () => ({ kind: 'out-of-memory' })],
  [
    /ibq guard: (?:instance \w+: )?(.*); not started/,
    ([, text = '']) => ({ kind: 'guard-refused', text }),
  ],
];

const USUAL: readonly Rule[] = [...OF_UNITS, ...IMAGE_LINES, ...IBC_LINES];

/**
 * The rules of an image: those of its scripts, those of the program that logs in, and what systemd and ibq's
 * guard say of any unit. An image with another controller gets a table of its own beside these files and a
 * row here, by the id of its profile; whoever reads a log passes the profile on.
 */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  'ibg-controller': [...OF_UNITS, ...CONTROLLER_LINES, ...IMAGE_LINES],
};

/**
 * The event a line stands for; `null` for the many that say nothing about the gateway's state.
 *
 * @param profile id of the image's profile; all that have no rules of their own run IBC
 */
export function parseLogLine(line: string, profile = ''): LogEvent | null {
  for (const [pattern, build] of RULES[profile] ?? USUAL) {
    const match = line.match(pattern);
    if (match !== null) return build(match);
  }
  return null;
}
