/** Whose image a reference names, and what is told where it is not the profile's. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { PROFILE_IDS, profileOf } from '../../src/images/index.ts';
import { foreignReference, profilesOfReference } from '../../src/images/repositories.ts';
import { readInstance } from './instances.ts';

const DIGEST = `@sha256:${'0'.repeat(64)}`;

describe('a reference is of', () => {
  test.each([
    ['ghcr.io/gnzsnz/ib-gateway:stable', ['gnzsnz']],
    ['docker.io/gnzsnz/ib-gateway', ['gnzsnz']],
    [`ghcr.io/gnzsnz/tws-rdesktop:10.45${DIGEST}`, ['gnzsnz-tws']],
    ['registry.example.com:5000/mirror/gnzsnz/ib-gateway:stable', ['gnzsnz']],
    ['docker.io/danklabs/ib-gateway', ['danklabs', 'danklabs-host']],
    ['docker.io/danklabs/ib-tws:stable', ['danklabs-tws']],
    ['ghcr.io/code-hustler-ft3d/ibg-controller:v0.12.0', ['ibg-controller']],
    ['docker.io/somebody/ib-gateway', []],
    ['docker.io/notgnzsnz/ib-gateway', []],
    ['ghcr.io/gnzsnz/ib-gateway-docker', []],
    ['localhost/ibq-simulator', []],
  ])('%s: %j', (reference, profiles) => {
    expect(profilesOfReference(reference)).toEqual(profiles);
  });
});

test("no profile's own image is odd, at any tag, digest or mirror", () => {
  const own = PROFILE_IDS.flatMap((id) => {
    const image = profileOf(id).defaultImage?.replace(/:[^:]*$/, '');
    return image === undefined || image.startsWith('localhost/') ? [] : [{ id, image }];
  });
  expect(own).toHaveLength(6);
  const registry = fc.constantFrom(null, 'docker.io', 'registry.example.com:5000/cache');
  const tag = fc.constantFrom('', ':latest', ':10.45.1j', DIGEST, `:1${DIGEST}`);
  fc.assert(
    fc.property(fc.constantFrom(...own), registry, tag, ({ id, image }, mirror, end) => {
      const at = mirror === null ? image : `${mirror}/${image.replace(/^[^/]*\//, '')}`;
      expect(foreignReference(id, `${at}${end}`)).toBeNull();
    }),
  );
});

describe('an image of another profile', () => {
  test.each([
    ['gnzsnz', 'ghcr.io/gnzsnz/tws-rdesktop:stable', '"gnzsnz-tws"'],
    ['gnzsnz', 'ghcr.io/code-hustler-ft3d/ibg-controller:latest', '"ibg-controller"'],
    ['ibg-controller', 'ghcr.io/gnzsnz/ib-gateway:stable', '"gnzsnz"'],
    ['gnzsnz', 'docker.io/danklabs/ib-gateway:stable', '"danklabs" or "danklabs-host"'],
  ] as const)('profile %s, image %s', (profile, reference, right) => {
    const { problems, warnings } = readInstance(profile, 'user = "user1"\n', reference);
    expect(problems).toEqual([]);
    expect(warnings).toContain(
      `4001.toml: image.reference: is an image of profile ${right}, and image.profile is "${profile}": ` +
        `its ports, variables and user are others; set image.profile to ${right}`,
    );
  });
});

describe('an image that no profile is for', () => {
  const told = (profile: Parameters<typeof readInstance>[0], reference: string) =>
    readInstance(profile, 'user = "user1"\n', reference).warnings.filter((text) =>
      text.includes('image.reference'),
    );

  test('is told, with what makes it known', () => {
    expect(told('gnzsnz', 'registry.example.com/trading/gateway:1')).toEqual([
      '4001.toml: image.reference: is none of the images that profile gnzsnz is for (ghcr.io/gnzsnz/ib-gateway, ' +
        'docker.io/gnzsnz/ib-gateway): nothing says that its ports, variables and user are the same; a mirror is known ' +
        'by a path that ends in gnzsnz/ib-gateway, and profile "custom" takes any image',
    ]);
    expect(told('simulator', 'ghcr.io/gnzsnz/ib-gateway:stable')).toHaveLength(1);
  });

  test('is nothing to tell where it was built here, or is a mirror', () => {
    expect(told('gnzsnz', 'localhost/my-gateway')).toEqual([]);
    expect(told('gnzsnz', 'registry.example.com/gnzsnz/ib-gateway:1')).toEqual([]);
    const { warnings } = readInstance(
      'custom',
      'user = "user1"\n[custom.variables]\nuser = "U"\n',
      'registry.example.com/a/b:1',
    );
    expect(warnings.filter((text) => text.includes('image.reference'))).toEqual([]);
  });
});

test('of the reference of all instances it is told once, where it stands', () => {
  const { warnings } = loadConfig({
    main: { path: 'ibq.toml', text: '[image]\nreference = "ghcr.io/gnzsnz/tws-rdesktop:stable"\n' },
    pin: null,
    instances: ['4001', '4002'].map((name) => ({
      path: `${name}.toml`,
      text: 'user = "user1"\n',
    })),
  });
  expect(warnings.filter((text) => text.includes('image.reference'))).toEqual([
    expect.stringMatching(/^ibq\.toml: image\.reference: is an image of profile "gnzsnz-tws"/),
  ]);
});
