/** Gateways that the cap on refused logins has ended (`scripts/login-guard`), and how they may start again. */

import { CURRENT, LOGIN_REFUSALS, LOGIN_REFUSED } from '../plan/paths.ts';
import type { FileReader, Host } from './host.ts';

export interface RefusedLogin {
  /** ISO 8601, UTC. */
  time: string;
  count: number;
  /** IBKR's, or the dialog's; may be empty. */
  words: string;
}

/** Relative to a generation. */
export function loginFile(name: string): string {
  return `login/${name}`;
}

/**
 * @param wanted text of the login file of what would start
 * @returns null where none was refused, or another user would log in now
 */
export function readRefusedLogin(
  files: FileReader,
  name: string,
  wanted = files.readText(`${CURRENT}/${loginFile(name)}`) ?? '',
): RefusedLogin | null {
  const mark = files.readText(`${LOGIN_REFUSED}/${name}`);
  if (mark === null) return null;
  if (valueIn(wanted, 'login') !== valueIn(mark, 'login')) return null;
  return {
    time: valueIn(mark, 'time'),
    count: Number(valueIn(mark, 'count')),
    words: valueIn(mark, 'words'),
  };
}

/** The next start tries again, as often as it may. */
export function forgetRefusedLogin(host: Host, name: string): void {
  host.files.remove(`${LOGIN_REFUSED}/${name}`);
  host.files.remove(`${LOGIN_REFUSALS}/${name}`);
}

export function describeRefusedLogin({ time, count, words }: RefusedLogin): string {
  const times = count === 1 ? 'once' : `${count} times`;
  return `IBKR refused its login ${times}, at ${time}${words === '' ? '' : ` (${words})`}, and it was ended before IBKR locks the user`;
}

export function mendOfRefusedLogin(name: string): string {
  return `sudo ibq secret set ${name} password, then sudo ibq start ${name}; to try as it is: sudo ibq start --retry-login ${name}`;
}

function valueIn(text: string, key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
}
