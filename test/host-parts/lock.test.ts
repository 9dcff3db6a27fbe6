/** One ibq at a time, and an interrupt between two steps: with processes of their own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { withLock } from '../../src/host/lock.ts';
import { openHost } from '../../src/host/open.ts';
import { bundleScript } from '../support/bundle.ts';
import { type Child, startChild } from '../support/child.ts';
import { temporaryDirectory } from '../support/sandbox.ts';

const HOLDER = `
import { withInterrupt } from './src/host/interrupt.ts';
import { withLock } from './src/host/lock.ts';
import { openHost } from './src/host/open.ts';

const [root = ''] = process.argv.slice(2);
const host = openHost({ root, verbose: () => {} });
const alive = setInterval(() => {}, 1000);
withInterrupt(
  () => console.log('asked'),
  (interrupt) =>
    withLock(host, 'deploy', async () => {
      console.log('holds');
      await interrupt.requested;
      await new Promise((resolve) => setTimeout(resolve, 300));
      console.log('finished the step');
      process.exitCode = interrupt.exitCode ?? 0;
    }),
)
  .catch((error) => {
    console.error(error.message);
    process.exitCode = error.exitCode;
  })
  .finally(() => clearInterval(alive));
`;

let directory = '';
let script = '';
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ibq-lock-'));
  // One test is run by another user.
  chmodSync(directory, 0o755);
  script = await bundleScript(HOLDER, directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function start(root: string): Child {
  return startChild([process.execPath, script, root]);
}

async function startHolder(root: string): Promise<Child> {
  const child = start(root);
  await child.said('holds');
  return child;
}

describe('the lock', () => {
  test('a second ibq gets 75 and the name of the first', async () => {
    const root = temporaryDirectory();
    const first = await startHolder(root);
    const second = start(root);
    expect(await second.ended).toBe(75);
    expect(second.stderr).toMatch(
      new RegExp(
        `^another ibq is at work: pid ${first.process.pid}, "ibq deploy", since [\\dT:.-]+Z; wait for it and repeat\n$`,
      ),
    );
  });

  test('is free when the first has ended', async () => {
    const root = temporaryDirectory();
    const first = await startHolder(root);
    first.process.kill('SIGINT');
    await first.ended;
    await startHolder(root);
  });

  test('is free when the first was killed', async () => {
    const root = temporaryDirectory();
    const first = await startHolder(root);
    first.process.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    await startHolder(root);
  });

  test('is free at once after an action that failed, in one process too', async () => {
    const root = temporaryDirectory();
    const host = openHost({ root, verbose: () => {} });
    const failing = withLock(host, 'deploy', () => Promise.reject(new Error('step failed')));
    await expect(failing).rejects.toThrow('step failed');
    const named = () => readFileSync(join(root, 'run/ibq/lock'), 'utf8');
    expect(await withLock(host, 'plan', async () => named())).toContain('"ibq plan"');
    // The next holder is not taken for this one.
    expect(named()).toBe('');
  });

  test('one that can’t be taken is no other ibq', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'run/ibq'), { recursive: true });
    // A socket can't be opened, not by root either.
    const server = createServer().listen(join(root, 'run/ibq/lock'));
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const host = openHost({ root, verbose: () => {} });
    await expect(withLock(host, 'deploy', async () => {})).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^cannot open the lock .*\/run\/ibq\/lock: .+/),
    });
  });

  test('is for its owner alone, also one that an older ibq left', async () => {
    const root = temporaryDirectory();
    const file = join(root, 'run/ibq/lock');
    mkdirSync(join(root, 'run/ibq'), { recursive: true });
    writeFileSync(file, '', { mode: 0o644 });
    const host = openHost({ root, verbose: () => {} });
    await withLock(host, 'deploy', async () => {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    });
  });

  test('what the holder starts does not inherit it', async () => {
    const root = temporaryDirectory();
    const host = openHost({ root, verbose: () => {} });
    const left = await withLock(host, 'deploy', async () =>
      spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }),
    );
    onTestFinished(() => void left.kill());
    await withLock(host, 'plan', async () => {});
  });

  test('a lock of somebody else ends with 77 and lets nobody wait', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'run/ibq'), { recursive: true });
    writeFileSync(join(root, 'run/ibq/lock'), '', { mode: 0o600 });
    chmodSync(root, 0o755);
    const nobody = 65534;
    chownSync(join(root, 'run/ibq'), nobody, nobody);
    const child = startChild([
      'setpriv',
      `--reuid=${nobody}`,
      `--regid=${nobody}`,
      '--clear-groups',
      process.execPath,
      script,
      root,
    ]);
    expect(await child.ended).toBe(77);
    expect(child.stderr).toMatch(
      /^cannot open the lock .*: permission denied; run it with sudo\n$/,
    );
  });

  test('is never a link: --root writes nothing outside', async () => {
    const root = temporaryDirectory();
    const outside = join(temporaryDirectory(), 'file');
    writeFileSync(outside, 'mine');
    mkdirSync(join(root, 'run/ibq'), { recursive: true });
    symlinkSync(outside, join(root, 'run/ibq/lock'));
    const host = openHost({ root, verbose: () => {} });
    await expect(withLock(host, 'deploy', async () => {})).rejects.toThrow(
      '/run/ibq/lock should be a file, is a link; remove it',
    );
    expect(readFileSync(outside, 'utf8')).toBe('mine');
  });
});

describe('an interrupt', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: the step in hand is finished, then %d', async (signal, exitCode) => {
    const child = await startHolder(temporaryDirectory());
    child.process.kill(signal);
    expect(await child.ended).toBe(exitCode);
    expect(child.stdout).toBe('holds\nasked\nfinished the step\n');
  });

  test('a second one ends ibq at once, and the lock is free', async () => {
    const root = temporaryDirectory();
    const child = await startHolder(root);
    child.process.kill('SIGINT');
    await child.said('asked');
    child.process.kill('SIGINT');
    expect(await child.ended).toBe(130);
    expect(child.stdout).not.toContain('finished');
    await startHolder(root);
  });
});
