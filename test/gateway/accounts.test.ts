/** Accounts of the other kind. */

import { expect, test } from 'vitest';
import { accountProblems } from '../../src/gateway/accounts.ts';

test.each([
  ['paper', ['DU123'], []],
  ['paper', ['DUM0123', 'DF45'], []],
  ['live', ['U123', 'F45'], []],
  ['live', [], []],
  // Neither kind: nothing is said of what is not known.
  ['paper', ['X1', ''], []],
  [
    'paper',
    ['U123'],
    ['U123 is a live account, and this is a paper gateway: orders sent here are real'],
  ],
  [
    'paper',
    ['DU1', 'F2', 'U3'],
    ['F2, U3 are live accounts, and this is a paper gateway: orders sent here are real'],
  ],
  [
    'live',
    ['DU123'],
    ['DU123 is a paper account, and this is a live gateway: orders sent here are simulated'],
  ],
  [
    'live',
    ['DF1', 'U2'],
    ['DF1 is a paper account, and this is a live gateway: orders sent here are simulated'],
  ],
] as const)('%s %j', (mode, accounts, expected) => {
  expect(accountProblems(mode, accounts)).toEqual(expected);
});
