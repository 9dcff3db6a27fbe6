/** Whether the kernel has the driver of the LAN: tried where no list of modules tells. */

import { describe, expect, test } from 'vitest';
import { readKernelDriver } from '../../src/host/doctor/parts.ts';
import type { RunResult } from '../../src/host/host.ts';
import { sandbox } from '../support/sandbox.ts';

function trying(result: Partial<RunResult>) {
  const run = async () => ({ stdout: '', stderr: '', exitCode: 0, failure: null, ...result });
  return readKernelDriver({ ...sandbox().context.host, run }, 'ipvlan');
}

describe('a try of the driver', () => {
  test('that succeeds: it is there', async () => {
    expect(await trying({})).toEqual({ driver: 'ipvlan', available: true, said: 'tried' });
  });

  test('that the kernel refuses: it lacks it, in its own words', async () => {
    const refused = { exitCode: 2, stderr: 'RTNETLINK answers\nError: Unknown device type.\n' };
    expect(await trying(refused)).toEqual({
      driver: 'ipvlan',
      available: false,
      said: 'Error: Unknown device type.',
    });
  });

  test('that has no time, or no program: nobody knows', async () => {
    await expect(trying({ exitCode: null, failure: 'timed-out' })).rejects.toThrow(
      'did not end in time',
    );
    await expect(trying({ exitCode: 127, stderr: 'ip: not found' })).rejects.toThrow(
      'install util-linux and iproute2',
    );
  });
});
