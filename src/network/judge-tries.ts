/** What the outcomes of the tries say. Pure. */

import type { Try, TryId } from './reachability.ts';

/** `closed`: accepted, and ended without a word of the API; `silent`: accepted, and nothing came. */
export type Actual = 'ok' | 'refused' | 'dropped' | 'unreachable' | 'closed' | 'silent';

/** Only those that leave and enter by the host: another firewall there may refuse instead of dropping. */
const THROUGH_THE_HOST: ReadonlySet<TryId> = new Set([
  'host-loopback',
  'host-address',
  'neighbour',
  'routed',
  'container',
]);
/** What a way in over the LAN proves only while the LAN carries something at all. */
const OVER_THE_LAN: ReadonlySet<TryId> = new Set(['lan-other', 'lan-ipv6', 'sibling-lan']);

export interface Outcome {
  actual: Actual;
  /** One sentence for people. */
  detail: string;
  /** Milliseconds. */
  ms: number;
}

export interface Judged extends Omit<Try, 'vantage' | 'skipped'> {
  actual: Actual | null;
  result: 'pass' | 'fail' | 'skipped';
  detail: string;
  ms: number | null;
}

/**
 * @param outcomes in the order of `tries`; null: skipped, or no answer from where it was tried
 * @param lanBroken why nothing can pass over the LAN now; null: it is up
 */
export function judgeTries(
  tries: readonly Try[],
  outcomes: readonly (Outcome | null)[],
  lanBroken: string | null,
): Judged[] {
  const tried = tries.map((it, index) => ({ it, outcome: outcomes[index] ?? null }));
  // An allowed client that finds no way shows that the one who is not allowed was not kept out by rules.
  const deaf = tried.some(
    ({ it, outcome }) =>
      it.id === 'lan-allowed' &&
      it.expected === 'ok' &&
      (outcome?.actual === 'dropped' || outcome?.actual === 'unreachable'),
  );
  return tried.map(({ it, outcome }) => {
    const { vantage, skipped, ...rest } = it;
    const silent = { ...rest, actual: null, ms: null, result: 'skipped' as const };
    if (skipped !== null) return { ...silent, detail: skipped };
    if (outcome === null) {
      return { ...silent, result: 'fail' as const, detail: 'it could not be tried' };
    }
    const told = { ...rest, ...outcome };
    const kept = !gotIn(outcome.actual);
    if (OVER_THE_LAN.has(it.id) && kept && (deaf || lanBroken !== null)) {
      const why = lanBroken ?? 'the allowed client finds no way either';
      return { ...told, result: 'skipped' as const, detail: `proves nothing: ${why}` };
    }
    return { ...told, result: isAsExpected(it, outcome.actual) ? 'pass' : 'fail' };
  });
}

function gotIn(actual: Actual): boolean {
  return actual === 'ok' || actual === 'closed' || actual === 'silent';
}

/**
 * Refused where it should be dropped: by the gateway's own network, so its guard let the packet in
 * and only nothing listened. On the way through the host it may be another firewall's doing.
 */
function isAsExpected({ id, expected }: Try, actual: Actual): boolean {
  if (expected === 'ok' || gotIn(actual)) return actual === expected;
  if (actual === 'refused') return expected === 'refused' || THROUGH_THE_HOST.has(id);
  return true;
}
