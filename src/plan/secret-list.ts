/** The secrets of the instances: which are wanted, which are there, and which are left from before. */

import type { Instance } from '../config/types.ts';
import { type Profile, secretName } from '../images/profile.ts';
import { type Secret, secretsOfInstance } from '../ssh/secrets.ts';

export interface ListedSecret {
  instance: string;
  key: string;
  /** What it is. */
  title: string;
  /** `unused`: Podman has it, and nothing uses it as things are configured. */
  wanted: ReturnType<Secret['wanted']>;
  set: boolean;
}

/**
 * In order of instance; what is left over comes last.
 *
 * @param present names of all Podman secrets @param others those of instances that are not among these, too
 */
export function listSecretsOf(
  instances: readonly Instance[],
  present: ReadonlySet<string>,
  { profileFor, others }: { profileFor: (instance: Instance) => Profile; others: boolean },
): ListedSecret[] {
  const known = instances.flatMap((instance) =>
    secretsOfInstance(profileFor(instance), instance).map(
      ({ key, title, wanted }): ListedSecret => ({
        instance: instance.name,
        key,
        title,
        wanted: wanted(instance),
        set: present.has(secretName(instance.name, key)),
      }),
    ),
  );
  const listed = new Set(known.map(({ instance, key }) => secretName(instance, key)));
  const names = new Set<string>(instances.map(({ name }) => name));
  const left = [...present].sort().flatMap((name): ListedSecret[] => {
    // Neither an instance's name nor a key has a `-`.
    const [, instance, key] = /^ibq-([a-z0-9][a-z0-9_]*)-([a-z0-9_]+)$/.exec(name) ?? [];
    if (!instance || !key || listed.has(name)) return [];
    if (!names.has(instance) && !others) return [];
    const title = names.has(instance)
      ? 'left from another image'
      : 'left from an instance that is not configured';
    return [{ instance, key, title, wanted: 'unused', set: true }];
  });
  return [...known.filter(({ wanted, set }) => wanted !== 'unused' || set), ...left];
}
