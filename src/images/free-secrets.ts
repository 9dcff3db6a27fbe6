/** `secrets` of an instance: values for variables that its profile does not know, kept in Podman like all others. */

import type { Instance } from '../config/types.ts';
import type { ProfileSecret } from './profile.ts';

/** Part of the name of a Podman secret, `ibq-NAME-KEY`. */
export const SECRET_KEY = /^[a-z0-9][a-z0-9_]{0,62}$/;

/** A variable that ends in `_FILE` names a file; how the image reads what is in it is not known, so nothing is changed. */
export function freeSecrets(secrets: Instance['settings']['secrets']): ProfileSecret[] {
  return Object.entries(secrets).map(([variable, key]) => ({
    key,
    title: `value of ${variable}`,
    as: { kind: variable.endsWith('_FILE') ? 'file' : 'environment', variable },
    wanted: () => 'required',
    problem: () => null,
    encode: (value) => value,
  }));
}

/** The KEY that a variable is given where nobody chose one. */
export function freeKey(variable: string): string {
  const key = variable
    .toLowerCase()
    .replace(/_file$/, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 63);
  return SECRET_KEY.test(key) ? key : 'secret';
}
