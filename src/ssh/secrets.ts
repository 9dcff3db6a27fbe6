/** The tunnel's secrets: they belong to an instance, never reach its container, and stay on the host. */

import type { Instance } from '../config/types.ts';
import { type Profile, type ProfileSecret, secretName } from '../images/profile.ts';
import { keyProblem, wholeLines } from './key-text.ts';

/** A value that `ibq secret set NAME KEY` keeps, for whoever needs it. */
export type Secret = Omit<ProfileSecret, 'as' | 'wanted'> & {
  wanted: (instance: Instance) => Wanted;
  /** Whose it is, where it is not the container's. */
  of?: 'tunnel';
};

type Wanted = 'required' | 'optional' | 'unused';

const byHost =
  (wanted: 'required' | 'optional') =>
  ({ settings: { ssh } }: Instance): Wanted =>
    ssh.mode !== 'no' && ssh.via === 'host' ? wanted : 'unused';

const TUNNEL_SECRETS: readonly Secret[] = [
  {
    key: 'ssh_key',
    of: 'tunnel',
    title: 'private key of the SSH tunnel',
    wanted: byHost('required'),
    lines: 'several',
    problem: keyProblem,
    encode: wholeLines,
  },
  {
    key: 'ssh_passphrase',
    of: 'tunnel',
    title: "passphrase of the SSH tunnel's key",
    wanted: byHost('optional'),
    problem: () => null,
    encode: (value) => value,
  },
];

/** What an instance may be given, of its image and of its tunnel: each key once, as it is wanted now. */
export function secretsOfInstance(profile: Profile, instance: Instance): Secret[] {
  const all: Secret[] = [...profile.secrets, ...TUNNEL_SECRETS];
  const wanted = all.filter((secret) => secret.wanted(instance) !== 'unused');
  // Of two of one key that nobody wants now, that of the tunnel: a tunnel is this host's by default.
  const byKey = new Map([...all, ...wanted].map((secret) => [secret.key, secret]));
  return all.flatMap(({ key }) => {
    const secret = byKey.get(key);
    return byKey.delete(key) && secret ? [secret] : [];
  });
}

/** What makes a value, where nobody has to bring one: for a tunnel of the image too. */
const MADE_BY: Readonly<Record<string, string>> = {
  ssh_key: 'tunnel key',
  ssh_passphrase: 'tunnel key',
  ssh_known_hosts: 'tunnel trust',
};

/** What has to be there before a start, with what brings it. */
export function neededSecrets(
  profile: Profile,
  instance: Instance,
): { name: string; key: string; required: boolean; mend: string }[] {
  const all = secretsOfInstance(profile, instance);
  const wanted = all.filter((secret) => secret.wanted(instance) !== 'unused');
  return wanted.map(({ key, wanted: need }) => ({
    name: secretName(instance.name, key),
    key,
    required: need(instance) === 'required',
    mend: MADE_BY[key]
      ? `sudo ibq ${MADE_BY[key]} ${instance.name}`
      : `sudo ibq secret set ${instance.name} ${key}`,
  }));
}
