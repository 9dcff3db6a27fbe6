/** Secrets that several images share: what they are, when they are wanted, what a reader can't take. */

import type { Instance } from '../config/types.ts';
import { edgeBlankProblem, encodeProperty } from './ibc.ts';
import type { ProfileSecret } from './profile.ts';

type As = ProfileSecret['as'];

const asIs = (value: string): string => value;

/** Of the IB user. The images copy it into IBC's config.ini. */
export function passwordSecret(as: As): ProfileSecret {
  return {
    key: 'password',
    title: 'password of the IB user',
    as,
    wanted: () => 'required',
    problem: edgeBlankProblem,
    encode: encodeProperty,
  };
}

/** Of an image that reads nothing of the login where the user brings config.ini: it stands there. */
export function unlessOwnIbc(secret: ProfileSecret): ProfileSecret {
  return {
    ...secret,
    wanted: (instance) =>
      instance.settings.custom_config.ibc === null ? secret.wanted(instance) : 'unused',
  };
}

/** Of the paper gateway in mode `both`. */
export function paperPasswordSecret(as: As): ProfileSecret {
  return {
    ...passwordSecret(as),
    key: 'paper_password',
    title: 'password of the paper user',
    wanted: ({ mode }) => wantedIf(mode === 'both'),
  };
}

/** The user name, where `user_secret` keeps it out of files and units. */
export function userSecret(as: As): ProfileSecret {
  return {
    key: 'user',
    title: 'IB user name',
    as,
    wanted: ({ settings }) => wantedIf(settings.user_secret),
    problem: userProblem,
    encode: asIs,
  };
}

export function paperUserSecret(as: As): ProfileSecret {
  return {
    ...userSecret(as),
    key: 'paper_user',
    title: 'IB user name of the paper gateway',
    wanted: ({ mode, settings }) => wantedIf(settings.user_secret && mode === 'both'),
  };
}

export function vncSecret(as: As): ProfileSecret {
  return {
    key: 'vnc_password',
    title: 'password of VNC, 1 to 8 characters',
    as,
    wanted: ({ settings }) => wantedIf(settings.vnc.enabled),
    problem: vncProblem,
    encode: asIs,
  };
}

/** VNC's authentication makes a DES key of it: 8 bytes, the rest is dropped without a word (RFC 6143, 7.2.2). */
function vncProblem(value: string): string | null {
  if (!/^[!-~]+$/.test(value))
    return 'should be of ASCII letters, digits and signs, without blanks';
  return value.length > 8
    ? `should be 1 to 8 characters, got ${value.length}: VNC reads no more`
    : null;
}

/** As the key `user` (src/config/formats.ts). */
function userProblem(value: string): string | null {
  return /^[A-Za-z0-9._@-]{1,64}$/.test(value)
    ? null
    : 'should be an IB user name (1-64 of letters, digits, ".", "_", "-", "@")';
}

export function wantedIf(condition: boolean): ReturnType<ProfileSecret['wanted']> {
  return condition ? 'required' : 'unused';
}

/** Whether the image itself is to hold a tunnel. */
export function holdsTunnel({ settings: { ssh } }: Pick<Instance, 'settings'>): boolean {
  return ssh.mode !== 'no' && ssh.via === 'image';
}
