/** What the user's own drop-ins do to what ibq promises. */

import { describe, expect, test } from 'vitest';
import type { Result } from '../../src/doctor/check.ts';
import { facts, judged } from './facts.ts';

/** One line of a drop-in of the user's for instance 4001. */
const lines: [string, Result, RegExp][] = [
  ['[Container]\nNetwork=host', 'fail', /will not start/],
  ['[Container]\nNetwork=', 'fail', /takes away the networks/],
  ['[Container]\nNetwork=db.container', 'fail', /will not start/],
  ['[Container]\nNetwork=db.network', 'warn', /lets nobody in/],
  ['[Container]\nGlobalArgs=', 'fail', /all its ports would be open/],
  ['[Container]\nAnnotation=', 'fail', /takes the guard away/],
  ['[Container]\nAnnotation=ibq.instance=4002', 'fail', /replaces the guard/],
  ['[Container]\nGlobalArgs=--log-level=debug', 'ok', /x\.conf$/],
  ['[Container]\nPodmanArgs=--privileged', 'fail', /may open/],
  ['[Container]\nPodmanArgs=--cpus=2', 'ok', /x\.conf$/],
  ['[Container]\nAddCapability=CAP_NET_ADMIN', 'fail', /its own guard/],
  ['[Container]\nAddCapability=CHOWN', 'ok', /x\.conf$/],
  ['[Container]\nPublishPort=5900:5900', 'warn', /keeps closed/],
  ['[Container]\nPublishPort=', 'fail', /own port/],
  ['[Container]\nContainerName=mine', 'fail', /ib-gateway-%i/],
  ['[Container]\nAutoUpdate=registry', 'warn', /new login/],
  ['[Service]\nRestart=always', 'ok', /x\.conf$/],
];

describe('a drop-in of the user', () => {
  const directory = '/etc/containers/systemd/ib-gateway@4001.container.d';
  const dropIn = (text: string | null, name = 'x.conf', unit = 'ib-gateway@4001.container') =>
    judged('user-drop-ins', facts({ dropIns: [{ path: `${directory}/${name}`, unit, text }] }));

  test.each(lines)('%j', (text, result, detail) => {
    const found = dropIn(`${text}\n`);
    expect(found).toMatchObject({ result, detail: expect.stringMatching(detail) });
    if (result !== 'ok') expect(found.mend).toContain('x.conf');
  });

  test('another ending is not read', () =>
    expect(dropIn('', 'x.conf.bak')).toMatchObject({ result: 'warn' }));
  test('unreadable', () => expect(dropIn(null)).toMatchObject({ result: 'fail' }));
  test('for no instance', () => {
    const found = dropIn('', 'x.conf', 'ib-gateway@typo.container');
    expect(found).toMatchObject({ result: 'warn', detail: expect.stringContaining('typo') });
  });
  test.each<[string, Result]>([
    ['[Service]\nExecStart=\nExecStart=/usr/bin/podman start x\n', 'fail'],
    ['[Service]\nMemoryMax=2G\n', 'ok'],
    ['[Container]\nNetwork=host\n', 'ok'],
  ])('for the service itself: %j is %s', (text, result) => {
    expect(dropIn(text, 'x.conf', 'ib-gateway@4001.service')).toMatchObject({ result });
  });
  test('for the service of no instance', () =>
    expect(dropIn('', 'x.conf', 'ib-gateway@typo.service')).toMatchObject({ result: 'warn' }));
  test('for all instances', () =>
    expect(dropIn('', 'x.conf', 'ib-gateway@.container')).toMatchObject({ result: 'ok' }));
});
