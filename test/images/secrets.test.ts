/** Secrets as their readers need them. */

import { describe, expect, test } from 'vitest';
import { profileOf } from '../../src/images/index.ts';
import { secretOf } from './instances.ts';

test('a password is written as Java Properties are read', () => {
  const secret = secretOf(profileOf('gnzsnz'), 'password');
  expect(secret.encode('a\\b\\\\c$')).toBe('a\\\\b\\\\\\\\c$');
  expect(secret.problem('a b')).toBeNull();
  expect(secret.problem('a ')).toContain('should not begin or end with a blank');
});

test.each([
  ['seeing', null],
  ['12345678', null],
  ['123456789', 'should be 1 to 8 characters, got 9: VNC reads no more'],
  ['a b', 'should be of ASCII letters, digits and signs, without blanks'],
  ['gärten', 'should be of ASCII letters, digits and signs, without blanks'],
])('of VNC %j', (value, expected) => {
  for (const id of ['gnzsnz', 'danklabs', 'danklabs-host'] as const)
    expect(secretOf(profileOf(id), 'vnc_password').problem(value)).toBe(expected);
});

test.each([
  ['seeing all', null],
  ['-n', 'should not begin with "-"'],
  [' x', 'should not begin or end with a blank'],
])('of RDP %j', (value, expected) => {
  expect(secretOf(profileOf('gnzsnz-tws'), 'rdp_password').problem(value)).toBe(expected);
});

describe("of supervisord's page", () => {
  const { problem } = secretOf(profileOf('danklabs'), 'supervisor_password');
  test.each(['hidden', 'a$b&c:d<e', '{SHB}x'])('%j', (value) => {
    expect(problem(value)).toBeNull();
  });
  test.each(['50%', 'a;b', 'a b', '{SHA}abc'])('not %j', (value) => {
    expect(problem(value)).toContain('should be of ASCII');
  });
});

test.each(['user1', 'a.b-c@d'])('a user name %j', (value) => {
  expect(secretOf(profileOf('gnzsnz'), 'user').problem(value)).toBeNull();
});

test('no user name', () => {
  const { problem } = secretOf(profileOf('gnzsnz'), 'user');
  expect(problem('user 1')).toContain('should be an IB user name');
});
