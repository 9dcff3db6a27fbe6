/** Files that the configuration names, and the secrets that hold them. */

import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { surplusFileSecrets } from '../../src/host/file-secrets.ts';
import { sandbox } from '../support/sandbox.ts';

const PATH = '/etc/ibq/files/x';

function chosen(make: (path: string) => unknown) {
  const sand = sandbox({ '/etc/ibq/files/real': 'text\n' });
  make(join(sand.root, PATH));
  return sand.context.host.files.readChosen(PATH);
}

describe('a chosen file', () => {
  test('is its text, and whether everybody may read it', () => {
    const write = (mode: number) => (path: string) => {
      writeFileSync(path, 'a\r\nü\n');
      chmodSync(path, mode);
    };
    expect(chosen(write(0o600))).toEqual({ kind: 'text', text: 'a\r\nü\n', forAll: false });
    expect(chosen(write(0o644))).toMatchObject({ forAll: true });
  });

  test('may be behind a link', () => {
    expect(chosen((path) => symlinkSync('real', path))).toMatchObject({ text: 'text\n' });
  });

  test.each<[string, (path: string) => unknown, RegExp]>([
    ['nothing', () => {}, /^should be a file, is not there$/],
    ['a link to nothing', (path) => symlinkSync('gone', path), /is not there$/],
    ['a directory', (path) => mkdirSync(path), /^should be a plain file, is none$/],
    ['an empty file', (path) => writeFileSync(path, '\n'), /^should not be empty$/],
    [
      'too much',
      (path) => writeFileSync(path, 'a'.repeat(512_000)),
      /^should be shorter than 512 kB/,
    ],
    [
      'bytes',
      (path) => writeFileSync(path, Buffer.from([0x61, 0xff])),
      /^should be text in UTF-8$/,
    ],
    ['NUL', (path) => writeFileSync(path, 'a\0b'), /has NUL characters$/],
  ])('is refused where there is %s', (_, make, why) => {
    expect(chosen(make)).toEqual({ kind: 'unfit', why: expect.stringMatching(why) });
  });

  test('is refused where there is a pipe, without waiting for a writer', async () => {
    const sand = sandbox({ '/etc/ibq/files/real': '' });
    await execa('mkfifo', [join(sand.root, PATH)]);
    expect(sand.context.host.files.readChosen(PATH)).toMatchObject({ kind: 'unfit' });
  });
});

test('a secret with a file goes when no generation on disk names it', () => {
  const name = (digit: string) => `ibq-4001-config_ini-${digit.repeat(16)}`;
  const dropIn = (number: number) =>
    `/etc/ibq/generations/${number}/units/ib-gateway@4001.container.d/10-ibq.conf`;
  const { context } = sandbox({
    [dropIn(1)]: `Secret=${name('1')},type=mount\n`,
    [dropIn(2)]: `Secret=${name('2')},type=mount\n`,
  });
  const secrets = ['1', '2', '3', '4'].map(name);
  const others = ['ibq-4001-password', 'mine-config_ini-0123456789abcdef'];
  const surplus = surplusFileSecrets(context.host.files, [1, 2], new Set([...secrets, ...others]), [
    name('4'),
  ]);
  expect(surplus).toEqual([name('3')]);
});
