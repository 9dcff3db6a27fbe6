/** One-time codes as IBKR's side and the controller make them (RFC 6238: SHA-1, 30 s, 6 digits). */

import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Python's `b32decode(seed, casefold=True)`. Throws on what that refuses: padding has to be there, blanks not. */
export function decodeBase32(seed: string): Buffer {
  const text = seed.toUpperCase();
  if (text.length % 8 !== 0) throw new Error('Incorrect padding');
  const letters = text.replace(/=+$/, '');
  const padding = text.length - letters.length;
  if (![0, 1, 3, 4, 6].includes(padding)) throw new Error('Incorrect padding');
  const bits = [...letters]
    .map((letter) => {
      const value = ALPHABET.indexOf(letter);
      if (value < 0) throw new Error('Non-base32 digit found');
      return value.toString(2).padStart(5, '0');
    })
    .join('');
  const bytes = bits.match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}

/** @param seconds since 1970 */
export function oneTimeCode(seed: string, seconds: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)));
  const mac = createHmac('sha1', decodeBase32(seed)).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
