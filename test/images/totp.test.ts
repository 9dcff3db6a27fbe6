/** The seed of one-time codes as people copy it, and as the reader in the image takes it. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeTotpSeed, totpSeedProblem } from '../../src/images/totp.ts';
import { decodeBase32 } from '../simulator/totp.ts';

describe('a seed', () => {
  test.each([
    ['JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'],
    ['jbsw y3dp ehpk 3pxp', 'JBSWY3DPEHPK3PXP'],
    ['JBSW-Y3DP-EHPK-3PXP', 'JBSWY3DPEHPK3PXP'],
    // 128 bits, with the padding and without.
    ['JBSWY3DPEHPK3PXPJBSWY3DPEA======', 'JBSWY3DPEHPK3PXPJBSWY3DPEA======'],
    ['JBSWY3DPEHPK3PXPJBSWY3DPEA', 'JBSWY3DPEHPK3PXPJBSWY3DPEA======'],
  ])('%s becomes %s', (given, written) => {
    expect(totpSeedProblem(given)).toBeNull();
    expect(encodeTotpSeed(given)).toBe(written);
  });

  test.each([
    ['234567', 'should be the seed that the app was set up with, not one of its codes'],
    ['765 432', 'should be the seed that the app was set up with, not one of its codes'],
    ['12345678', 'should be the seed that the app was set up with, not one of its codes'],
    ['JBSWY3DPEHPK3PX0', 'should be base32: letters and the digits 2 to 7'],
    [
      'otpauth://totp/IBKR?secret=JBSWY3DPEHPK3PXP',
      'should be base32: letters and the digits 2 to 7',
    ],
    ['JBSWY3DP', 'should be at least 16 characters, got 8'],
    ['JBSWY3DPEHPK3PXPJ', 'should be whole: no base32 has 17 characters'],
  ])('%s is none', (given, problem) => {
    expect(totpSeedProblem(given)).toBe(problem);
  });

  test('of any bytes is read back as these bytes, however it is grouped', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 64 }), fc.boolean(), (bytes, lower) => {
        const text = base32(bytes);
        const grouped = (lower ? text.toLowerCase() : text).replace(/(.{4})/g, '$1 ');
        expect(totpSeedProblem(grouped)).toBeNull();
        const written = encodeTotpSeed(grouped);
        expect(written).toMatch(/^(?:[A-Z2-7]{8})*[A-Z2-7]+=*$/);
        expect(written.length % 8).toBe(0);
        expect([...decodeBase32(written)]).toEqual([...bytes]);
      }),
    );
  });
});

function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)] ?? '')
    .join('');
}
