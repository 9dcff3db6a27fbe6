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

/** `full`: a gateway logs in as after any start, not with what the soft restart left for it. */
export type SoftRestart =
  | { kind: 'under-way'; full: boolean }
  /** Every half has logged in again. */
  | { kind: 'logged-in'; full: boolean }
  | { kind: 'failed'; why: string };

/**
 * @param lines of the container's log, oldest first
 * @param halves how many gateways were told to restart
 */
export function followSoftRestart(lines: readonly string[], halves: number): SoftRestart {
  const told = lines.flatMap((line, index) =>
    /CommandServer received command: RESTART/i.test(line) ? [index] : [],
  );
  const since = told.at(-halves);
  // The journal is a moment behind.
  if (since === undefined) return { kind: 'under-way', full: false };
  let logins = 0;
  let full = false;
  for (const line of lines.slice(since)) {
    const event = parseLogLine(line);
    if (event?.kind === 'login-completed') logins++;
    if (event?.kind === 'full-authentication') full = true;
    if (event?.kind === 'locked-out' || event?.kind === 'login-failed') {
      return { kind: 'failed', why: event.text || 'IBKR refused the login' };
    }
  }
  return { kind: logins >= halves ? 'logged-in' : 'under-way', full };
}
