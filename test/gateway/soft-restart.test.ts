/** A soft restart: what IBC answers, and how far it is by the log. */

import { expect, test } from 'vitest';
import { followSoftRestart, readCommandAnswer } from '../../src/gateway/soft-restart.ts';

test.each([
  ['OK RESTART in progress\n', { kind: 'accepted', at: null }],
  ['INFO Restarting TWS\r\nOK RESTART in progress\r\n', { kind: 'accepted', at: null }],
  ['OK RESTART in progress\nOK RESTART at 09:41 AM\n', { kind: 'accepted', at: '09:41 AM' }],
  ['ERROR RESTART already in progress\n', { kind: 'refused', text: 'RESTART already in progress' }],
  ['', null],
  ['bash: connect: Connection refused\n', null],
])('%j', (text, answer) => {
  expect(readCommandAnswer(text)).toEqual(answer);
});

const FIRST = 'autorestart file not found: full authentication will be required';
const LOGIN = '2026-11-21 07:52:15:859 IBC: Login has completed';
const TOLD = '2026-11-21 07:52:10:100 IBC: CommandServer received command: RESTART';
const FOUND = 'autorestart file found at /x/autorestart: authentication will not be required';

test.each<[string, string[], number, object]>([
  ['not told yet', [FIRST, LOGIN], 1, { kind: 'under-way', full: false }],
  ['told', [FIRST, LOGIN, TOLD], 1, { kind: 'under-way', full: false }],
  ['back', [FIRST, LOGIN, TOLD, FOUND, LOGIN], 1, { kind: 'logged-in', full: false }],
  ['a full login after all', [LOGIN, TOLD, FIRST], 1, { kind: 'under-way', full: true }],
  ['back from one', [LOGIN, TOLD, FIRST, LOGIN], 1, { kind: 'logged-in', full: true }],
  ['one of two', [LOGIN, TOLD, TOLD, FOUND, LOGIN], 2, { kind: 'under-way', full: false }],
  ['both', [TOLD, FOUND, TOLD, LOGIN, FOUND, LOGIN], 2, { kind: 'logged-in', full: false }],
  ['a second time', [TOLD, LOGIN, TOLD, FOUND], 1, { kind: 'under-way', full: false }],
  [
    'refused',
    [TOLD, 'Login error message: Invalid username'],
    1,
    { kind: 'failed', why: 'Invalid username' },
  ],
])('%s', (_, lines, halves, state) => {
  expect(followSoftRestart(lines, halves)).toEqual(state);
});
