/** Which image a service runs. Its name decides; variables alone are a guess, which somebody has to confirm. */

import type { ProfileId } from '../images/profile.ts';
import { profilesOfReference } from '../images/repositories.ts';
import type { Service } from './service.ts';

export type Identity =
  | { kind: 'known'; profile: ProfileId; remark: string | null }
  /** A gateway by its variables, and of an unknown name. */
  | { kind: 'guess'; profile: ProfileId; by: string }
  /** A gateway of somebody else's, for profile `custom`. */
  | { kind: 'other'; title: string }
  | { kind: 'none'; why: string };

/** Gateways that ibq has no profile for: their variables may have the names of a known one's. */
const OTHERS: readonly [RegExp, string][] = [
  [/(?:^|\/)extrange\/ibkr/, 'extrange/ibkr'],
  [/(?:^|\/)unusualalpha\/ib-gateway/, 'UnusualAlpha/ib-gateway'],
  [/(?:^|\/)waytrade\/ib-gateway/, 'waytrade/ib-gateway'],
  [/(?:^|\/)manhinhang\/ib-gateway/, 'manhinhang/ib-gateway'],
  [/(?:^|\/)rylorin\/ib-gateway/, 'rylorin/ib-gateway-docker'],
  [/(?:^|\/)heshiming\/ibga/, 'heshiming/ibga'],
  [/(?:^|\/)gnzsnz\/tws-webtop/, 'gnzsnz/tws-webtop'],
  [
    /(?:^|\/)(?:[^/]*\/)?(?:ib-?controller|ibgateway|ib-?gateway|ibkr-gateway|ib-?tws|ibkr-tws|ibc)(?:-docker)?$/,
    'another gateway',
  ],
];

/** Only today's image of DankLab's, without a relay, knows these. */
const TODAYS_DANKLABS = [
  ...['OVERRIDE_TWS_API_PORT', 'VNC_PORT', 'COMMAND_SERVER_PORT', 'IB_USER_FILE'],
];
const OF_GNZSNZ = ['TWS_USERID', 'TWS_PASSWORD', 'TWS_PASSWORD_FILE'];
const OF_DANKLABS = ['IB_USER', 'IB_PASSWORD', 'VNC_PWD', 'ENABLE_SOCAT'];

/** A name that says no more than what it is: an image that was built here. */
const UNNAMED = /^(?:localhost\/)?ib-?(?:gateway|tws)$/;

export function identify(service: Service): Identity {
  const { image, environment } = service;
  const repository = repositoryOf(image ?? '');
  const helper = helperReason(service);
  const byName = profileByName(repository);
  if (byName !== undefined) {
    if (helper !== null) return { kind: 'none', why: helper };
    const profile = byName === 'danklabs' && isTodays(service) ? 'danklabs-host' : byName;
    return { kind: 'known', profile, remark: null };
  }
  if (/(?:^|\/)(?:voyz\/ibeam|ibeam)$/.test(repository)) {
    return {
      kind: 'none',
      why: 'ibeam is the Client Portal API over HTTP, another one than the gateway’s',
    };
  }
  const guess = guessOf(environment, repository);
  if (guess !== null && helper !== null) return { kind: 'none', why: helper };
  if (guess !== null && image !== null && UNNAMED.test(repository)) {
    const remark = `is taken for one of profile ${guess.profile}, by its name and the variable ${guess.by}; --profile says another`;
    return { kind: 'known', profile: guess.profile, remark };
  }
  const other = OTHERS.find(([pattern]) => pattern.test(repository))?.[1];
  if (other !== undefined) return { kind: 'other', title: other };
  if (guess !== null) return { kind: 'guess', ...guess };
  return {
    kind: 'none',
    why:
      image === null
        ? service.build === null
          ? 'has no image'
          : 'builds its own image, and has no variable of a gateway'
        : `${image} is no gateway that ibq knows`,
  };
}

function profileByName(repository: string): ProfileId | undefined {
  const [profile] = profilesOfReference(repository);
  return profile ?? (/(?:^|\/)ibq-simulator$/.test(repository) ? 'simulator' : undefined);
}

/** Without a tag and a digest. */
function repositoryOf(image: string): string {
  return image
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
    .toLowerCase();
}

function isTodays({ environment }: Service): boolean {
  return TODAYS_DANKLABS.some((name) => environment.has(name));
}

function guessOf(
  environment: ReadonlyMap<string, string>,
  repository: string,
): { profile: ProfileId; by: string } | null {
  const first = (names: readonly string[]) => names.find((name) => environment.has(name));
  const tws = /tws|rdesktop/.test(repository);
  const gnzsnz = first(OF_GNZSNZ);
  if (gnzsnz !== undefined) return { profile: tws ? 'gnzsnz-tws' : 'gnzsnz', by: gnzsnz };
  const todays = first(TODAYS_DANKLABS.filter((name) => name !== 'VNC_PORT'));
  if (todays !== undefined) return { profile: 'danklabs-host', by: todays };
  const danklabs = first(OF_DANKLABS);
  return danklabs === undefined
    ? null
    : { profile: tws ? 'danklabs-tws' : 'danklabs', by: danklabs };
}

/** A service that uses a gateway's image for something else: to set rights, to copy, to back up. */
function helperReason({ environment, others }: Service): string | null {
  const own = (['entrypoint', 'command'] as const).find((key) => {
    const value = others[key];
    return value !== undefined && value !== null && String(value) !== '';
  });
  if (own === undefined) return null;
  const user = ['TWS_USERID', 'IB_USER', 'IB_USER_FILE', 'IB_ACCOUNT', 'USERNAME'].some(
    (name) => (environment.get(name) ?? '') !== '',
  );
  return user ? null : `has its own ${own} and no user: it is a helper, and no gateway`;
}

/** With a registry, as ibq wants it: Docker's own is meant where none is named, this host where there is no path. */
export function imageReference(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `localhost/${image}`;
  return /[.:]/.test(first) || first === 'localhost' ? image : `docker.io/${image}`;
}
