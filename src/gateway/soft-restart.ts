/** A soft restart as IBC does it: what its command server answers, and how far it is by the log. Pure. */

import { parseLogLine } from './log-line.ts';

export type CommandAnswer =
  /** `at`: `09:41 AM` where the gateway has no restart of its own and IBC sets its daily time for it. */
  { kind: 'accepted'; at: string | null } | { kind: 'refused'; text: string };

/** @param text lines of `OK …`, `ERROR …` and `INFO …` (IBC 3.24, RestartTask) @returns null: nobody answered */
export function readCommandAnswer(text: string): CommandAnswer | null {
  const lines = text.split(/\r?\n/);
  const error = lines.find((line) => line.startsWith('ERROR'));
  if (error !== undefined) return { kind: 'refused', text: error.replace(/^ERROR\s*/, '') };
  if (!lines.some((line) => line.startsWith('OK'))) return null;
  const at = lines.map((line) => /^OK RESTART at (.+)$/.exec(line)?.[1]).find(Boolean);
  return { kind: 'accepted', at: at?.trim() ?? null };
}

/** How far a soft restart is: a state that each line of the log takes a step further. */
export interface SoftRestart {
  /** Gateways that have heard the command, of those that were told. */
  heard: number;
  /** Gateways that have logged in since. */
  logins: number;
  /** One logs in as after any start, not with what the soft restart left for it. */
  full: boolean;
  /** What makes it plain that none will log in; null: nothing does. */
  failed: string | null;
}

export const SOFT_RESTART_TOLD: SoftRestart = { heard: 0, logins: 0, full: false, failed: null };

/** @param line of the container's log, written after the command was sent */
export function stepSoftRestart(state: SoftRestart, line: string, profile = ''): SoftRestart {
  const event = parseLogLine(line, profile);
  switch (event?.kind) {
    case 'command':
      return event.verb === 'RESTART' ? { ...state, heard: state.heard + 1 } : state;
    case 'login-completed':
      return state.heard === 0 ? state : { ...state, logins: state.logins + 1, failed: null };
    // A session that is taken up again sends no login (IBC 3.24, AbstractLoginHandler).
    case 'login-attempt':
    case 'cold-restart':
      return { ...state, full: true };
    case 'locked-out':
      return { ...state, failed: event.text };
    case 'login-failed':
      // The first refusal is that of the session which was left; a full login comes after it.
      return state.full ? { ...state, failed: event.text || 'IBKR refused the login' } : state;
    default:
      return state;
  }
}
