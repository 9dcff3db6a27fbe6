/** `secrets` of an instance: each variable free, each KEY its own. */

import { SECRET_KEY } from '../images/free-secrets.ts';
import { ownedVariable, profileOf } from '../images/index.ts';
import type { Profile } from '../images/profile.ts';
import { type Layer, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { show, showKey } from './text.ts';
import type { Instance } from './types.ts';

/** Of the tunnel, which is this host's (src/ssh/secrets.ts), or the image's. */
const OF_TUNNEL: readonly string[] = ['ssh_key', 'ssh_passphrase', 'ssh_known_hosts'];

export function checkSecrets(
  { name, settings, profile: id }: Instance,
  profile: Profile,
  layers: readonly Layer[],
  report: Report,
): void {
  const free = Object.values(settings.secrets);
  const ofImage = (id === 'custom' ? profile : profileOf(id)).secrets.filter(
    ({ as }) => as.kind === 'mount' || !Object.hasOwn(settings.secrets, as.variable),
  );
  for (const layer of layers) {
    const place = placeOf({ ...layer, id: 'secrets' });
    const own = (layer.values.get('secrets') ?? {}) as Readonly<Record<string, string>>;
    for (const [variable, key] of Object.entries(own)) {
      const refuse = (message: string) =>
        report.problem({ file: place.file, key: `${place.key}.${showKey(variable)}`, message });
      const owned = ownedVariable(profile, variable);
      const known = profileOf(id).secrets.find(
        ({ as }) =>
          as.kind !== 'mount' &&
          [variable, `${variable}_FILE`, variable.replace(/_FILE$/, '')].includes(as.variable),
      );
      if (known) {
        refuse(
          `is a secret by itself: leave it out, and run "sudo ibq secret set ${name} ${known.key}"`,
        );
      } else if (owned) {
        refuse(
          owned.key === null
            ? 'is set by ibq'
            : `is set by ibq; use the key ${show(owned.key)} instead`,
        );
      } else if (!SECRET_KEY.test(key)) {
        refuse(`should be a KEY of a-z, 0-9 and "_" such as "totp", got ${show(key)}`);
      } else if (OF_TUNNEL.includes(key) || ofImage.some((it) => it.key === key)) {
        refuse(`should have a KEY of its own, ${key} is another secret of the instance`);
      } else if (free.filter((it) => it === key).length > 1) {
        refuse(`should have a KEY of its own, ${key} is that of another variable too`);
      }
    }
  }
}
