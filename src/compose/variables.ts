/** The environment of a service → keys and secrets, by the tables of its image's profile. */

import { isSecretName, looksSecret } from '../config/secret-like.ts';
import { freeKey } from '../images/free-secrets.ts';
import { ownedVariable } from '../images/index.ts';
import type { ImageVariable, Profile, ProfileSecret } from '../images/profile.ts';
import { type Draft, take, takeEntries } from './draft.ts';
import type { GivenText } from './given.ts';
import type { Service } from './service.ts';
import { readSshOptions } from './ssh-options.ts';
import { megabytes, words } from './words.ts';

/** @param given text of a path in the container, where the file says what lies there */
export function readVariables(
  draft: Draft,
  profile: Profile,
  { environment, fromFiles }: Service,
  given: GivenText,
): void {
  const unknown: [string, string][] = [];
  for (const [name, value] of ordered(environment)) {
    // The images read an empty variable as one that is not there.
    if (value.trim() === '') continue;
    const special = SPECIAL[name];
    const secret = secretOf(profile, name);
    if (secret) takeSecret(draft, profile, secret, name, value, given);
    else if (special) special(draft, value, name);
    else if (!takeVariable(draft, profile, name, value)) unknown.push([name, value]);
  }
  takeTargetPort(draft);
  readUnknown(draft, unknown, profile.id === 'custom' ? new Set() : fromFiles, given);
}

/** The gateway's own times are in TIME_ZONE: it comes before TZ, which is the container's clock. */
function ordered(environment: ReadonlyMap<string, string>): [string, string][] {
  const zone = environment.get('TIME_ZONE');
  const entries = [...environment].filter(([name]) => name !== 'TIME_ZONE');
  return zone === undefined ? entries : [['TIME_ZONE', zone], ...entries];
}

/** `-p 2222` of SSH_OPTIONS, which may come before the targets. */
function takeTargetPort(draft: Draft): void {
  const { portOfTargets: port } = draft;
  const targets = draft.values.get('ssh.targets') as readonly string[] | undefined;
  if (port === null) return;
  if (targets === undefined)
    draft.left.push({ what: `SSH_OPTIONS -p ${port}`, why: 'there is no target' });
  else {
    const withPort = targets.map((it) => (it.includes(':') ? it : `${it}:${port}`));
    take(draft, 'ssh.targets', withPort.join(','), `SSH_OPTIONS -p ${port}`);
  }
}

/** @returns whether the profile knows it */
function takeVariable(draft: Draft, profile: Profile, name: string, value: string): boolean {
  const row = profile.variables.find((it) => it.name === name);
  const owned = ownedVariable(profile, name);
  const [key] = row?.keys ?? [];
  if (key !== undefined) takeOnce(draft, key, value, name, row);
  else if (owned?.key) take(draft, owned.key, value, name);
  else if (owned) draft.left.push({ what: name, why: owned.reason ?? 'ibq sets it by itself' });
  else return false;
  return true;
}

/**
 * What the profile does not know: secrets become Podman's, the rest is the container's environment. A file of
 * variables is often that of other programs too, so what stands there alone stays there.
 */
function readUnknown(
  draft: Draft,
  unknown: readonly [string, string][],
  fromFiles: ReadonlySet<string>,
  given: GivenText,
): void {
  const known = new Set([...draft.secrets.values()].filter((value) => value.length > 3));
  const keys = new Set([...draft.secrets.keys(), 'ssh_key', 'ssh_passphrase', 'ssh_known_hosts']);
  const passed: { name: string; value: string; what: string }[] = [];
  const secrets: { name: string; value: string; what: string }[] = [];
  for (const [name, value] of unknown) {
    const secret = known.has(value) || looksSecret(name, value);
    if (fromFiles.has(name)) {
      const how = secret
        ? `secrets = { ${name} = "${freeKey(name)}" } in the file of NAME would hand it over`
        : 'environment in the file of NAME would hand it over';
      draft.left.push({
        what: name,
        why: `stands in an env_file, and the image does not know it; ${how}`,
      });
    } else if (name.endsWith('_FILE')) {
      takeFreeFile(draft, secrets, keys, name, value, given);
    } else if (secret && /^[A-Za-z_]\w*$/.test(name)) {
      if (/[\r\n\0]/.test(value)) {
        draft.left.push({
          what: name,
          why: `is a secret of several lines, which a variable can't be given; ${setBy(freeKey(name))}`,
        });
        continue;
      }
      const key = uniqueKey(name, keys);
      draft.secrets.set(key, value);
      secrets.push({ name, value: key, what: name });
    } else if (secret) {
      draft.left.push({
        what: name,
        why: 'is a secret, and its name is none that a container can be given',
      });
    } else passed.push({ name, value, what: name });
  }
  const bytes = passed.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  if (bytes > MAX_PASSED) {
    const why = `is one of ${passed.length} variables with ${bytes} characters: a container can't be given so many`;
    for (const { what } of passed) draft.left.push({ what, why });
  } else takeEntries(draft, 'environment', passed);
  takeEntries(draft, 'secrets', secrets);
}

