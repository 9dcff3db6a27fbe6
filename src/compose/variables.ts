/** The environment of a service → keys and secrets, by the tables of its image's profile. */

import { ownedVariable } from '../images/index.ts';
import type { ImageVariable, Profile, ProfileSecret } from '../images/profile.ts';
import { type Draft, take } from './draft.ts';
import { readSshOptions } from './ssh-options.ts';
import { megabytes, words } from './words.ts';

/** @param profile of the image @param environment as Compose hands it to the container */
export function readVariables(
  draft: Draft,
  profile: Profile,
  environment: ReadonlyMap<string, string>,
): void {
  const passed: Record<string, string> = {};
  for (const [name, value] of environment) {
    // The images read an empty variable as one that is not there.
    if (value.trim() === '') continue;
    const special = SPECIAL[name];
    const secret = secretOf(profile, name);
    if (secret) takeSecret(draft, profile, secret, name, value);
    else if (special) special(draft, value, name);
    else takeVariable(draft, profile, passed, name, value);
  }
  if (Object.keys(passed).length > 0) draft.values.set('environment', passed);
}

function takeVariable(
  draft: Draft,
  profile: Profile,
  passed: Record<string, string>,
  name: string,
  value: string,
): void {
  const row = profile.variables.find((it) => it.name === name);
  const owned = ownedVariable(profile, name);
  const [key] = row?.keys ?? [];
  if (key !== undefined) takeOnce(draft, key, value, name, row);
  else if (owned?.key) take(draft, owned.key, value, name);
  else if (owned) draft.left.push({ what: name, why: owned.reason ?? 'ibq sets it by itself' });
  else if (/PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN/i.test(name)) {
    draft.left.push({ what: name, why: 'is a secret, and ibq has no place for this one' });
  } else passed[name] = value;
}

/** Two variables may stand for one key (TIME_ZONE and TZ): the first rules. */
function takeOnce(
  draft: Draft,
  key: string,
  value: string,
  name: string,
  row: ImageVariable | undefined,
): void {
  const before = draft.values.get(key);
  if (before === undefined || row === undefined) {
    take(draft, key, value, name);
  } else if (String(before) !== value) {
    draft.left.push({ what: `${name}=${value}`, why: `${key} is ${String(before)} already` });
  }
}

/** `TWS_PASSWORD` is what `TWS_PASSWORD_FILE` is the file of. */
function secretOf(profile: Profile, name: string): ProfileSecret | null {
  const found = profile.secrets.find(
    ({ as }) => as.kind !== 'mount' && [as.variable, `${as.variable}_FILE`].includes(name),
  );
  const plain = profile.secrets.find(
    ({ as }) => as.kind === 'file' && as.variable === `${name}_FILE`,
  );
  // A user name is a secret only for those who want it.
  const secret = found ?? plain ?? null;
  return secret?.key === 'user' || secret?.key === 'paper_user' ? null : secret;
}

function takeSecret(
  draft: Draft,
  profile: Profile,
  secret: ProfileSecret,
  name: string,
  value: string,
): void {
  const set = `sudo ibq secret set NAME ${secret.key}`;
  const problem = secret.problem(value);
  if (name.endsWith('_FILE')) {
    draft.left.push({
      what: `${name}=${value}`,
      why: `is a file in the container; ${set} --file FILE`,
    });
  } else if (problem !== null || (secret.lines !== 'several' && /[\r\n]/.test(value))) {
    draft.left.push({ what: name, why: `${problem ?? 'should be one line'}; ${set}` });
  } else draft.secrets.set(secret.key, value);
  if (secret.key === 'vnc_password') draft.values.set('vnc.enabled', true);
  if (secret.key === 'rdp_password' && profile.program === 'tws')
    draft.values.set('rdp.enabled', true);
}

type Special = (draft: Draft, value: string, name: string) => void;

/** Variables that are more than one key, or written in another way than the key. */
const SPECIAL: Readonly<Record<string, Special>> = {
  SSH_TUNNEL: (draft, value, name) => take(draft, 'ssh.mode', value, name),
  SSH_USER_TUNNEL: (draft, value, name) => take(draft, 'ssh.targets', value, name),
  SSH_REMOTE_PORT: (draft, value, name) => take(draft, 'ssh.remote_ports', value, name),
  SSH_OPTIONS: (draft, value) => readSshOptions(draft, value),
  JAVA_HEAP_SIZE: takeHeap,
  JAVA_OPTS: (draft, value) => {
    const options: string[] = [];
    for (const word of words(value)) {
      if (word.startsWith('-Xmx')) takeHeap(draft, word.slice('-Xmx'.length), `JAVA_OPTS ${word}`);
      else options.push(word);
    }
    if (words(value).length === 0) draft.left.push({ what: 'JAVA_OPTS', why: 'has no option' });
    if (options.length > 0) take(draft, 'java_options', options.join(' '), 'JAVA_OPTS');
  },
  SUPERVISORD_UI_PORT: (draft) => {
    draft.values.set('supervisor.enabled', true);
  },
  CUSTOM_CONFIG: (draft, _value, name) => {
    draft.left.push({ what: name, why: 'follows from custom_config.ibc and custom_config.jts' });
  },
};

/** Digits are MB to one image, `2g` and `768m` another's way. */
function takeHeap(draft: Draft, value: string, name: string): void {
  const heap = /^\d+$/.test(value) ? Number(value) : megabytes(value);
  take(draft, 'java_heap', heap === null ? value : String(heap), name);
}
