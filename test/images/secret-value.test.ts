/** A secret as it was given, and as the image gets it. */

import { expect, test } from 'vitest';
import { edgeBlankProblem, encodeProperty } from '../../src/images/ibc.ts';
import type { ProfileSecret } from '../../src/images/profile.ts';
import { readSecretValue } from '../../src/images/secret-value.ts';

const password: ProfileSecret = {
  key: 'password',
  title: 'a password',
  as: { kind: 'file', variable: 'PASSWORD_FILE' },
  wanted: () => 'required',
  problem: edgeBlankProblem,
  encode: encodeProperty,
};
const key: ProfileSecret = {
  ...password,
  lines: 'several',
  problem: (value) => (value.includes('KEY') ? null : 'should be a key'),
  encode: (value) => value,
};

test.each<[string, ProfileSecret, string, string]>([
  ['a word', password, 'pw', 'pw'],
  ['as Java Properties are read', password, 'a\\b', 'a\\\\b'],
  ['several lines gain the newline that ends them', key, 'KEY\nabc', 'KEY\nabc\n'],
  ['several lines keep it', key, 'KEY\nabc\n', 'KEY\nabc\n'],
])('%s', (_title, secret, given, text) => {
  expect(readSecretValue(secret, given)).toEqual({ ok: true, text });
});

test.each<[string, ProfileSecret, string, string]>([
  ['nothing', password, '', 'should not be empty'],
  ['blanks alone', password, ' \t', 'should not be empty'],
  ['two lines', password, 'a\nb', 'should be one line'],
  ['a carriage return', password, 'a\r', 'should be one line'],
  ['a NUL', password, 'a\0b', 'should be one line'],
  ['a NUL in a key', key, 'KEY\0', 'should be text without NUL characters'],
  ['bytes that are no text', password, 'a\ufffd', 'should be text in UTF-8'],
  ['a blank at its end', password, 'a ', 'should not begin or end with a blank: IBC drops it'],
  ['what the image can not take', key, 'nonsense', 'should be a key'],
  ['more than Podman keeps', password, 'x'.repeat(512_000), 'should be shorter than 512 kB'],
])('%s is refused', (_title, secret, given, problem) => {
  expect(readSecretValue(secret, given)).toEqual({ ok: false, problem });
});
