/** What keeps an instance from being started: each with its cure, all together. */

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { lack, lacksOf, refuseLacks } from '../../src/host/lacks.ts';
import {
  hostLacks,
  imageLacks,
  partLacks,
  pathLacks,
  secretLacks,
  withoutIdmaps,
} from '../../src/host/preconditions.ts';
import { libraryDirectory } from '../../src/host/shipped.ts';
import type { StartNeeds } from '../../src/plan/start-needs.ts';
import { sandbox } from '../support/sandbox.ts';

const NEEDS: StartNeeds = {
  name: '4001',
  image: 'localhost/x:1',
  secrets: [],
  hostPaths: [],
  ownUsers: false,
  networks: ['ibq-publish-01234567'],
  ports: [{ title: 'port', publish: '127.0.0.1:4001' }],
  parent: null,
};

const texts = (lacks: { text: string }[]) => lacks.map(({ text }) => text);

describe('all that is lacking is told at once', () => {
  test.each<[string, number[], number]>([
    ['a part goes before the configuration', [1, 78, 69], 69],
    ['the configuration before the rest', [1, 78], 78],
    ['the rest', [1], 1],
  ])('%s', (_title, codes, exitCode) => {
    const lacks = codes.map((code) => lack(code as 1, `lack ${code}`));
    const message = `${texts(lacks).join('\n')}\nnothing was restarted`;
    expect(() => refuseLacks(lacks, 'nothing was restarted')).toThrow(
      expect.objectContaining({ exitCode, message }),
    );
  });

  test('the same of two instances once; of nothing nothing', () => {
    expect(() => refuseLacks([lack(1, 'a'), lack(1, 'a')])).toThrow(/^a\nnothing was changed$/);
    expect(() => refuseLacks([])).not.toThrow();
  });

  test('an error of a look is one of them, a bug is not', async () => {
    const look = () => {
      throw new UserError('a\nb', 69);
    };
    expect(await lacksOf(look)).toEqual([lack(69, 'a'), lack(69, 'b')]);
    await expect(lacksOf(() => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
  });
});

describe('parts', () => {
  const lib = libraryDirectory();
  const all = ['/usr/bin/netavark', '/usr/sbin/nft', '/usr/bin/nsenter'];
  const own = ['guard', 'settings', 'login-guard'].map((name) => `${lib}/${name}`);
  function host(without: string[] = [], unfit: string[] = []) {
    const sand = sandbox();
    for (const path of [...all, `${lib}/hooks.d/ibq-guard.json`, ...own]) {
      if (without.includes(path)) continue;
      sand.write(path, '');
      chmodSync(join(sand.root, path), unfit.includes(path) ? 0o644 : 0o755);
    }
    return sand.context.host;
  }

  test('all there', () => expect(partLacks(host())).toEqual([]));

  test.each<[string, string[], string[], RegExp]>([
    ['nft', ['/usr/sbin/nft'], [], /^this host lacks nft, .*install the package nftables$/],
    [
      'the hook',
      [`${lib}/hooks.d/ibq-guard.json`],
      [],
      /^this host lacks the guard in .*install.sh$/,
    ],
    [
      'guard without x',
      [],
      [`${lib}/guard`],
      /guard should be a program, can't be run; run "sudo chmod 755 /,
    ],
    [
      'login-guard',
      [`${lib}/login-guard`],
      [],
      /login-guard should be a program, is missing; install ibq/,
    ],
  ])('%s', (_title, without, unfit, text) => {
    const lacks = partLacks(host(without, unfit));
    expect(texts(lacks)).toEqual([expect.stringMatching(text)]);
    expect(lacks[0]?.exitCode).toBe(69);
  });
});

describe('the host (192.168.1.10)', () => {
  const onLan = { ...NEEDS, parent: 'eth1' };
  function lacks(needs: StartNeeds, files: Record<string, string> = {}) {
    return hostLacks(sandbox(files, {}, 'plain-server').context.host, [needs]);
  }

  test('has all of it', () => expect(lacks(NEEDS)).toEqual([]));

  test.each<[string, StartNeeds, number, RegExp]>([
    [
      'an interface that is gone',
      { ...onLan, parent: 'enp7s0' },
      69,
      /^interface enp7s0, .* is gone; /,
    ],
    [
      'an address that it has no more',
      { ...NEEDS, ports: [{ title: 'port', publish: '10.77.0.6:4001' }] },
      78,
      /^10\.77\.0\.6, on which ports are published, is no address of this host \(it has 192\.168\.1\.10\); /,
    ],
    [
      'a network of the user that is gone',
      { ...NEEDS, networks: ['web'] },
      78,
      /^instance 4001: Podman has no network web, .*sudo podman network create web/,
    ],
  ])('%s', (_title, needs, exitCode, text) => {
    expect(lacks(needs)).toEqual([{ exitCode, text: expect.stringMatching(text) }]);
  });

  test('any address, where programs may listen on those that it does not have', () => {
    const far = { ...NEEDS, ports: [{ title: 'port', publish: '10.77.0.6:4001' }] };
    expect(lacks(far, { '/proc/sys/net/ipv4/ip_nonlocal_bind': '1\n' })).toEqual([]);
  });

  test('networks of ibq are none of it: their units make them again', () => {
    expect(lacks({ ...NEEDS, networks: ['ibq-lan-01234567', 'podman'] })).toEqual([]);
  });
});

describe('secrets and images', () => {
  const secret = {
    name: 'ibq-4001-password',
    key: 'password',
    mend: 'sudo ibq secret set 4001 password',
  };

  test('a secret that is not set: 78, and what sets it', () => {
    const needs = [{ ...NEEDS, secrets: [secret] }];
    expect(secretLacks(needs, { secrets: new Set(['ibq-4001-password']) })).toEqual([]);
    expect(secretLacks(needs, { secrets: new Set() })).toEqual([
      lack(78, 'instance 4001: its password is not set; run "sudo ibq secret set 4001 password"'),
    ]);
  });

  test.each<[string, boolean, RegExp | null]>([
    ['localhost/x:1', true, /^image localhost\/x:1 is not on this host; build or load it first/],
    ['ghcr.io/a/b:1', true, null],
    [
      'ghcr.io/a/b:1',
      false,
      /^image ghcr\.io\/a\/b:1 is not on this host; run "sudo podman pull ghcr/,
    ],
  ])('image %s, pulled first: %s', (reference, pulled, text) => {
    const found = imageLacks([reference], { images: new Map() }, { pulled });
    expect(texts(found)).toEqual(text === null ? [] : [expect.stringMatching(text)]);
    expect(imageLacks([reference], { images: new Map([[reference, 'd']]) }, { pulled })).toEqual(
      [],
    );
  });
});

describe('volumes of the host', () => {
  const mounts = (...hostPaths: string[]) => [{ ...NEEDS, hostPaths }];

  test('that are there', () => {
    const { context } = sandbox({ '/srv/scripts/x': '' });
    expect(pathLacks(context.host, mounts('/srv/scripts'))).toEqual([]);
  });

  test('that are not: 78, each with what makes it', () => {
    const { context } = sandbox();
    const found = pathLacks(context.host, mounts('/srv/a', '/srv/b'));
    expect(found[0]).toEqual(
      lack(
        78,
        'instance 4001: /srv/a, which its volumes name, is not there; make it ("sudo mkdir -p /srv/a"), or correct volumes',
      ),
    );
    expect(texts(found)[1]).toContain('/srv/b');
  });

  test('a path that can be idmapped', () => {
    const sand = sandbox();
    mkdirSync(join(sand.root, 'tmp'), { recursive: true });
    const needs = [{ ...NEEDS, hostPaths: ['/tmp'], ownUsers: true }];
    // The machine's own /tmp is asked, which is no NFS.
    expect(texts(pathLacks(sand.context.host, needs)).filter((it) => /NFS/.test(it))).toEqual([]);
  });

  test.each<[string, number, string | null]>([
    ['NFS', 0x6969, 'NFS'],
    ['CIFS, whose number has its highest bit set', 0xff53_4d42 | 0, 'CIFS'],
    ['a container of its own', 0x794c_7630, 'overlay'],
    ['ext4', 0xef53, null],
    ['XFS', 0x5846_5342, null],
  ])('file system %s', (_title, type, name) => {
    expect(withoutIdmaps(type)).toBe(name);
  });
});
