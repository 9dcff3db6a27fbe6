/** The image of an instance: which it is, what its profile can't do, and the user's own variables for it. */

import { freeKey } from '../images/free-secrets.ts';
import { followedKeys, IMAGE_KEYS, ownedVariable, profileFor, profileOf } from '../images/index.ts';
import type { ImageFinding, Profile, ProfileId } from '../images/profile.ts';
import { foreignReference } from '../images/repositories.ts';
import { tunnelFindings } from '../images/ssh.ts';
import { checkCustom } from './custom.ts';
import { complain, isBroken, type Layer, lookup, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { looksSecret } from './secret-like.ts';
import { checkSecrets } from './secrets.ts';
import { builtIn } from './settings.ts';
import { show, showKey } from './text.ts';
import type { Instance, InstanceName, NetworkMode, Settings } from './types.ts';

/** An instance's own profile does not take the reference that the host sets for another profile. */
export function resolveImage(
  own: Layer,
  host: Layer,
  settings: Settings,
  report: Report,
): { profile: Profile; image: string } {
  const hostProfile = host.values.get('image.profile') ?? builtIn('image.profile');
  const id = (own.values.get('image.profile') ?? hostProfile) as ProfileId;
  const inherited = id === hostProfile ? host.values.get('image.reference') : undefined;
  const image = own.values.get('image.reference') ?? inherited ?? profileOf(id).defaultImage;
  if (image === null && !isBroken('image.reference', [own, host])) {
    const message = `should be set: profile ${id} has no image of its own`;
    report.problem({ file: own.file, key: 'image.reference', message });
  }
  warnOfForeign(id, own, host, inherited === undefined, report);
  return { profile: profileFor({ profile: id, settings }), image: String(image) };
}

/** Told where the reference stands: an image of another repository may want other variables, and have other ports. */
function warnOfForeign(
  id: ProfileId,
  own: Layer,
  host: Layer,
  ownAlone: boolean,
  report: Report,
): void {
  const at = lookup('image.reference', ownAlone ? [own] : [own, host]);
  const message = at === null ? null : foreignReference(id, String(at.value));
  if (at !== null && message !== null) report.warn({ ...placeOf(at), message });
}

/** `[defaults]` first, the instance's own over it; `null` after a problem. */
export function resolveEnvironment(
  layers: readonly Layer[],
  profile: Profile,
  name: InstanceName,
  report: Report,
): Record<string, string> | null {
  const merged = new Map<string, string>();
  let legal = true;
  for (const layer of layers.toReversed()) {
    const variables = (layer.values.get('environment') ?? {}) as Record<string, string>;
    for (const [variable, value] of Object.entries(variables)) {
      merged.set(variable, value);
      const refusal = refuseVariable(variable, profile, name);
      const place = placeOf({ id: 'environment', origin: layer.origin, file: layer.file });
      const at = { file: place.file, key: `${place.key}.${showKey(variable)}` };
      if (refusal !== null) {
        report.problem({ ...at, message: refusal });
        legal = false;
      } else if (!variable.endsWith('_FILE') && looksSecret(variable, value)) {
        const key = freeKey(variable);
        const message = `looks like a secret, and stands in a file and a unit; secrets = { ${variable} = ${show(key)} } keeps it in Podman`;
        report.warn({ ...at, message });
      }
    }
  }
  return legal ? Object.fromEntries(merged) : null;
}

function refuseVariable(variable: string, profile: Profile, name: InstanceName): string | null {
  const owned = ownedVariable(profile, variable);
  if (owned?.reason) return owned.reason + (owned.key ? `; use the key ${show(owned.key)}` : '');
  if (owned?.key) return `is set by ibq; use the key ${show(owned.key)} instead`;
  if (owned) return 'is set by ibq';
  const secret = profile.secrets.find(
    ({ as }) =>
      as.kind !== 'mount' && (variable === as.variable || `${variable}_FILE` === as.variable),
  );
  if (secret) return `should not stand in a file; run "sudo ibq secret set ${name} ${secret.key}"`;
  if (/PASSWORD|PASSWD|PASSPHRASE/i.test(variable)) {
    const key = freeKey(variable);
    return `should not stand in a file: write secrets = { ${variable} = ${show(key)} }, then run "sudo ibq secret set ${name} ${key}"`;
  }
  return null;
}

/** What the image can't do. What `[defaults]` ask of all is left out where an image can't. */
export function checkProfile(
  instance: Instance,
  profile: Profile,
  own: Layer,
  layers: readonly Layer[],
  report: Report,
): void {
  const { mode, settings } = instance;
  const followed = followedKeys(profile);
  for (const id of own.values.keys()) {
    if (!IMAGE_KEYS.has(id) || followed.has(id)) continue;
    const how = profile.id === 'custom' ? ' without a variable in custom.variables' : '';
    const why = profile.unfollowed?.[id];
    const message = `has no effect on images of profile ${profile.id}${how}${why ? `: ${why}` : ''}; leave it out`;
    report.problem({ file: own.file, key: id, message });
  }
  if (!profile.modes.includes(mode)) {
    const modes = profile.modes.map(show).join(' or ');
    const message = `should be ${modes} with profile ${profile.id}, got ${show(mode)}; make two instances instead`;
    complain(lookup('mode', layers), message, report);
  }
  const ports = profile.ports(instance);
  for (const service of ['vnc', 'rdp', 'supervisor'] as const) {
    if (!settings[service].enabled || ports[service] !== null) continue;
    const message = `should be false: images of profile ${profile.id} have none`;
    complain(lookup(`${service}.enabled`, layers), message, report);
  }
  const findings = [
    ...(profile.findings?.(instance) ?? []),
    ...tunnelFindings(instance, profile),
    ...generalFindings(instance, profile),
  ];
  for (const { kind, key, message } of findings) {
    const at = lookup(key, layers);
    const place = at === null ? { file: own.file, key } : placeOf(at);
    if (kind === 'problem') report.problem({ ...place, message });
    else report.warn({ ...place, message });
  }
  checkSecrets(instance, profile, layers, report);
  if (profile.id === 'custom') checkCustom(instance, layers, report);
}

/** What has nothing to do with one image alone. */
function generalFindings(instance: Instance, profile: Profile): ImageFinding[] {
  const { mode, user, paperUser, settings } = instance;
  const found: ImageFinding[] = [];
  for (const [key, value] of [
    ['user', user],
    ['paper_user', paperUser],
  ] as const) {
    if (!settings.user_secret || value === null) continue;
    const message = `should be left out with user_secret = true; run "sudo ibq secret set ${instance.name} ${key}"`;
    found.push({ kind: 'problem', key, message });
  }
  if (paperUser !== null && mode !== 'both') {
    const message = `has no effect in mode ${show(mode)}; leave it out`;
    found.push({ kind: 'problem', key: 'paper_user', message });
  }
  if (settings.read_only && !profile.container.readOnly) {
    const message = `should be false: images of profile ${profile.id} write into their own file system`;
    found.push({ kind: 'problem', key: 'read_only', message });
  }
  const { shm } = profile.container;
  if (shm !== null && settings.shm_size !== null && settings.shm_size < shm) {
    const message = `${settings.shm_size} MB is less than the ${shm} MB that images of profile ${profile.id} need`;
    found.push({ kind: 'warning', key: 'shm_size', message });
  }
  return found;
}

/** Whether the images of the instances work in the network's mode. */
export function checkNetworks(
  instances: readonly Instance[],
  mode: NetworkMode,
  layers: { host: Layer; instances: readonly { layer: Layer }[] },
  report: Report,
): void {
  for (const instance of instances) {
    const { networks, id } = profileFor(instance);
    if (networks.includes(mode)) continue;
    const own = layers.instances.filter(({ layer }) => layer.file === instance.file);
    const at = lookup('image.profile', [...own.map(({ layer }) => layer), layers.host]);
    const message = `images of profile ${id} need network.mode = ${networks.map(show).join(' or ')}, got ${show(mode)}`;
    const place = at === null ? { file: instance.file, key: 'image.profile' } : placeOf(at);
    report.problem({ ...place, message });
  }
}
