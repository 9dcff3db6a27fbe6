/** What becomes of sessions, by what lies on the host. */

import { expect, test } from 'vitest';
import { readRefusedLogin } from '../../src/host/refused-logins.ts';
import { endOf, foretellRestarts, loggedInByLog } from '../../src/host/sessions.ts';
import { sandbox } from '../support/sandbox.ts';

const CONTAINER = 'ab12';

/** @param listening ports in the container */
function running(listening: readonly number[], changes: Record<string, string> = {}) {
  const sockets = listening.map(
    (port) =>
      `0: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 0:0 0A 0 0 0 0 0 1\n`,
  );
  return sandbox({
    '/run/ibq/instances/4001/state': `container=${CONTAINER}\npid=100\ndefinition=d\nstop=7462:4001\nsession=5e55\nstop_timeout=\n`,
    '/run/ibq/instances/4001/guard.nft': 'table inet ibq {}',
    '/proc/100/cgroup': `0::/ib.slice/ib-gateway@4001.service/libpod-payload-${CONTAINER}\n`,
    '/proc/100/net/tcp': sockets.join(''),
    '/etc/ibq/current/units/ib-gateway@4001.container.d/10-ibq.conf':
      '[Container]\nAnnotation=ibq.session=5e55\n',
    ...changes,
  }).context.host;
}

test.each<[string, () => ReturnType<typeof running>, boolean]>([
  ['logged in', () => running([7462, 4001]), true],
  ['not logged in', () => running([7462]), false],
  [
    'told to log in anew',
    () => running([4001], { '/run/ibq/instances/4001/new-login': '' }),
    false,
  ],
  [
    'started by an older ibq',
    () =>
      running([4001], {
        '/run/ibq/instances/4001/state': `container=${CONTAINER}\npid=100\ndefinition=d\n`,
      }),
    false,
  ],
])('%s', (_, make, kept) => {
  const host = make();
  const foretold = (newLogin: boolean) =>
    foretellRestarts(host.files, ['4001'], { newLogin, byLog: new Set() }).get('4001')?.kept;
  expect([foretold(false), foretold(true)]).toEqual([kept, false]);
});

test('a TWS whose API is off is logged in where its log says so', async () => {
  const host = running([7462]);
  const byLog = new Set(['4001']);
  const foretold = foretellRestarts(host.files, ['4001'], { newLogin: false, byLog });
  expect(foretold.get('4001')?.kept).toBe(true);
  // One whose API listens needs no log.
  expect(await loggedInByLog(running([7462, 4001]), ['4001'])).toEqual(new Set());
});

test('how it ended is what the script wrote', () => {
  const host = running([], { '/run/ibq/stopped/4001': 'logged out\n' });
  expect([endOf(host.files, '4001'), endOf(host.files, '4002')]).toEqual(['logged out', null]);
});

test('a refused login counts for the user that was refused', () => {
  const mark = { '/var/lib/ibq/login-refused/4001': 'time=T\ncount=2\nlogin=a1\nwords=no\n' };
  const wanted = (login: string) => ({ '/etc/ibq/current/login/4001': `login=${login}\n` });
  const same = running([], { ...mark, ...wanted('a1') });
  expect(readRefusedLogin(same.files, '4001')).toEqual({ time: 'T', count: 2, words: 'no' });
  const other = running([], { ...mark, ...wanted('b2') });
  expect(readRefusedLogin(other.files, '4001')).toBeNull();
});
