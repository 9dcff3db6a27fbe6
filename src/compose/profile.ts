/** Which of the known images a service runs, by its name and by the variables that it is given. */

import type { ProfileId } from '../images/profile.ts';

const BY_REPOSITORY: readonly [RegExp, ProfileId][] = [
  [/(?:^|\/)gnzsnz\/tws-rdesktop$/, 'gnzsnz-tws'],
  [/(?:^|\/)gnzsnz\/ib-gateway$/, 'gnzsnz'],
  [/(?:^|\/)danklabs\/ib-tws$/, 'danklabs-tws'],
  [/(?:^|\/)danklabs\/ib-gateway$/, 'danklabs'],
  [/(?:^|\/)ibq-simulator$/, 'simulator'],
];

/** Only today's image, without a relay, knows these. */
const TODAYS_DANKLABS = [
  'OVERRIDE_TWS_API_PORT',
  'VNC_PORT',
  'COMMAND_SERVER_PORT',
  'IB_USER_FILE',
];

/** @returns null: not a gateway that ibq knows */
export function profileOfService(
  image: string | null,
  environment: ReadonlyMap<string, string>,
): ProfileId | null {
  const repository = (image ?? '').replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const byName = BY_REPOSITORY.find(([pattern]) => pattern.test(repository))?.[1];
  const has = (names: readonly string[]) => names.some((name) => environment.has(name));
  const tws = /tws|rdesktop/.test(repository);
  if (byName === 'danklabs' && has(TODAYS_DANKLABS)) return 'danklabs-host';
  if (byName !== undefined) return byName;
  if (has(['TWS_USERID', 'TWS_PASSWORD', 'TWS_PASSWORD_FILE']))
    return tws ? 'gnzsnz-tws' : 'gnzsnz';
  if (has(TODAYS_DANKLABS)) return 'danklabs-host';
  if (has(['IB_USER', 'IB_PASSWORD', 'VNC_PWD', 'ENABLE_SOCAT'])) {
    return tws ? 'danklabs-tws' : 'danklabs';
  }
  return null;
}

/** With a registry, as ibq wants it: Docker's own is meant where none is named, this host where there is no path. */
export function imageReference(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `localhost/${image}`;
  return /[.:]/.test(first) || first === 'localhost' ? image : `docker.io/${image}`;
}
