/** The images ibq knows: one file each, one row here. */

import type { Instance } from '../config/types.ts';
import { customProfile } from './custom.ts';
import { danklabs } from './danklabs.ts';
import { danklabsHost } from './danklabs-host.ts';
import { danklabsTws } from './danklabs-tws.ts';
import { freeSecrets } from './free-secrets.ts';
import { gnzsnz } from './gnzsnz.ts';
import { gnzsnzTws } from './gnzsnz-tws.ts';
import { ibgController } from './ibg-controller.ts';
import type { Profile, ProfileId } from './profile.ts';
import { simulator } from './simulator.ts';

/** `custom` as it is with nothing said. */
const unsaid = customProfile({
  live_port: 4003,
  paper_port: 4004,
  vnc_port: null,
  settings_path: null,
  password_as: 'environment',
  user: null,
  command: [],
  tmpfs: [],
  devices: [],
  capabilities: [],
  variables: {},
});

const PROFILES: Readonly<Record<ProfileId, Profile>> = {
  gnzsnz,
  'gnzsnz-tws': gnzsnzTws,
  danklabs,
  'danklabs-tws': danklabsTws,
  'danklabs-host': danklabsHost,
  'ibg-controller': ibgController,
  custom: unsaid,
  simulator,
};

/** For messages and schemas, in the order of the table. */
export const PROFILE_IDS: readonly ProfileId[] = Object.keys(PROFILES) as ProfileId[];

/** What holds of every instance of a profile. Of `custom` that is little: see `profileFor`. */
export function profileOf(id: ProfileId): Profile {
  return PROFILES[id];
}

/** The profile of one instance: that of `custom` is made from its settings, and any may have secrets of the user's own. */
export function profileFor({ profile, settings }: Pick<Instance, 'profile' | 'settings'>): Profile {
  const known = profile === 'custom' ? customProfile(settings.custom) : PROFILES[profile];
  const own = freeSecrets(settings.secrets);
  return own.length === 0 ? known : { ...known, secrets: [...known.secrets, ...own] };
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

/** Keys that reach the image, as a variable or in another way. The same for every instance of a profile. */
export function followedKeys(profile: Profile): ReadonlySet<string> {
  const known = followed.get(profile);
  if (known !== undefined) return known;
  const keys = new Set([...profile.variables.flatMap((it) => it.keys), ...profile.follows]);
  followed.set(profile, keys);
  return keys;
}
const followed = new WeakMap<Profile, ReadonlySet<string>>();

/** Keys that every instance may set, or that have checks of their own. */
const EVERYWHERE =
  /^(?:mode|user|port|ssh\..*|vnc\.port|read_only|user_namespace|supervisor\.enabled)$/;

/** Keys that only some images can follow. */
export const IMAGE_KEYS: ReadonlySet<string> = new Set(
  Object.values(PROFILES)
    .flatMap((profile) => [...followedKeys(profile)])
    .filter((id) => !EVERYWHERE.test(id)),
);
