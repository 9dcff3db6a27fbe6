/** What a simulated gateway and the stand-in for IBKR say to each other: a JSON object a line. */

import type { Mode } from '../contract.ts';

/** How IBKR treats a user. A test sets it; a gateway wishes for what its own behaviour is about. */
export interface Policy {
  /** `null`: every password is right. */
  password: string | null;
  /** The window in which a gateway shows a refusal: one that IBC answers, one that it does not know, one with a text. */
  refusal: 'login-failed' | 'unrecognized' | 'login-error';
  /** Every login is refused, whatever its password. */
  refuse: boolean;
  /** Wrong passwords until the user is locked; 0: never. */
  lockOutAfter: number;
  /** Seconds that a lock holds. */
  lockOutSeconds: number;
  /** The user is locked, whatever happened before. */
  lockedOut: boolean;
  /** Paper logins ask for a second factor too; otherwise only live ones do. */
  secondFactorForPaper: boolean;
  /** `refused`: the person says no. `never`: nobody answers, and IBKR gives the request up. */
  secondFactor: 'answered' | 'never' | 'refused';
  /** Until it is answered or refused. */
  secondFactorSeconds: number;
  /** Until IBKR gives the request up. */
  secondFactorTimeoutSeconds: number;
  /** Second-factor devices of the user; with several one has to be chosen first. */
  devices: readonly string[];
  /** `false`: after all that the login never completes. */
  completes: boolean;
  /** Another session of the user, somewhere: `yields` when told to, or `insists`. */
  existingSession: 'none' | 'yields' | 'insists';
  /** `false`: a gateway that logs in is cut off without an answer. */
  reachable: boolean;
  /** What soft restarts leave behind: `refused` as after the weekly expiry. */
  tokens: 'accepted' | 'refused';
  /** The link of a session that is there. */
  link: 'up' | 'down';
}

export const DEFAULT_POLICY: Policy = {
  password: null,
  refusal: 'login-failed',
  refuse: false,
  lockOutAfter: 10,
  lockOutSeconds: 287,
  lockedOut: false,
  secondFactorForPaper: false,
  secondFactor: 'answered',
  secondFactorSeconds: 0.5,
  secondFactorTimeoutSeconds: 180,
  devices: ['IB Key'],
  completes: true,
  existingSession: 'none',
  reachable: true,
  tokens: 'accepted',
  link: 'up',
};

/** What reached IBKR of one user. */
export interface Counts {
  /** Connections, each a login or a resumed session; those cut off as unreachable too. */
  connections: number;
  /** Connections cut off without an answer. */
  unreachable: number;
  /** Logins with a password, right or wrong. */
  attempts: number;
  /** Of these, refused: a wrong password, or a user that is locked. */
  refused: number;
  /** Times that the user became locked. */
  lockOuts: number;
  secondFactorAsked: number;
  secondFactorAnswered: number;
  secondFactorRefused: number;
  secondFactorTimedOut: number;
  /** The gateway went away while it was asked. */
  secondFactorAbandoned: number;
  /** Logins with a password that were completed. */
  completed: number;
  /** Sessions that were taken up again with what a soft restart had left. */
  resumed: number;
  /** Tokens of soft restarts that were turned down. */
  tokensRefused: number;
  /** Sessions that ended with a logout. */
  logouts: number;
  /** Sessions that ended in order to be taken up again: soft restart, PAUSE. */
  paused: number;
  /** Sessions whose connection broke without either. */
  lost: number;
  /** Sessions or logins that made way for another session. */
  gaveWay: number;
  /** Sessions that are open now. */
  open: number;
}

export function noCounts(): Counts {
  return {
    connections: 0,
    unreachable: 0,
    attempts: 0,
    refused: 0,
    lockOuts: 0,
    secondFactorAsked: 0,
    secondFactorAnswered: 0,
    secondFactorRefused: 0,
    secondFactorTimedOut: 0,
    secondFactorAbandoned: 0,
    completed: 0,
    resumed: 0,
    tokensRefused: 0,
    logouts: 0,
    paused: 0,
    lost: 0,
    gaveWay: 0,
    open: 0,
  };
}

/** What a gateway wants, its first message. */
export type Greeting = { user: string; mode: Mode } & (
  | { type: 'login'; password: string }
  | { type: 'resume'; token: string }
);
export type Hello = Greeting & { wish: Partial<Policy> };

export type ToIbkr =
  | Hello
  /** The gateway's behaviour has changed. */
  | { type: 'wish'; wish: Partial<Policy> }
  | { type: 'device'; device: string }
  | { type: 'existing-session'; action: 'continue' | 'end' }
  | { type: 'relogin' }
  | { type: 'pause' }
  | { type: 'logout' };

export type FromIbkr =
  | { type: 'refused'; refusal: Policy['refusal']; text: string }
  | { type: 'locked-out'; text: string }
  | { type: 'token-refused'; text: string }
  | { type: 'existing-session' }
  /** Several devices: one of them is to be chosen. */
  | { type: 'devices'; devices: readonly string[] }
  | { type: 'second-factor' }
  | { type: 'second-factor-over'; how: 'answered' | 'refused' | 'timed-out' }
  | { type: 'logged-in' }
  | { type: 'token'; token: string }
  | { type: 'link'; up: boolean }
  /** Another session of the user has taken over. */
  | { type: 'taken-over' };

/** What tests and people ask; the answer is one line too. */
export type Question =
  | { type: 'counts' }
  | { type: 'policy'; user: string; policy: Partial<Policy> }
  | { type: 'reset'; user: string };
