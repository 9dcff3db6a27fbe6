/** The image of an instance: which it is, what its profile can't do, and the user's own variables for it. */

import { imageKeys, ownedVariable, profileOf } from '../images/index.ts';
import type { Profile, ProfileId } from '../images/profile.ts';
import { complain, isBroken, type Layer, lookup, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { builtIn } from './settings.ts';
import { show, showKey } from './text.ts';
import type { Instance, InstanceName } from './types.ts';

/** An instance's own profile does not take the reference that the host sets for another profile. */
export function resolveImage(
  own: Layer,
  host: Layer,
  report: Report,
): { profile: Profile; image: string } {
  const hostProfile = host.values.get('image.profile') ?? builtIn('image.profile');
  const id = (own.values.get('image.profile') ?? hostProfile) as ProfileId;
  const profile = profileOf(id);
  const inherited = id === hostProfile ? host.values.get('image.reference') : undefined;
  const image = own.values.get('image.reference') ?? inherited ?? profile.defaultImage;
  if (image === null && !isBroken('image.reference', [own, host])) {
    const message = `should be set: profile ${id} has no image of its own`;
    report.problem({ file: own.file, key: 'image.reference', message });
  }
  return { profile, image: String(image) };
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
      if (refusal === null) continue;
      const place = placeOf({ id: 'environment', origin: layer.origin, file: layer.file });
      report.problem({
        file: place.file,
        key: `${place.key}.${showKey(variable)}`,
        message: refusal,
      });
      legal = false;
    }
  }
  return legal ? Object.fromEntries(merged) : null;
}

function refuseVariable(variable: string, profile: Profile, name: InstanceName): string | null {
  const secret = profile.secrets.find(
    ({ as }) =>
      as.kind !== 'mount' && (variable === as.variable || `${variable}_FILE` === as.variable),
  );
  if (secret) return `should not stand in a file; run "sudo ibq secret set ${name} ${secret.key}"`;
  const owned = ownedVariable(profile, variable);
  if (owned?.key) return `is set by ibq; use the key ${show(owned.key)} instead`;
  if (owned) return owned.reason ?? 'is set by ibq';
  if (/PASSWORD|PASSWD|PASSPHRASE/i.test(variable)) {
    return 'should not stand in a file: it is a secret, and ibq has no place for this one';
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
  const mapped = new Set(profile.variables.flatMap(({ keys }) => keys));
  for (const id of own.values.keys()) {
    if (!imageKeys().has(id) || mapped.has(id)) continue;
    const message = `has no effect on images of profile ${profile.id}; leave it out`;
    report.problem({ file: own.file, key: id, message });
  }
  if (!profile.modes.includes(mode)) {
    const legal = profile.modes.map(show).join(' or ');
    const message = `should be ${legal} with profile ${profile.id}, got ${show(mode)}; make two instances instead`;
    complain(lookup('mode', layers), message, report);
  }
  const ports = profile.ports(instance);
  for (const service of ['vnc', 'rdp', 'supervisor'] as const) {
    if (!settings[service].enabled || ports[service] !== null) continue;
    const message = `should be false: images of profile ${profile.id} have none`;
    complain(lookup(`${service}.enabled`, layers), message, report);
  }
}
