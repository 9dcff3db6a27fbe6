/** The bundle, as it is installed: how it starts and how it ends. */

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withSystemPrograms } from '../src/main.ts';
import { type Child, startChild } from './support/child.ts';
import { sandbox, temporaryDirectory } from './support/sandbox.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

const CONFIGURED = { '/etc/ibq/instances/4001.toml': 'user = "u"\nmode = "paper"\n' };

let directory = '';
let ibq = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ibq-cli-'));
  ibq = join(directory, 'dist/ibq.cjs');
  execFileSync(process.execPath, ['scripts/build.mjs', ibq], { cwd: PROJECT });
  cpSync(join(PROJECT, 'quadlets'), join(directory, 'quadlets'), { recursive: true });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(
  args: readonly string[],
): Promise<{ exitCode: Awaited<Child['ended']>; out: string; err: string }> {
  const child = startChild([process.execPath, ibq, ...args]);
  child.process.stdin.end();
  const exitCode = await child.ended;
  return { exitCode, out: child.stdout, err: child.stderr };
}

/** A shell line with `ibq` in it. */
async function shell(line: string): Promise<Child> {
  const script = `ibq() { "${process.execPath}" "${ibq}" "$@"; }; ${line}`;
  const child = startChild(['bash', '-c', script]);
  await child.ended;
  return child;
}

describe('starts', () => {
  test('--version', async () => {
    expect(await run(['--version'])).toEqual({
      exitCode: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      err: '',
    });
  });

  test('--help', async () => {
    const { exitCode, out } = await run(['--help']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Usage: ibq \[options\] \[command\]\n/);
  });

  test('a real command, under --root', async () => {
    const { root } = sandbox(CONFIGURED);
    const { exitCode, out } = await run(['instance', 'list', '--json', '--root', root]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ schemaVersion: 1, instances: [{ name: '4001' }] });
  });

  test('plan --detailed-exitcode, with the shipped templates', async () => {
    const { root } = sandbox(CONFIGURED);
    const { exitCode, out } = await run(['plan', '--detailed-exitcode', '--root', root]);
    expect(exitCode).toBe(2);
    expect(out).toContain('+ 4001: new');
  });
});

describe('after its code was compiled', () => {
  const place = () => join(directory, 'compiled');
  beforeAll(() => {
    cpSync(dirname(ibq), join(place(), 'dist'), { recursive: true });
    cpSync(join(PROJECT, 'quadlets'), join(place(), 'quadlets'), { recursive: true });
    execFileSync(process.execPath, [join(place(), 'dist/parts/compile.cjs')]);
  });

  test('what every verb needs is kept, and nothing else is left', () => {
    const left = readdirSync(join(place(), 'dist/parts')).filter((it) => !it.endsWith('.cjs'));
    expect(left).toEqual(['execa.code', 'main.code', 'systeminformation.code']);
  });

  test.each(['--help', 'instance list --json --root ROOT', 'network show --root ROOT', 'plam'])(
    '%s says the same',
    async (line) => {
      const { root } = sandbox(CONFIGURED);
      const args = line.replace('ROOT', root).split(' ');
      const child = startChild([process.execPath, join(place(), 'dist/ibq.cjs'), ...args]);
      child.process.stdin.end();
      const exitCode = await child.ended;
      const out = child.stdout.replaceAll(place(), directory);
      expect({ exitCode, out, err: child.stderr }).toEqual(await run(args));
    },
  );
});

