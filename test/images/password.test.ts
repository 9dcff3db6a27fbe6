// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what a template would replace
/** A password on its way: secret, file, the image's template, config.ini, IBC's reader, login. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { profileOf } from '../../src/images/index.ts';
import { RIGHT, start } from '../simulator/running.ts';

const [secret] = profileOf('simulator').secrets.filter(({ key }) => key === 'password');

/** Printable, of any script, and thick with what shells, templates and Java read in their own way. */
const password = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('\\', '$', '{', '}', '"', "'", '`', '=', ':', '#', '!', '%', ' ', 'u', 'n'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    minLength: 1,
    maxLength: 40,
  })
  .filter((text) => secret?.problem(text) === null && !/\p{Cc}/u.test(text));

async function loginWith(text: string): Promise<string[]> {
  const simulator = start({
    env: { ...RIGHT, SIMULATOR_EXPECTED_PASSWORD: text },
    // As Podman mounts it.
    files: { '/run/secrets/password': secret?.encode(text) ?? '' },
  });
  try {
    await simulator.logged(/Login has completed|Login failed/);
    return simulator.lines;
  } finally {
    await simulator.end();
  }
}

test('any password reaches the login unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(password, async (text) => {
      const lines = await loginWith(text);
      expect(lines.some((line) => /Login has completed/.test(line))).toBe(true);
    }),
    {
      numRuns: 40,
      examples: [['\\'], ['a\\\\b'], ['\\u0041'], ['$HOME${HOME}'], ['Pässwörd€𝄞'], ['#!=:']],
    },
  );
});

test('another one does not', async () => {
  const simulator = start({
    env: { ...RIGHT, SIMULATOR_EXPECTED_PASSWORD: 'right' },
    files: { '/run/secrets/password': secret?.encode('wrong') ?? '' },
  });
  await simulator.logged(/Login failed/);
  await simulator.end();
});
