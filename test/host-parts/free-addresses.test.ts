/** Nothing is given out that somebody on the LAN answers for. */

import { describe, expect, test } from 'vitest';
import type { Config, Instance } from '../../src/config/types.ts';
import { withFreeAddresses } from '../../src/host/free-addresses.ts';
import type { Ipv4 } from '../../src/network/ipv4.ts';
import { assembleDesired } from '../../src/plan/desired.ts';
import type { HostFacts } from '../../src/plan/facts.ts';
import type { Manifest } from '../../src/plan/manifest.ts';
import { ModelHost, sampleFacts } from '../plan/model-host.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const CONFIG = sampleConfig();
const MAC = '02:00:00:00:00:09';

function chosen(address: string): Config {
  const [live, paper] = CONFIG.instances as [Instance, Instance];
  const settings = { ...live.settings, address: address as Ipv4 };
  return sampleConfig({ instances: [{ ...live, settings }, paper] });
}

/** @param there addresses that somebody answers for */
async function plan(
  there: readonly string[],
  config = CONFIG,
  changes: Partial<HostFacts> = {},
  manifest: Manifest | null = null,
) {
  const neighbours = there.map((dst) => ({ dst, lladdr: MAC, state: ['REACHABLE'] }));
  const { context, ran } = liveHost(sandbox(), (line) =>
    line.startsWith('ip -json neigh') ? { stdout: JSON.stringify(neighbours) } : undefined,
  );
  const facts = sampleFacts(changes);
  const desired = assembleDesired(config, facts, manifest);
  const asked = () =>
    ran.flatMap(({ input }) =>
      [...(input ?? '').matchAll(/neigh replace (\S+)/g)].map(([, it]) => it),
    );
  try {
    const result = await withFreeAddresses(context.host, { config, facts, manifest, desired });
    const given = result.desired.instances.map(({ lan }) => lan?.address);
    return { given, skipped: result.skipped, asked: asked(), problem: null };
  } catch (error) {
    return { given: [], skipped: [], asked: asked(), problem: String((error as Error).message) };
  }
}

const inUse = (address: string) => `${address} is in use on the LAN by ${MAC}; it is not given out`;

describe('addresses that are about to be given out', () => {
  test('are asked for, and had where nobody answers', async () => {
    expect(await plan([])).toEqual({
      given: ['10.0.0.192', '10.0.0.193'],
      skipped: [],
      asked: ['10.0.0.192', '10.0.0.193'],
      problem: null,
    });
  });

  test('are skipped where somebody does, and the next ones asked for', async () => {
    const used = ['10.0.0.192', '10.0.0.194'];
    expect(await plan(used)).toEqual({
      given: ['10.0.0.193', '10.0.0.195'],
      skipped: used.map(inUse),
      asked: ['10.0.0.192', '10.0.0.193', '10.0.0.194', '10.0.0.195'],
      problem: null,
    });
  });

  test('are not asked for where they are had already', async () => {
    const { manifest } = ModelHost.deployed(CONFIG);
    expect((await plan(['10.0.0.192'], CONFIG, {}, manifest)).asked).toEqual([]);
  });

  test('nor where the instance runs with it: it would answer for itself', async () => {
    const held = new Map([['4001', ['10.0.0.100' as Ipv4]]]);
    expect((await plan([], chosen('10.0.0.100'), { held })).asked).toEqual(['10.0.0.192']);
  });

  test('are not asked for on an interface that is down', async () => {
    const interfaces = new Map([['eth1', { up: false }]]);
    expect((await plan([], CONFIG, { interfaces })).asked).toEqual([]);
  });

  test('by choice are refused where somebody answers', async () => {
    expect((await plan(['10.0.0.100'], chosen('10.0.0.100'))).problem).toBe(
      `/etc/ibq/instances/4001.toml: address: should be free, 10.0.0.100 is in use on the LAN by ${MAC}`,
    );
  });

  describe("the host's own among the instances", () => {
    const config = sampleConfig({ network: { ...CONFIG.network, hostAccess: true } });

    test('is refused where somebody answers', async () => {
      expect((await plan(['10.0.0.223'], config)).problem).toBe(
        `/etc/ibq/network.toml: network.range: its last address should be free for the host (network.host_access), 10.0.0.223 is in use on the LAN by ${MAC}`,
      );
    });

    test('is not asked for while the host has it', async () => {
      const hostAddresses = ['10.0.0.5', '10.0.0.223'] as Ipv4[];
      expect((await plan([], config, { hostAddresses })).asked).not.toContain('10.0.0.223');
    });
  });

  test('are none in mode bridge', async () => {
    const network = { ...CONFIG.network, mode: 'bridge', lan: null } as const;
    expect((await plan([], sampleConfig({ network }))).asked).toEqual([]);
  });
});