describe('ends', () => {
  test('a usage error: 64', async () => {
    const { exitCode, out, err } = await run(['plam']);
    expect({ exitCode, out }).toEqual({ exitCode: 64, out: '' });
    expect(err).toContain("ibq: unknown command 'plam'\n(Did you mean plan?)");
  });

  test('a failure that the user can mend: its code, its words, no trace', async () => {
    const root = `${temporaryDirectory()}/absent`;
    expect(await run(['plan', '--root', root])).toEqual({
      exitCode: 64,
      out: '',
      err: `ibq: --root ${root}: should be a directory, is not there\n`,
    });
  });

  test('all problems of a configuration, a line each: 78', async () => {
    const { root } = sandbox({
      '/etc/ibq/instances/4001.toml': 'mode = "x"\nport = 70000\n',
    });
    const { exitCode, err } = await run(['instance', 'list', '--root', root]);
    expect(exitCode).toBe(78);
    const lines = err.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines)
      expect(line).toMatch(/^ibq: \/etc\/ibq\/instances\/4001\.toml: \w+: /);
  });

  test('patterns of other signs than ASCII mean what they say', async () => {
    for (const part of readdirSync(join(dirname(ibq), 'parts'))) {
      expect(readFileSync(join(dirname(ibq), 'parts', part)).every((byte) => byte < 128)).toBe(
        true,
      );
    }
    const { root } = sandbox({ '/etc/ibq/instances/4001.toml': 'user = “u”\n' });
    const { err } = await run(['instance', 'list', '--root', root]);
    expect(err).toContain('quotes should be straight: write user = "u"');
  });

  test('an option that Node knows too is ibq’s', async () => {
    const file = join(temporaryDirectory(), 'env');
    writeFileSync(file, 'NODE_OPTIONS=--bogus\n');
    const child = startChild([ibq, 'import', 'compose', 'x', '--env-file', file]);
    expect(await child.ended).toBe(64);
    expect(child.stderr).toContain("unknown option '--env-file'\n(Did you mean --variables?)");
  });

  test('an installation that lacks its templates says so', async () => {
    const alone = join(temporaryDirectory(), 'ibq.cjs');
    cpSync(dirname(ibq), dirname(alone), { recursive: true });
    const { root } = sandbox(CONFIGURED);
    const child = startChild([process.execPath, alone, 'plan', '--root', root]);
    expect(await child.ended).toBe(69);
    expect(child.stderr).toMatch(/^ibq: no quadlets\/ above .*; install ibq again\n$/);
  });

  test('a bug: 1, a trace and the version to report it with', async () => {
    const broken = join(temporaryDirectory(), 'dist/ibq.cjs');
    mkdirSync(join(broken, '../../quadlets'), { recursive: true });
    cpSync(dirname(ibq), dirname(broken), { recursive: true });
    // A shipped template that is there, and a second one that is not: no user did that.
    writeFileSync(join(broken, '../../quadlets/ib-gateway@.container'), '[Container]\n');
    const { root } = sandbox(CONFIGURED);
    const child = startChild([process.execPath, broken, 'plan', '--root', root]);
    expect(await child.ended).toBe(1);
    expect(child.stderr).toMatch(
      /^ibq: this is a bug in ibq \d+\.\d+\.\d+; please report it with these lines:\nError: .*\n {4}at /,
    );
  });

  test.each(['--help', 'plan --root ROOT'])(
    '%s | head -1: whoever reads has had enough',
    async (args) => {
      const { root } = sandbox(CONFIGURED);
      const { stdout, stderr } = await shell(
        `ibq ${args.replace('ROOT', root)} | head -1; echo "\${PIPESTATUS[0]}"`,
      );
      expect(stderr).not.toContain('EPIPE');
      expect(stdout.split('\n')).toHaveLength(3);
      expect(stdout).toMatch(/\n0\n$/);
    },
  );

  test('a full disk under stdout is a failure that says so', async () => {
    const { stdout, stderr } = await shell('ibq --help >/dev/full; echo $?');
    expect(stdout).toBe('1\n');
    expect(stderr).toMatch(/^ibq: cannot write to standard output: ENOSPC/);
  });

  test('nobody reads the progress: the deploy is done all the same', async () => {
    const { root, read } = sandbox({
      ...CONFIGURED,
      '/etc/ibq/ibq.toml': '[network]\nmode = "bridge"\n',
    });
    const { stdout } = await shell(
      `ibq deploy --root ${root} 2> >(exec true); echo "$?"; ibq plan --root ${root}`,
    );
    expect(stdout).toBe('0\nnothing to do\n');
    expect(read('/etc/ibq/current/manifest.json')).not.toBeNull();
  });
});

test.each([
  ['/usr/local/bin:/usr/bin:/bin', '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'],
  ['/usr/sbin:/usr/bin', '/usr/sbin:/usr/bin:/usr/local/sbin:/sbin'],
  [undefined, '/usr/local/sbin:/usr/sbin:/sbin'],
])('root’s own programs are found with PATH=%s', (path, whole) => {
  expect(withSystemPrograms(path)).toBe(whole);
});
