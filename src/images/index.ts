/** The images ibq knows: one file each, one row here. */

import { gnzsnz } from './gnzsnz.ts';
import type { Profile, ProfileId } from './profile.ts';
import { simulator } from './simulator.ts';

const PROFILES: Readonly<Record<ProfileId, Profile>> = { gnzsnz, simulator };

/** For messages and schemas, in the order of the table. */
export const PROFILE_IDS: readonly string[] = Object.keys(PROFILES);

export function profileOf(id: ProfileId): Profile {
  return PROFILES[id];
}

/**
 * The configuration key that stands for a variable of some known image; `null` where there is none.
 * People know their image's names, and write them where ibq's belong.
 */
export function keyOfVariable(variable: string): string | null {
  for (const profile of Object.values(PROFILES)) {
    if (Object.hasOwn(profile.ownedVariables, variable)) {
      return profile.ownedVariables[variable] ?? null;
    }
  }
  return null;
}
