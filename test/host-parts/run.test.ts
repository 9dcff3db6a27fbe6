/** Starting other programs: real ones. */

import { describe, expect, test } from 'vitest';
import type { RunOptions, RunResult } from '../../src/host/host.ts';
import { openHost } from '../../src/host/open.ts';
import { attacher, runner } from '../../src/host/run.ts';
import { temporaryDirectory } from '../support/sandbox.ts';

const run = runner(() => {});
const sh = (script: string, options?: RunOptions) => run(['sh', '-c', script], options);

test.each<[string, string, RunOptions, Partial<RunResult>]>([
  ['success', 'echo out; echo err >&2', {}, { stdout: 'out\n', stderr: 'err\n', exitCode: 0 }],
  ['a failure is a result', 'exit 7', {}, { exitCode: 7, failure: null }],
  ['input', 'cat', { input: 'a\nb' }, { stdout: 'a\nb' }],
  ['without input there is none: nothing waits for a terminal', 'cat', {}, { stdout: '' }],
  ['input that nobody reads', 'true', { input: 'x'.repeat(1_000_000) }, { exitCode: 0 }],
  ['the last newlines stay', 'printf "a\\n\\n"', {}, { stdout: 'a\n\n' }],
  ['environment', 'echo $A', { env: { A: 'b' } }, { stdout: 'b\n' }],
  ['one language for messages', 'echo $LC_ALL', {}, { stdout: 'C.UTF-8\n' }],
  ['killed', 'kill -9 $$', {}, { exitCode: null, failure: 'signal' }],
])('%s', async (_title, script, options, expected) => {
  expect(await sh(script, options)).toMatchObject(expected);
});

test('a program that is not installed', async () => {
  expect(await run(['ibq-no-such-program'])).toEqual({
    stdout: '',
    stderr: '',
    exitCode: null,
    failure: 'not-found',
  });
});

test('who waits hears for what, once for all that are slow together', async () => {
  const told: string[] = [];
  const slow = runner(
    () => {},
    (line) => told.push(line),
  );
  await Promise.all([
    slow(['sh', '-c', 'sleep 4.5', 'a', 'b', 'c', 'd']),
    slow(['sleep', '4.4']),
    slow(['true']),
  ]);
  expect(told).toEqual(["still waiting for: sh -c 'sleep 4.5' a b c"]);
});

describe('a program that does not end', () => {
  const timeoutMs = 200;
  /** Milliseconds; half of what the programs would take by themselves. */
  const HALF = 60_000;
  test.each([
    ['itself', 'echo out; exec sleep 120'],
    ['by a child that holds its output', 'echo out; sleep 120 & wait'],
    ['by a child that outlives it', 'echo out; sleep 120 & trap "exit 0" TERM; wait'],
  ])('%s: is ended in time, and what it said is kept', async (_title, script) => {
    const start = performance.now();
    expect(await sh(script, { timeoutMs })).toMatchObject({
      stdout: 'out\n',
      exitCode: null,
      failure: 'timed-out',
    });
    expect(performance.now() - start).toBeLessThan(HALF);
  });

  test('deaf to the polite signal: two seconds later', async () => {
    const start = performance.now();
    const result = await sh('trap "" TERM; sleep 120', { timeoutMs });
    expect(result.failure).toBe('timed-out');
    expect(performance.now() - start).toBeLessThan(HALF);
  });

  test('in a session of its own: is no longer waited for', async () => {
    const start = performance.now();
    const result = await sh('setsid sleep 120 & wait', { timeoutMs });
    expect(result.failure).toBe('timed-out');
    expect(performance.now() - start).toBeLessThan(HALF);
  });
});

test('lines of standard error as they come: whole, the last one too, letters unbroken', async () => {
  const lines: string[] = [];
  await sh('printf "one\\ntw\\303" >&2; sleep 0.1; printf "\\266\\r\\n\\nthree" >&2', {
    onStderrLine: (line) => lines.push(line),
  });
  expect(lines).toEqual(['one', 'twö', 'three']);
});

test('-v shows the command line, never its input', async () => {
  const lines: string[] = [];
  await runner((line) => void lines.push(line))(['cat', '-', "it's"], { input: 'secret' });
  expect(lines).toEqual(["cat - 'it'\\''s'"]);
});

describe('attach', () => {
  const attach = attacher(() => {});
  test.each([
    [['sh', '-c', 'exit 3'], 3],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['sh', '-c', 'kill -9 $$'], 137],
  ] as const)('%j ends with %d', async (argv, exitCode) => {
    expect(await attach(argv as unknown as [string, ...string[]])).toBe(exitCode);
  });

  test('a program that is not installed', async () => {
    await expect(attach(['ibq-no-such-program'])).rejects.toMatchObject({
      message: 'ibq-no-such-program is not installed',
      exitCode: 69,
    });
  });
});

describe('openHost', () => {
  test('with --root nothing is started: that would be a bug', async () => {
    const host = openHost({ root: temporaryDirectory(), verbose: () => {} });
    await expect(host.run(['true'])).rejects.toThrow('--root: true should not have been started');
    await expect(host.attach(['true'])).rejects.toThrow('--root: true should not');
  });

  test('--root that is not there', () => {
    const root = `${temporaryDirectory()}/absent`;
    expect(() => openHost({ root, verbose: () => {} })).toThrow(
      `--root ${root}: should be a directory, is not there`,
    );
  });

  test('--root that is a file', () => {
    const root = `${temporaryDirectory()}/file`;
    openHost({ root: null, verbose: () => {} }).files.writeText(root, '');
    expect(() => openHost({ root, verbose: () => {} })).toThrow(
      `--root ${root}: should be a directory, is a file`,
    );
  });
});
