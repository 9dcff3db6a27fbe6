/**
 * What ibq has to know about an image: a profile is data plus a few pure functions, one file each.
 * `docs/images.md` says where each fact was read.
 */

import type { Instance, TradingMode } from '../config/types.ts';

/** Profiles that exist today. A new image is a new file beside this one and a row in `index.ts`. */
export type ProfileId = 'gnzsnz' | 'simulator';

/** A value that reaches the container as a mounted file, never as text in a unit. */
export interface ProfileSecret {
  /** KEY of `ibq secret set NAME KEY`; the Podman secret is `ibq-NAME-KEY`. */
  key: string;
  /** What it is, for prompts and messages: `password of the IB user`. */
  title: string;
  /** Environment variable of the image that names the file. */
  fileVariable: string;
  /** Without it the instance cannot log in: a deploy refuses. */
  required: boolean;
  /** What the image's reader can't be given: `should …`; null: fine. */
  problem: (value: string) => string | null;
  /** How the image's reader needs the value written (IBC: Java Properties). */
  encode: (value: string) => string;
}

export interface Profile {
  id: ProfileId;
  title: string;
  /** Image used where the configuration names none. */
  defaultImage: string;
  /** Port on which the container listens on all addresses, by trading mode. */
  relayPort: Readonly<Record<TradingMode, number>>;
  /** User and group the image's process runs as; secrets are owned by it. */
  uid: number;
  gid: number;
  /** Where the settings volume is mounted. One volume an instance. */
  settingsVolume: string;
  secrets: readonly ProfileSecret[];
  /** The image's environment for an instance, without the secrets and the user's own `environment`. */
  environment: (instance: Instance) => Record<string, string>;
  /**
   * Environment names the profile owns: refused in the user's `environment`, with the configuration
   * key to use instead; `null` where ibq sets it and there is nothing to choose.
   */
  ownedVariables: Readonly<Record<string, string | null>>;
}

/** Name of the Podman secret of an instance. */
export function secretName(instance: string, key: string): string {
  return `ibq-${instance}-${key}`;
}
