/** A soft restart: what IBC answers, and how far it is by the log. */

import { expect, test } from 'vitest';
import {
  readCommandAnswer,
  SOFT_RESTART_TOLD,
  stepSoftRestart,
} from '../../src/gateway/soft-restart.ts';

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

const ibc = (message: string) => `2026-11-21 07:52:15:859 IBC: ${message}`;
const LOGIN = ibc('Login has completed');
const TOLD = ibc('CommandServer received command: RESTART');
const FOUND = 'autorestart file found at /x/autorestart: authentication will not be required';
const RESUMED = [FOUND, 'IBC will restart shortly', ibc('Re-starting session')];
/** IBKR refuses the session that was left: a dialog "Login Error", and a full login. */
const REFUSED = [
  ibc('detected dialog entitled: Login Error; event=Opened'),
  ibc('Login error message:'),
  'Soft token=0 received instead of expected permanent for zdc1.ibllc.com:4001',
  ibc('Cold restart in progress'),
  'IBC returned exit status 0',
  'IBC will cold-restart shortly',
];
const ATTEMPT = ibc('Login attempt: 1');
const FACTOR = ibc('Second Factor Authentication initiated');

test.each<[string, string[], { logins: number; full: boolean; failed: string | null }]>([
  ['not told yet', [LOGIN], { logins: 0, full: false, failed: null }],
  ['told', [TOLD], { logins: 0, full: false, failed: null }],
  ['back', [TOLD, ...RESUMED, LOGIN], { logins: 1, full: false, failed: null }],
  ['a full login after all', [TOLD, ATTEMPT], { logins: 0, full: true, failed: null }],
  [
    'the session is refused, and a full login goes well',
    [TOLD, ...RESUMED, ...REFUSED, ATTEMPT, FACTOR, LOGIN],
    { logins: 1, full: true, failed: null },
  ],
  [
    'the session is refused, and so is the password',
    [TOLD, ...RESUMED, ...REFUSED, ATTEMPT, ibc('Login failed')],
    { logins: 0, full: true, failed: 'IBKR refused the login' },
  ],
  [
    'both halves',
    [TOLD, TOLD, FOUND, LOGIN, FOUND, LOGIN],
    { logins: 2, full: false, failed: null },
  ],
  [
    'locked out',
    [TOLD, ibc('Too many failed login attempts. Please wait 53 seconds')],
    {
      logins: 0,
      full: false,
      failed: 'Too many failed login attempts. Please wait 53 seconds',
    },
  ],
])('%s', (_, lines, state) => {
  const end = lines.reduce((before, line) => stepSoftRestart(before, line), SOFT_RESTART_TOLD);
  expect(end).toMatchObject(state);
});
