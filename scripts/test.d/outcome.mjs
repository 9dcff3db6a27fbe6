/** What a job left behind: how much passed and failed, and what it waited for. */

import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {Record<string, { times: number; ms: number }>} waits by what was waited for
 * @property {number} hostCpu seconds of the host's own
 * @property {string[]} failures the tests that failed, each with the first line of its reason
 */

/**
 * @param {object} files
 * @param {string} files.report of Vitest, as JSON
 * @param {string} files.times lines of test/host/times.ts
 * @returns {Outcome}
 */
export function outcomeOf({ report, times }) {
  const entries = existsSync(times)
    ? readFileSync(times, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
  const waits = {};
  let hostCpu = 0;
  let absent = false;
  for (const { what, ms = 0, cpu = 0, notHere = false } of entries) {
    hostCpu += cpu / 1000;
    absent ||= notHere;
    if (what === undefined) continue;
    waits[what] ??= { times: 0, ms: 0 };
    waits[what].times += 1;
    waits[what].ms += ms;
  }
  return { ...counts(report, absent), waits, hostCpu };
}

/**
 * No report, or a report without a test, is a failure, unless the file said that it is not for
 * this host.
 */
function counts(report, absent) {
  if (!existsSync(report)) return { passed: 0, failed: 1, failures: ['it ended without a report'] };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPassedTests + numFailedTests === 0) {
    return { passed: 0, failed: absent ? 0 : 1, failures: absent ? [] : ['no test ran'] };
  }
  // A file or a group whose hook failed has no failed test to count.
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  const failures = testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(
        ({ fullName, failureMessages }) => `${fullName.trim()}: ${firstLine(failureMessages[0])}`,
      ),
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + broken.length,
    failures: [...failures, ...broken.map(({ message }) => firstLine(message))],
  };
}

function firstLine(text = '') {
  return text.split('\n', 1)[0];
}
