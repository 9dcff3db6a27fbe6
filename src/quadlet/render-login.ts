/** `login/NAME` of a generation: what `scripts/login-guard` has to know of an instance. */

import type { Instance } from '../config/types.ts';
import { IBC_REFUSALS } from '../gateway/login-refusals.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import { definitionHash } from './render-instance.ts';
import type { OwnFileNames } from './render-settings.ts';

export function renderLogin(profile: Profile, instance: Instance, own: OwnFileNames): string {
  const { gateway } = profile.ports(instance);
  const halves = halvesOf(instance.mode).map((half) => `${half}:${gateway[half]}`);
  return [
    `# The cap on refused logins of ${instance.name}. Written by ibq, read by ibq-login-guard@${instance.name}.service.`,
    `attempts=${instance.settings.login_attempts}`,
    `login=${loginHash(instance, own)}`,
    `halves=${halves.join(' ')}`,
    ...IBC_REFUSALS.map(([key, pattern]) => `${key}=${pattern}`),
    '',
  ].join('\n');
}

/** Who logs in, as far as no secret says it: with another user a refusal is over. */
export function loginHash(
  { mode, user, paperUser, settings }: Instance,
  own: OwnFileNames,
): string {
  const ibc = Object.entries(settings.ibc)
    .filter(([key]) => /^(?:IbLoginId|IbPassword|TradingMode|IbDir|FIX\w*)$/i.test(key))
    .sort();
  return definitionHash([mode, user, paperUser, settings.user_secret, ibc, own.ibc]);
}
