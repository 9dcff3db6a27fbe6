/** What a person gave as a secret, as the image's reader needs it written. */

import type { ProfileSecret } from './profile.ts';

type Reader = Pick<ProfileSecret, 'lines' | 'problem' | 'encode'>;

/** Podman refuses secrets of 512 000 bytes and more (containers/common, pkg/secrets). */
export const MAX_SECRET_BYTES = 511_999;

type SecretValue = { ok: true; text: string } | { ok: false; problem: string };

/**
 * What has several lines (a key) must end in a newline. No text of the value is in a problem.
 *
 * @param given as it was read, without the newline that ends a file or a pipe
 */
export function readSecretValue(secret: Reader, given: string): SecretValue {
  const several = secret.lines === 'several';
  const problem = problemOf(secret, given, several);
  if (problem !== null) return { ok: false, problem };
  const encoded = secret.encode(given);
  const text = several && !encoded.endsWith('\n') ? `${encoded}\n` : encoded;
  if (Buffer.byteLength(text) > MAX_SECRET_BYTES) {
    return { ok: false, problem: 'should be shorter than 512 kB' };
  }
  return { ok: true, text };
}

function problemOf(secret: Reader, value: string, several: boolean): string | null {
  if (value.trim() === '') return 'should not be empty';
  // What is no UTF-8 was decoded to this.
  if (value.includes('\ufffd')) return 'should be text in UTF-8';
  if (several && value.includes('\0')) return 'should be text without NUL characters';
  if (!several && /[\0\r\n]/.test(value)) return 'should be one line';
  return secret.problem(value);
}
