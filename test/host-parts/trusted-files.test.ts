/** Who else could change what root acts on. Real files and links where links count. */

import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFiles } from '../../src/host/files.ts';
import {
  distrust,
  requireTrusted,
  requireTrustedFiles,
  trustedUsers,
} from '../../src/host/trusted-files.ts';
import { sampleConfig } from '../quadlet/sample.ts';

const ROOT = new Set([0]);
const TRADER = 1000;

describe('one file', () => {
  test.each<[string, Partial<Parameters<typeof distrust>[0]>, string | null]>([
    ["root's, 0644", {}, null],
    ["root's, 0640", { mode: 0o640, gid: 50 }, null],
    ["root's, of root's group", { mode: 0o664 }, null],
    ["root's, of another group", { mode: 0o664, gid: 50 }, 'can be written by group 50'],
    ['for everybody', { mode: 0o666 }, 'can be written by everybody'],
    ['a directory for everybody', { mode: 0o777, directory: true }, 'can be written by everybody'],
    ['/tmp', { mode: 0o1777, directory: true }, null],
    ["another's", { uid: TRADER, gid: TRADER }, 'belongs to user 1000'],
    ["another's, read-only", { uid: TRADER, mode: 0o400 }, 'belongs to user 1000'],
  ])('%s', (_title, changes, problem) => {
    const file = { uid: 0, gid: 0, mode: 0o644, directory: false, ...changes };
    expect(distrust(file, ROOT)).toBe(problem);
  });

  test('who typed sudo may own it, with a group of his own number', () => {
    const trusted = trustedUsers({ SUDO_UID: '1000' });
    const own = { uid: TRADER, gid: TRADER, mode: 0o664, directory: false };
    expect(distrust(own, trusted)).toBeNull();
    expect(distrust({ ...own, uid: 1001 }, trusted)).toBe('belongs to user 1001');
    expect(trustedUsers({ SUDO_UID: '1000 0x' })).toEqual(ROOT);
  });
});

describe.runIf(process.getuid?.() === 0)('a configuration', () => {
  let tree = '';
  const at = (path: string) => join(tree, path);
  const check = () => requireTrusted(openFiles(null), at('etc/ibq.toml'), {});
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'ibq-trust-'));
    mkdirSync(at('etc/instances'), { recursive: true, mode: 0o755 });
    mkdirSync(at('home/inst'), { recursive: true, mode: 0o755 });
    for (const file of ['etc/ibq.toml', 'etc/instances/4001.toml', 'home/inst/4001.toml']) {
      writeFileSync(at(file), '', { mode: 0o640 });
    }
  });
  afterEach(() => rmSync(tree, { recursive: true }));

  test("of root's is taken", () => expect(check).not.toThrow());

  test.each<[string, () => void, string]>([
    [
      'its directory for everybody',
      () => chmodSync(at('etc'), 0o777),
      'etc: can be written by everybody',
    ],
    ['instances/ for everybody', () => chmodSync(at('etc/instances'), 0o777), 'etc/instances: can'],
    [
      "an instance's file of another",
      () => chownSync(at('etc/instances/4001.toml'), TRADER, 0),
      '4001.toml: belongs to user 1000',
    ],
    ['ibq.toml for everybody', () => chmodSync(at('etc/ibq.toml'), 0o666), 'etc/ibq.toml: can'],
    [
      "instances as a link into another's directory",
      () => {
        chownSync(at('home'), TRADER, TRADER);
        rmSync(at('etc/instances'), { recursive: true });
        symlinkSync(at('home/inst'), at('etc/instances'));
      },
      'home: belongs to user 1000; sudo chown root:root',
    ],
    [
      "a file as a link to another's",
      () => {
        chownSync(at('home/inst/4001.toml'), TRADER, TRADER);
        rmSync(at('etc/instances/4001.toml'));
        symlinkSync('../../home/inst/4001.toml', at('etc/instances/4001.toml'));
      },
      'home/inst/4001.toml: belongs to user 1000',
    ],
  ])('%s is refused', (_title, change, said) => {
    change();
    expect(check).toThrow(
      expect.objectContaining({ exitCode: 78, message: expect.stringContaining(said) }),
    );
  });

  test('a file that an instance names is looked at as well', () => {
    writeFileSync(at('home/jts.ini'), '', { mode: 0o644 });
    const { instances } = sampleConfig();
    const [first] = instances;
    if (first === undefined) throw new Error('the sample has instances');
    const settings = { ...first.settings, custom_config: { jts: at('home/jts.ini'), ibc: null } };
    const config = { ...sampleConfig(), instances: [{ ...first, settings }] };
    expect(() => requireTrustedFiles(config, {})).not.toThrow();
    chownSync(at('home/jts.ini'), TRADER, TRADER);
    expect(() => requireTrustedFiles(config, {})).toThrow(/jts\.ini: belongs to user 1000/);
    expect(() => requireTrustedFiles(config, { SUDO_UID: '1000' })).not.toThrow();
  });

  test('what is not there yet is no fault', () => {
    rmSync(at('etc'), { recursive: true });
    expect(check).not.toThrow();
  });
});
