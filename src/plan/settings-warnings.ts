/** What a plan should be told about files and settings before it is carried out. Pure. */

import type { Config, Instance } from '../config/types.ts';
import { profileFor, profileOf } from '../images/index.ts';
import type { ProfileId } from '../images/profile.ts';
import { volumeName } from '../quadlet/render-instance.ts';
import type { HostFacts } from './facts.ts';
import type { Manifest, ManifestInstance } from './manifest.ts';

export function settingsWarnings(
  { instances }: Config,
  { ownFiles }: Pick<HostFacts, 'ownFiles'>,
  manifest: Manifest | null,
): string[] {
  return instances.flatMap((instance) => {
    const path = instance.settings.custom_config.ibc;
    const file = path === null ? undefined : ownFiles.get(path);
    const before = manifest?.instances[instance.name];
    return [
      ...(file?.kind === 'text' && file.forAll
        ? [`${path} holds a password and every user may read it; run "sudo chmod 600 ${path}"`]
        : []),
      ...(instance.settings.login_attempts === 0
        ? [
            `${instance.file}: login_attempts: is 0: after a refused login IBC tries again for ever, until IBKR locks the user`,
          ]
        : []),
      ...(before ? [...newOwner(instance, before), ...newUser(instance, before)] : []),
    ];
  });
}

/** Podman gives a volume to the image's user once, when it is new. */
function newOwner(instance: Instance, before: ManifestInstance): string[] {
  const { name } = instance;
  const profile = profileFor(instance);
  const old = userOf(before);
  const now = profile.user(instance.settings);
  if (profile.settingsVolume(instance) === null) return [];
  const [was, is] = [old, now].map((user) => (user ? `${user.uid}:${user.gid}` : null));
  if (was === is) return [];
  const owner = is ?? `a user of its own ("ibq exec ${name} -- id" tells which)`;
  const mend =
    is === null
      ? 'give it to that user'
      : `with it stopped, run "sudo chown -R ${is} $(sudo podman volume inspect -f '{{.Mountpoint}}' ${volumeName(name)})"`;
  return [
    `${name} will run as ${owner}, and its settings belong to ${was ?? 'the user of another image'}: it can't save them, and each start is a full login; ${mend}`,
  ];
}

/** Nothing tells whose password it is that Podman keeps: a wrong one is an attempt at somebody's account. */
function newUser({ name, user, paperUser }: Instance, { inputs }: ManifestInstance): string[] {
  const changed = [
    { key: 'user', secret: 'password', old: inputs.user, now: user },
    { key: 'paper_user', secret: 'paper_password', old: inputs.paper_user, now: paperUser },
  ].filter(({ old, now }) => old !== undefined && now !== null && old !== now);
  return changed.map(
    ({ key, secret, old, now }) =>
      `${name}: ${key} was ${old}, is ${now}: the ${secret} in store is the former one's, unless you have set it anew: sudo ibq secret set ${name} ${secret}`,
  );
}

function userOf({ profile, inputs }: ManifestInstance) {
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return profileOf(profile as ProfileId)?.user({
    uid: number(inputs.uid),
    gid: number(inputs.gid),
  });
}
