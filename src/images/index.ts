/** The images ibq knows: one file each, one row here. */

import { gnzsnz } from './gnzsnz.ts';
import type { Profile, ProfileId } from './profile.ts';
import { simulator } from './simulator.ts';

const PROFILES: Readonly<Record<ProfileId, Profile>> = { gnzsnz, simulator };

/** For messages and schemas, in the order of the table. */
export const PROFILE_IDS: readonly ProfileId[] = Object.keys(PROFILES) as ProfileId[];

export function profileOf(id: ProfileId): Profile {
  return PROFILES[id];
}

/**
 * The configuration key that stands for a variable of some known image; `null` where there is none.
 * People know their image's names, and write them where ibq's belong.
 */
export function keyOfVariable(variable: string): string | null {
  for (const profile of Object.values(PROFILES)) {
    const known = ownedVariable(profile, variable);
    if (known?.key) return known.key;
  }
  return null;
}

/**
 * What a profile says of a variable that the user's `environment` must leave alone; null: it is free.
 * `key` is the configuration key to use instead, null where there is nothing to choose.
 */
export function ownedVariable(
  profile: Profile,
  variable: string,
): { key: string | null; reason: string | null } | null {
  const refused = profile.refused.find(({ name }) => name === variable);
  if (refused) return { key: refused.key, reason: refused.reason };
  const owned = profile.variables.find(({ name }) => name === variable);
  return owned ? { key: owned.keys[0] ?? null, reason: null } : null;
}

/** Keys that reach some image as a variable; a profile without one for such a key can't follow it. */
export function imageKeys(): ReadonlySet<string> {
  return new Set(
    Object.values(PROFILES).flatMap(({ variables }) => variables.flatMap(({ keys }) => keys)),
  );
}
