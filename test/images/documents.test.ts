/** Nothing of the users' documents is lost: each of their variables is a key's, a secret's, or refused with the reason. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FILES } from '../../src/config/schema.ts';
import { ownedVariable, profileOf } from '../../src/images/index.ts';
import type { Profile, ProfileId } from '../../src/images/profile.ts';

const directory = join(import.meta.dirname, '../fixtures/documents');

interface Document {
  title: string;
  /** Contracts of the images that it is about (test/simulator/contracts). */
  about: string[];
  variables: string[];
}

const documents = readdirSync(directory).map(
  (file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Document,
);

const PROFILE_OF: Readonly<Record<string, ProfileId>> = {
  'gnzsnz-gateway': 'gnzsnz',
  'gnzsnz-tws': 'gnzsnz-tws',
  'danklabs-gateway': 'danklabs',
  'danklabs-tws': 'danklabs-tws',
  'danklabs-host': 'danklabs-host',
};

/** Whether a profile has a place for a variable, or says why it has none. */
function hasPlace(profile: Profile, variable: string): boolean {
  const ofSecret = profile.secrets.some(
    ({ as }) =>
      as.kind !== 'mount' && [as.variable, as.variable.replace(/_FILE$/, '')].includes(variable),
  );
  return ofSecret || ownedVariable(profile, variable) !== null;
}

describe.each(documents)('$title', ({ about, variables }) => {
  test('names variables', () => {
    expect(variables.length).toBeGreaterThan(0);
  });

  test.each(about)('of %s', (contract) => {
    const id = PROFILE_OF[contract];
    if (id === undefined) throw new Error(`no profile for ${contract}`);
    const profile = profileOf(id);
    expect(variables.filter((variable) => !hasPlace(profile, variable))).toEqual([]);
  });
});

test('the variables of the host are its own overrides', () => {
  const [host] = documents.filter(({ about }) => about.length === 0);
  const keys = FILES.ibq.find(({ name }) => name === 'network')?.keys.map(({ name }) => name) ?? [];
  const missing = host?.variables.filter(
    (variable) => !keys.includes(variable.replace(/^NETWORK_/, '').toLowerCase()),
  );
  expect(missing).toEqual([]);
});

test('there is a document for each image of the users', () => {
  const about = new Set(documents.flatMap((document) => document.about));
  expect([...about].sort()).toEqual(['danklabs-gateway', 'danklabs-tws', 'gnzsnz-gateway']);
});
