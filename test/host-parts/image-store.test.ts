/** Which image a container runs, and whether its tag names another one by now: by the files of Podman's storage. */

import { describe, expect, test } from 'vitest';
import { readRunningImages } from '../../src/host/image-store.ts';
import { storageOf } from '../support/image-store.ts';
import { sandbox } from '../support/sandbox.ts';

const CONTAINER = 'c0ffee'.padEnd(64, '0');
const OLD = { id: 'a'.repeat(64), digest: `sha256:${'1'.repeat(64)}` };
const NEW = { id: 'b'.repeat(64), digest: `sha256:${'2'.repeat(64)}` };
const REFERENCE = 'ghcr.io/gnzsnz/ib-gateway:stable';

function look(
  tree: Readonly<Record<string, string>>,
  reference = REFERENCE,
  container = CONTAINER,
) {
  const { files } = sandbox(tree).context.host;
  return readRunningImages(files, new Map([['4001', { container, reference }]])).get('4001');
}

describe('a container of Podman', () => {
  test('whose tag still names its image', () => {
    const tree = storageOf([{ ...OLD, names: [REFERENCE] }], { [CONTAINER]: OLD.id });
    expect(look(tree)).toEqual({ digest: OLD.digest, moved: false });
  });

  test('whose tag names another image by now', () => {
    const images = [
      { ...OLD, names: [] },
      { ...NEW, names: ['docker.io/other/name:1', REFERENCE] },
    ];
    expect(look(storageOf(images, { [CONTAINER]: OLD.id }))).toEqual({
      digest: OLD.digest,
      moved: true,
    });
  });

  test('a name without a tag means latest, whatever port its registry has', () => {
    const name = 'registry.lan:5000/ib-gateway';
    const tree = storageOf([OLD, { ...NEW, names: [`${name}:latest`] }], { [CONTAINER]: OLD.id });
    expect(look(tree, name)?.moved).toBe(true);
  });

  test.each([
    ['a name with a digest never moves', `ghcr.io/gnzsnz/ib-gateway@${OLD.digest}`],
    ['nor does one that has both', `${REFERENCE}@${OLD.digest}`],
    ['a name that the storage does not have says nothing', 'ib-gateway:stable'],
  ])('%s', (_, reference) => {
    const tree = storageOf([OLD, { ...NEW, names: [REFERENCE] }], { [CONTAINER]: OLD.id });
    expect(look(tree, reference)?.moved).toBe(false);
  });

  test('an image without a digest of its own', () => {
    const tree = storageOf([{ id: OLD.id, names: [REFERENCE] }], { [CONTAINER]: OLD.id });
    expect(look(tree)).toEqual({ digest: null, moved: false });
  });

  test('that is not removed when it ends stands in the other list', () => {
    const tree = storageOf(
      [{ ...NEW, names: [REFERENCE] }],
      { [CONTAINER]: OLD.id },
      {
        list: 'containers.json',
      },
    );
    expect(look(tree)?.moved).toBe(true);
  });

  test('lists that another driver left are not taken for its own', () => {
    const tree = {
      ...storageOf([{ ...OLD, names: [REFERENCE] }], { [CONTAINER]: OLD.id }),
      ...storageOf([{ ...NEW, names: [REFERENCE] }], {}, { driver: 'vfs' }),
    };
    expect(look(tree)?.moved).toBe(false);
  });

  test.each(['graphroot = "/srv/containers"', " graphroot = '/srv/containers' # disk"])(
    'the storage lies where storage.conf says: %s',
    (line) => {
      const root = '/srv/containers';
      const tree = {
        '/etc/containers/storage.conf': `[storage]\ndriver = "overlay"\n${line}\n`,
        ...storageOf([{ ...NEW, names: [REFERENCE] }], { [CONTAINER]: OLD.id }, { root }),
      };
      expect(look(tree)?.moved).toBe(true);
    },
  );
});

describe('nothing is said', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['where there is no storage', {}],
    ['of a container that the storage does not have', storageOf([OLD], {})],
    [
      'where a list is cut off',
      { '/var/lib/containers/storage/overlay-containers/volatile-containers.json': '[{"id":"c0' },
    ],
    [
      'where a list is none',
      { '/var/lib/containers/storage/overlay-containers/volatile-containers.json': '{"a":[null]}' },
    ],
    [
      'where its rows are of another form',
      { '/var/lib/containers/storage/overlay-containers/volatile-containers.json': '[null,1,{}]' },
    ],
  ])('%s', (_, tree) => {
    expect(look(tree)).toBeUndefined();
  });
});
