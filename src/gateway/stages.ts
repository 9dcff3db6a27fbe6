/** The stages of a gateway by its log, and what each of them implies: one table for all who ask. */

import type { Half } from './halves.ts';

export type Stage =
  | 'unknown'
  | 'starting'
  | 'login-window'
  | 'logging-in'
  | 'waiting-for-two-factor'
  | 'two-factor-device'
  | 'two-factor-answered'
  | 'two-factor-timeout'
  | 'halted'
  | 'login-stalled'
  | 'existing-session'
  | 'dialog-open'
  | 'login-failed'
  | 'locked-out'
  | 'ibkr-unreachable'
  | 'no-login-window'
  | 'logged-in'
  | 'link-lost'
  | 'restarting'
  | 'stopping'
  | 'paused'
  | 'ended'
  | 'exited'
  | 'bad-environment'
  | 'not-started'
  | 'out-of-memory';

/** Whom an advice is about. */
export interface Addressee {
  name: string;
  /** Which of the two gateways of mode `both`; null: there is one. */
  half: Half | null;
}

export interface StageFacts {
  /** Word of the verdict while the unit runs and the API is silent; null: the log does not explain the silence. */
  word: string | null;
  /** What the gateway waits for: nothing but time, or somebody who does something outside of ibq. Null: for neither. */
  waitsFor: 'time' | 'person' | null;
  /** More waiting changes nothing, or costs logins. */
  hopeless: boolean;
  /** An API may be there although nobody answered at the published port. */
  mayAnswer: boolean;
  /** Explains why a unit has ended. */
  ends: boolean;
  /** What to do about it; an advice that costs a login says so. */
  mend: (about: Addressee) => string | null;
}

const nothing = () => null;
const logs = ({ name }: Addressee) => `sudo ibq logs ${name}`;

const ROW: StageFacts = {
  word: null,
  waitsFor: null,
  hopeless: false,
  mayAnswer: false,
  ends: false,
  mend: nothing,
};

/** Goes on by itself. */
const passing = (word: string): StageFacts => ({ ...ROW, word, waitsFor: 'time' });

/**
 * A new stage (say, of a unit that has used up its login attempts) is a row here, a rule in one of the tables
 * of lines, and what `step` makes of its event. Nobody else lists stages.
 */
export const STAGES: Readonly<Record<Stage, StageFacts>> = {
  unknown: { ...ROW, mayAnswer: true },
  starting: passing('starting'),
  'login-window': {
    ...ROW,
    word: 'login window',
    mend: (about) => `a user and a password are needed: ${newPassword(about)}`,
  },
  'logging-in': passing('logging in'),
  'waiting-for-two-factor': {
    ...ROW,
    word: 'waiting for 2FA',
    waitsFor: 'person',
    mend: () => 'answer the notice in IBKR Mobile',
  },
  'two-factor-device': {
    ...ROW,
    word: '2FA device',
    waitsFor: 'person',
    mend: (about) =>
      `choose the device on its screen (ibq vnc ${about.name}), or set twofa_device in /etc/ibq/instances/${about.name}.toml and run sudo ibq deploy --restart-changed (a new login)`,
  },
  'two-factor-answered': passing('logging in'),
  'two-factor-timeout': {
    ...ROW,
    word: '2FA timed out',
    ends: true,
    mend: (about) => `${restartOf(about)}, and answer the notice in IBKR Mobile`,
  },
  halted: {
    ...ROW,
    word: 'halted',
    hopeless: true,
    mend: (about) =>
      `log in by hand on its screen (ibq vnc ${about.name}), or mend what it says and ${restartOf(about)}`,
  },
  'login-stalled': {
    ...ROW,
    word: 'login stalled',
    ends: true,
    mend: (about) =>
      `look at its screen (ibq vnc ${about.name}) and log (sudo ibq logs ${about.name})`,
  },
  'existing-session': {
    ...ROW,
    word: 'session elsewhere',
    waitsFor: 'person',
    mend: () => 'end the other session, or set existing_session_action',
  },
  'dialog-open': {
    ...ROW,
    word: 'dialog open',
    waitsFor: 'person',
    mend: ({ name }) => `look at its screen: ibq vnc ${name}`,
  },
  'login-failed': {
    ...ROW,
    word: 'login failed',
    hopeless: true,
    ends: true,
    mend: (about) =>
      `sudo ibq stop ${about.name} before IBKR locks the user; ${newPassword(about)}`,
  },
  'locked-out': {
    ...ROW,
    word: 'locked out',
    hopeless: true,
    ends: true,
    mend: (about) => `sudo ibq stop ${about.name}, wait as IBKR says, then ${newPassword(about)}`,
  },
  'ibkr-unreachable': {
    ...ROW,
    word: 'IBKR unreachable',
    ends: true,
    mend: () => 'IBC tries again by itself; sudo ibq doctor looks at the way out of this host',
  },
  'no-login-window': {
    ...ROW,
    word: 'no login window',
    ends: true,
    mend: ({ name }) =>
      `IBC tries again by itself; its screen (ibq vnc ${name}) or sudo ibq logs ${name} may say why`,
  },
  'logged-in': { ...ROW, mayAnswer: true },
  'link-lost': {
    ...ROW,
    word: 'link down',
    mayAnswer: true,
    mend: ({ name }) =>
      `the gateway connects again by itself; ibq probe ${name} --login tells whether it has`,
  },
  restarting: passing('restarting'),
  stopping: { ...ROW, word: 'stopping' },
  paused: { ...ROW, word: 'gateway down', ends: true, mend: (about) => restartOf(about) },
  ended: { ...ROW, word: 'gateway down', ends: true, mend: (about) => restartOf(about) },
  exited: { ...ROW, word: 'gateway down', ends: true, mend: (about) => restartOf(about) },
  'bad-environment': { ...ROW, word: 'bad settings', hopeless: true, ends: true, mend: logs },
  'not-started': { ...ROW, hopeless: true, ends: true },
  'out-of-memory': {
    ...ROW,
    word: 'out of memory',
    ends: true,
    mend: ({ name }) =>
      `give it more (memory in /etc/ibq/instances/${name}.toml), then sudo ibq deploy --restart-changed (a new login)`,
  },
};

function newPassword(about: Addressee): string {
  const key = about.half === 'paper' ? 'paper_password' : 'password';
  return `sudo ibq secret set ${about.name} ${key}, then ${restartOf(about)}`;
}

/** The halves of mode `both` are one container: a restart takes the other along. */
export function restartOf({ name, half }: Addressee): string {
  return `sudo ibq restart ${name} (a new login${half === null ? '' : ' of both'})`;
}
