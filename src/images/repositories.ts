/** Whose images a reference names: the repositories of each profile, wherever they are mirrored. */

import type { ProfileId } from './profile.ts';

interface Repository {
  /** Its own registries; the first is where it is at home. */
  registries: readonly string[];
  /** A mirror has it under this path too, below its own registry or a directory of it. */
  path: string;
  /** The last are told by their variables alone. */
  profiles: readonly ProfileId[];
}

const REPOSITORIES: readonly Repository[] = [
  { registries: ['ghcr.io', 'docker.io'], path: 'gnzsnz/ib-gateway', profiles: ['gnzsnz'] },
  { registries: ['ghcr.io', 'docker.io'], path: 'gnzsnz/tws-rdesktop', profiles: ['gnzsnz-tws'] },
  {
    registries: ['docker.io'],
    path: 'danklabs/ib-gateway',
    profiles: ['danklabs', 'danklabs-host'],
  },
  { registries: ['docker.io'], path: 'danklabs/ib-tws', profiles: ['danklabs-tws'] },
  {
    registries: ['ghcr.io'],
    path: 'code-hustler-ft3d/ibg-controller',
    profiles: ['ibg-controller'],
  },
];

/** @returns the profiles whose image it is, or a mirror of it; empty: none that ibq knows */
export function profilesOfReference(reference: string): readonly ProfileId[] {
  const repository = repositoryOf(reference);
  return (
    REPOSITORIES.find(({ path }) => repository === path || repository.endsWith(`/${path}`))
      ?.profiles ?? []
  );
}

/** `ghcr.io/gnzsnz/ib-gateway:stable@sha256:…` → `ghcr.io/gnzsnz/ib-gateway`; the port of a registry stays. */
function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

/**
 * What is odd about an image of another repository than the profile's; null: nothing. Images that were built here
 * and those of profile `custom` may have any name.
 */
export function foreignReference(profile: ProfileId, reference: string): string | null {
  if (profile === 'custom' || reference.startsWith('localhost/')) return null;
  const profiles = profilesOfReference(reference);
  if (profiles.includes(profile)) return null;
  if (profiles.length > 0) {
    const right = profiles.map((id) => JSON.stringify(id)).join(' or ');
    return `is an image of profile ${right}, and image.profile is "${profile}": its ports, variables and user are others; set image.profile to ${right}`;
  }
  const own = REPOSITORIES.filter((it) => it.profiles.includes(profile));
  const homes = own.flatMap(({ registries, path }) => registries.map((it) => `${it}/${path}`));
  const [first] = own;
  if (first === undefined) {
    return `should be an image below localhost/, as profile ${profile} has it`;
  }
  return (
    `is none of the images that profile ${profile} is for (${homes.join(', ')}): nothing says that its ports, variables and ` +
    `user are the same; a mirror is known by a path that ends in ${first.path}, and profile "custom" takes any image`
  );
}
