/** What `systemctl show` says, and what ibq says when systemctl fails. */

import { describe, expect, test } from 'vitest';
import type { HostReader, RunResult } from '../../src/host/host.ts';
import { parseShow, requireDone, showUnits } from '../../src/host/systemd.ts';

const DONE: RunResult = { stdout: '', stderr: '', exitCode: 0, failure: null };

/** systemd 257, `systemctl show --timestamp=unix` of two units, one of which is not there. */
const SHOW = `Id=ib-gateway@4001.service
LoadState=loaded
ActiveState=active
SubState=running
Result=success
StateChangeTimestamp=@1763712001
Environment=PODMAN_SYSTEMD_UNIT=ib-gateway@4001.service IBQ_DEFINITION=0123456789abcdef
Wants=network-online.target
UnitFileState=generated

Id=ib-gateway@4002.service
LoadState=not-found
ActiveState=inactive
SubState=dead
Result=success
StateChangeTimestamp=
`;

describe('parseShow', () => {
  test('units by name', () => {
    const units = parseShow(SHOW);
    expect([...units.keys()]).toEqual(['ib-gateway@4001.service', 'ib-gateway@4002.service']);
    expect(units.get('ib-gateway@4001.service')).toMatchObject({
      id: 'ib-gateway@4001.service',
      load: 'loaded',
      active: 'active',
      sub: 'running',
      result: 'success',
      since: Date.parse('2025-11-21T08:00:01Z'),
      environment: 'PODMAN_SYSTEMD_UNIT=ib-gateway@4001.service IBQ_DEFINITION=0123456789abcdef',
      wants: ['network-online.target'],
      unitFileState: 'generated',
    });
    expect(units.get('ib-gateway@4002.service')).toMatchObject({
      load: 'not-found',
      since: null,
      wants: [],
      unitFileState: '',
    });
  });

  test.each([
    ['nothing', '', 0],
    ['blank lines only', '\n\n\n', 0],
    ['a block without a name', 'LoadState=loaded\n', 0],
    ['a value with =', 'Id=a\nEnvironment=A=b=c\n', 1],
  ])('%s', (_title, text, count) => {
    expect(parseShow(text).size).toBe(count);
  });

  test.each(['', 'n/a', '@', 'Fri 2025-11-21'])('timestamp %j is never', (timestamp) => {
    expect(parseShow(`Id=a\nStateChangeTimestamp=${timestamp}\n`).get('a')?.since).toBeNull();
  });
});

describe('showUnits', () => {
  const asking = (result: Partial<RunResult>) => {
    const host = { run: async () => ({ ...DONE, ...result }) };
    return showUnits(host as unknown as HostReader, ['a.service']);
  };
  test.each<[string, Partial<RunResult>, number, RegExp]>([
    ['no systemctl', { exitCode: null, failure: 'not-found' }, 69, /systemd is not running here/],
    [
      'not booted with it',
      { exitCode: 1, stderr: 'System has not been booted with systemd as init system' },
      69,
      /systemd is not running here; ibq needs a host booted with systemd 254 or newer/,
    ],
    ['no answer', { exitCode: null, failure: 'timed-out' }, 1, /did not answer in time/],
    ['its own words', { exitCode: 1, stderr: 'Access denied\n' }, 1, /: Access denied$/],
  ])('%s', async (_title, result, exitCode, message) => {
    await expect(asking(result)).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message),
    });
  });

  test('asks once for all, names kept apart from options', async () => {
    const asked: (readonly string[])[] = [];
    const host = {
      run: async (argv: readonly string[]) => {
        asked.push(argv);
        return { ...DONE, stdout: SHOW };
      },
    };
    const names = ['ib-gateway@4001.service', '-x.service'];
    expect((await showUnits(host as unknown as HostReader, names)).size).toBe(2);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.slice(-3)).toEqual(['--', ...names]);
  });
});

describe('requireDone', () => {
  test.each<[string, Partial<RunResult>, string]>([
    ['not installed', { exitCode: null, failure: 'not-found' }, 'x failed: it is not installed'],
    ['too slow', { exitCode: null, failure: 'timed-out' }, 'x failed: it did not end in time'],
    ['stderr', { exitCode: 1, stderr: 'why\n', stdout: 'other' }, 'x failed: why'],
    ['stdout', { exitCode: 1, stdout: 'why\n' }, 'x failed: why'],
    ['silence', { exitCode: 4 }, 'x failed: exit status 4'],
  ])('%s', (_title, result, message) => {
    expect(() => requireDone({ ...DONE, ...result }, 'x')).toThrow(message);
  });

  test('success is silent', () => {
    expect(() => requireDone(DONE, 'x')).not.toThrow();
  });
});
