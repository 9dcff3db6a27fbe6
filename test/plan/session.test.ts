/** What a restart does to a session. */

import { expect, test } from 'vitest';
import { describeRestart, restartOf } from '../../src/plan/session.ts';

const KEPT = { session: 'ab', coming: 'ab', loggedIn: [true, true], newLogin: false };

test('it is kept where all that it depends on stays', () => {
  expect(restartOf(KEPT)).toEqual({ kept: true, why: '' });
  expect(describeRestart(restartOf(KEPT))).toBe('its session is kept, no second factor expected');
});

test.each([
  ['nothing is kept', { session: '', coming: '' }, 'this image, as it runs, keeps no session'],
  ['another user comes', { coming: 'cd' }, 'its user, mode or settings directory changed'],
  ['nothing kept comes', { coming: '' }, 'its user, mode or settings directory changed'],
  ['one half is not logged in', { loggedIn: [true, false] }, 'not all of it is logged in'],
  [
    'it is asked for',
    { newLogin: true },
    'a new login was asked for, or its password was set anew',
  ],
])('%s: a new login', (_, change, why) => {
  const restart = restartOf({ ...KEPT, ...change });
  expect(restart).toEqual({ kept: false, why });
  expect(describeRestart(restart)).toBe(`a new login, which may ask for a second factor (${why})`);
});
