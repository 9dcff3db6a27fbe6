/** Which secrets are listed: wanted ones, there or not, and what is left from before. */

import { expect, test } from 'vitest';
import { profileOf } from '../../src/images/index.ts';
import type { Profile, ProfileSecret } from '../../src/images/profile.ts';
import { listSecretsOf } from '../../src/plan/secret-list.ts';
import { sampleInstance } from '../quadlet/sample.ts';

const secret = (key: string, wanted: ProfileSecret['wanted']): ProfileSecret => ({
  key,
  title: `the ${key}`,
  as: { kind: 'environment', variable: key.toUpperCase() },
  wanted,
  problem: () => null,
  encode: (value) => value,
});
const profile: Profile = {
  ...profileOf('simulator'),
  secrets: [
    secret('password', () => 'required'),
    secret('vnc_password', ({ settings }) => (settings.vnc.enabled ? 'required' : 'unused')),
  ],
};
const instances = [sampleInstance('4001'), sampleInstance('4002')];

function listed(present: string[], others = true, of = instances) {
  const all = listSecretsOf(of, new Set(present), { profileFor: () => profile, others });
  return all.map(({ instance, key, wanted, set }) => `${instance} ${key} ${wanted} ${set}`);
}

test('what is wanted, set or not; what nobody wants and is not there is not listed', () => {
  expect(listed(['ibq-4001-password'])).toEqual([
    '4001 password required true',
    '4002 password required false',
  ]);
});

test('set and unused, of an instance, of another image, of one that is gone', () => {
  const present = [
    'ibq-4001-password',
    'ibq-4002-password',
    'ibq-4001-vnc_password',
    'ibq-4002-other',
    'ibq-4009-password',
  ];
  expect(listed(present)).toEqual([
    '4001 password required true',
    '4001 vnc_password unused true',
    '4002 password required true',
    '4002 other unused true',
    '4009 password unused true',
  ]);
});

test('of one instance: nothing of others', () => {
  const [first] = instances;
  expect(listed(['ibq-4009-password', 'ibq-4002-x'], false, first ? [first] : [])).toEqual([
    '4001 password required false',
  ]);
});

test("secrets that are not ibq's are left alone", () => {
  expect(listed(['password', 'ibq-', 'ibq-4001', 'ibq-4001-', 'other-4001-password'])).toEqual([
    '4001 password required false',
    '4002 password required false',
  ]);
});
