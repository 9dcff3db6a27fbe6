/** Whether a restart goes on with the session of a gateway, or has to log in. Pure. */

export interface SessionRestart {
  /** IBC is told to keep the session, so that IBKR should not ask for a second factor. */
  kept: boolean;
  /** Why not; one clause. */
  why: string;
}

export function restartOf({
  session,
  coming,
  loggedIn,
  newLogin,
}: {
  /** Of the container that runs; empty: none outlives it. */
  session: string;
  /** Of the one that comes. */
  coming: string;
  /** Each half. */
  loggedIn: readonly boolean[];
  newLogin: boolean;
}): SessionRestart {
  const lost = (why: string) => ({ kept: false, why });
  if (session === '') return lost('this image, as it runs, keeps no session');
  if (newLogin) return lost('a new login was asked for, or its password was set anew');
  if (session !== coming) return lost('its user, mode or settings directory changed');
  if (!loggedIn.every(Boolean)) return lost('not all of it is logged in');
  return { kept: true, why: '' };
}

/** For people, before it is done. */
export function describeRestart({ kept, why }: SessionRestart): string {
  return kept
    ? 'its session is kept, no second factor expected'
    : `a new login, which may ask for a second factor (${why})`;
}

/** Of one that does not run. */
export const NOT_RUNNING: SessionRestart = { kept: false, why: 'it does not run' };
