/** Which numbers of the host the users of each instance get. Pure; given once, as addresses are. */

import { FIRST_ID, IDS_PER_INSTANCE, LAST_ID } from '../quadlet/user-namespace.ts';

/** Numbers of users or groups, both ends among them. */
export interface IdRange {
  first: number;
  last: number;
}

export interface IdBasesInput {
  instances: readonly string[];
  /** As the installed generation has them, by instance. */
  previous: ReadonlyMap<string, number>;
  /** Of user namespaces that run now, by instance: a lost manifest must not give two the same. */
  held: ReadonlyMap<string, number>;
  /** What somebody else has: /etc/subuid and /etc/subgid, users and groups. */
  taken: readonly IdRange[];
}

/**
 * The lowest free ones in the order of the instances' names.
 * @returns the host's number of the container's root by instance; one that gets none is not in it
 */
export function planIdBases({
  instances,
  previous,
  held,
  taken,
}: IdBasesInput): Map<string, number> {
  const known = new Map<string, number>();
  const used = new Set<number>();
  const names = [...instances].sort();
  for (const bases of [held, previous]) {
    for (const name of names) {
      const base = bases.get(name);
      if (base === undefined || known.has(name) || used.has(base)) continue;
      known.set(name, base);
      used.add(base);
    }
  }
  // Others that run, on their way out.
  for (const base of held.values()) used.add(base);
  const planned = new Map<string, number>();
  let next = FIRST_ID;
  for (const name of names) {
    const base = known.get(name) ?? nextFree();
    if (base === null) continue;
    planned.set(name, base);
  }
  return planned;

  function nextFree(): number | null {
    for (; next + IDS_PER_INSTANCE - 1 <= LAST_ID; next += IDS_PER_INSTANCE) {
      if (used.has(next) || isTaken(next)) continue;
      used.add(next);
      return next;
    }
    return null;
  }

  function isTaken(base: number): boolean {
    return taken.some(({ first, last }) => first < base + IDS_PER_INSTANCE && last >= base);
  }
}

/** Ranges of /etc/subuid or /etc/subgid: `NAME:FIRST:COUNT`. */
export function parseSubordinate(text: string): IdRange[] {
  return [...text.matchAll(/^[^:#\n]+:(\d+):(\d+)[ \t]*$/gm)].flatMap(([, first, count]) => {
    const range = { first: Number(first), last: Number(first) + Number(count) - 1 };
    return range.last < range.first ? [] : range;
  });
}

/** Numbers of /etc/passwd or /etc/group: `NAME:x:NUMBER:…`. */
export function parseAccounts(text: string): IdRange[] {
  return [...text.matchAll(/^[^:\n]+:[^:\n]*:(\d+):/gm)].map(([, id]) => {
    return { first: Number(id), last: Number(id) };
  });
}

/** The first row of /proc/PID/uid_map where it is a namespace of ibq's; null: it is none. */
export function parseIdBase(text: string): number | null {
  const [, inside, outside, count] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(text) ?? [];
  if (inside !== '0' || Number(count) !== IDS_PER_INSTANCE) return null;
  return Number(outside);
}
