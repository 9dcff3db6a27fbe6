/** Failures that the user can mend, and how they are told. */

import { expect, test } from 'vitest';
import { ConfigError, ExitCode, formatProblem, type Problem, UserError } from '../src/errors.ts';

const FILE = '/etc/ibq/instances/4001.toml';

test.each<[Problem, string]>([
  [
    { file: FILE, key: 'vnc.port', message: 'should be a port (1-65535), got 70000' },
    `${FILE}: vnc.port: should be a port (1-65535), got 70000`,
  ],
  [{ file: FILE, message: 'is a directory' }, `${FILE}: is a directory`],
  [{ file: FILE, key: '', message: 'is empty' }, `${FILE}: is empty`],
  [{ file: FILE, line: 3, message: 'no closing quote' }, `${FILE}:3: no closing quote`],
])('%j', (problem, text) => {
  expect(formatProblem(problem)).toBe(text);
});

test('all problems of a configuration are one failure, a line each', () => {
  const problems = ['a', 'b'].map((key) => ({ file: FILE, key, message: 'is wrong' }));
  const error = new ConfigError(problems);
  expect(error).toBeInstanceOf(UserError);
  expect(error.exitCode).toBe(78);
  expect(error.problems).toEqual(problems);
  expect(error.message).toBe(`${FILE}: a: is wrong\n${FILE}: b: is wrong`);
});

test('a failure is 1 where nothing else is said', () => {
  expect(new UserError('no').exitCode).toBe(1);
});

test('the exit codes of the contract', () => {
  expect(Object.values(ExitCode)).toEqual([0, 1, 2, 3, 64, 69, 75, 77, 78, 130, 143]);
});
