/** The seed of one-time codes (RFC 6238), as a person copies it and as Python's b32decode takes it. */

/** IBKR's have 32; fewer than 80 bits nobody gives out. */
const LEAST = 16;

/** What a seed should be; null: it is one. No text of the value is in the answer. */
export function totpSeedProblem(value: string): string | null {
  const seed = bare(value);
  if (/^\d{6,8}$/.test(seed)) {
    return 'should be the seed that the app was set up with, not one of its codes';
  }
  if (!/^[A-Z2-7]+$/.test(seed)) {
    return 'should be base32: letters and the digits 2 to 7';
  }
  if (seed.length < LEAST) return `should be at least ${LEAST} characters, got ${seed.length}`;
  // What is left of bytes that were cut (RFC 4648, 6).
  return [1, 3, 6].includes(seed.length % 8)
    ? `should be whole: no base32 has ${seed.length} characters`
    : null;
}

/** Blanks and hyphens are for people; the reader wants groups of eight. */
export function encodeTotpSeed(value: string): string {
  const seed = bare(value);
  return seed.padEnd(Math.ceil(seed.length / 8) * 8, '=');
}

function bare(value: string): string {
  return value.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase();
}