/** An instance may have 128 KiB of them. */
const MAX_PASSED = 100 * 1024;

/** A variable that names a file: where the file says which, it becomes a secret. */
function takeFreeFile(
  draft: Draft,
  secrets: { name: string; value: string; what: string }[],
  keys: Set<string>,
  name: string,
  value: string,
  given: GivenText,
): void {
  const file = given(value);
  if (file === null) {
    draft.left.push({
      what: `${name}=${value}`,
      why: isSecretName(name.replace(/_FILE$/, ''))
        ? `is a file in the container; write secrets = { ${name} = "${freeKey(name)}" }, then ${setBy(freeKey(name))} --file FILE`
        : 'is a file in the container; volumes can bring it there, and environment can name it',
    });
    return;
  }
  const key = uniqueKey(name, keys);
  secrets.push({ name, value: key, what: name });
  if (file.text === null || /[\r\n\0]/.test(file.text)) {
    draft.left.push({ what: `${name}=${value}`, why: `${setBy(key)} --file ${file.path}` });
  } else draft.secrets.set(key, file.text);
}

function uniqueKey(name: string, keys: Set<string>): string {
  const wanted = freeKey(name);
  let key = wanted;
  for (let n = 2; keys.has(key) || RESERVED.has(key); n += 1) key = `${wanted.slice(0, 58)}_${n}`;
  keys.add(key);
  return key;
}

/** Of the images: a variable of the same name must not take their place. */
const RESERVED = new Set([
  ...['password', 'paper_password', 'user', 'paper_user', 'vnc_password', 'rdp_password'],
  'supervisor_password',
]);

function setBy(key: string): string {
  return `sudo ibq secret set NAME ${key}`;
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
  // A user name is a secret only for those who want it: who gives it in a file.
  const secret = found ?? plain ?? null;
  const ofUser = secret?.key === 'user' || secret?.key === 'paper_user';
  return ofUser && !name.endsWith('_FILE') ? null : secret;
}

function takeSecret(
  draft: Draft,
  profile: Profile,
  secret: ProfileSecret,
  name: string,
  value: string,
  given: GivenText,
): void {
  const set = setBy(secret.key);
  const file = name.endsWith('_FILE') ? given(value) : null;
  const text = name.endsWith('_FILE') ? (file?.text ?? null) : value;
  const problem = text === null ? null : secret.problem(text);
  if (secret.key === 'user' || secret.key === 'paper_user') draft.values.set('user_secret', true);
  if (text === null) {
    draft.left.push({
      what: `${name}=${value}`,
      why: `is a file in the container; ${set} --file ${file?.path ?? 'FILE'}`,
    });
  } else if (problem !== null || (secret.lines !== 'several' && /[\r\n]/.test(text))) {
    draft.left.push({ what: name, why: `${problem ?? 'should be one line'}; ${set}` });
  } else if (draft.secrets.has(secret.key) && draft.secrets.get(secret.key) !== text) {
    draft.left.push({ what: name, why: `the ${secret.key} is another one already` });
  } else draft.secrets.set(secret.key, text);
  draft.origins.set(`secret.${secret.key}`, name);
  if (secret.key === 'vnc_password') {
    draft.values.set('vnc.enabled', true);
    draft.origins.set('vnc.enabled', name);
  }
  if (secret.key === 'rdp_password' && profile.program === 'tws') {
    draft.values.set('rdp.enabled', true);
    draft.origins.set('rdp.enabled', name);
  }
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
  SUPERVISORD_UI_PORT: (draft, _value, name) => {
    draft.values.set('supervisor.enabled', true);
    draft.origins.set('supervisor.enabled', name);
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
