/** An instance whose interface on the LAN went away: seen, and made again. */

import { describe, expect, test } from 'vitest';
import { hasLostLan, lanLost } from '../../src/host/lan-link.ts';
import { makeLan } from '../../src/host/make-lan.ts';
import { assembleDesired } from '../../src/plan/desired.ts';
import { sampleFacts } from '../plan/model-host.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const DEV = 'Inter-|   Receive\n face |bytes\n    lo: 0\n';
const LAN = { lan: { address: '10.0.0.192', mac: null }, inputs: { 'network.interface': 'eth1' } };

describe('is lost', () => {
  test.each<[string, string | null, Parameters<typeof hasLostLan>[1], boolean]>([
    ['no lan0 in its network', `${DEV} pub0: 0\n`, LAN, true],
    ['lan0 is there', `${DEV}  lan0: 0\n`, LAN, false],
    ['one that begins like it is another', `${DEV} lan01: 0\n`, LAN, true],
    ['it has no address on the LAN', DEV, { ...LAN, lan: null }, false],
    [
      'it lives in the network of another container',
      DEV,
      { ...LAN, inputs: { 'network.via': 'x' } },
      false,
    ],
    ['it has just ended', null, LAN, false],
  ])('%s', (_title, dev, instance, is) => {
    const { context } = sandbox(dev === null ? {} : { '/proc/100/net/dev': dev });
    expect(hasLostLan(context.host.files, instance, { pid: 100 })).toBe(is);
  });

  test('and said so, with the interface that carried it', () => {
    expect(lanLost(LAN)).toMatch(
      /^its interface on the LAN is gone \(eth1 was removed, .*sudo ibq deploy/,
    );
  });
});

describe('is made again', () => {
  const config = { ...sampleConfig(), instances: [sampleInstance('4001')] };
  function prepare(driver: 'macvlan' | 'ipvlan', exitCode = 0) {
    const { network } = config;
    const lan = network.lan && { ...network.lan, driver };
    const desired = assembleDesired(
      { ...config, network: { ...network, lan } },
      sampleFacts(),
      null,
    );
    const sand = sandbox({
      '/run/ibq/instances/4001/state': 'container=ab\npid=100\ndefinition=d\n',
      '/run/ibq/instances/4001/guard.nft': 'rules',
      '/proc/100/cgroup': '0::/x/libpod-payload-ab\n',
    });
    const stderr = 'RTNETLINK answers: Device or resource busy\n';
    const live = liveHost(sand, () => ({ exitCode, stderr }));
    return { ...live, desired };
  }

  test.each([
    [
      'macvlan',
      /^eth1 100 lan0 address (?:[0-9a-f]{2}:){5}[0-9a-f]{2} type macvlan mode bridge 10\.0\.0\.192\/24 {2}10\.0\.0\.1$/,
    ],
    ['ipvlan', /^eth1 100 lan0 type ipvlan mode l2 10\.0\.0\.192\/24 {2}10\.0\.0\.1$/],
  ] as const)('%s', async (driver, words) => {
    const { context, ran, desired } = prepare(driver);
    await makeLan(context.host, '4001', desired);
    expect(ran).toHaveLength(1);
    expect(ran[0]?.line.split(' sh ').at(-1)).toMatch(words);
  });

  test('or the reason is told, and what else helps', async () => {
    const { context, desired } = prepare('macvlan', 2);
    await expect(makeLan(context.host, '4001', desired)).rejects.toThrow(
      'the LAN interface of 4001 could not be made again: RTNETLINK answers: Device or resource busy; sudo ibq restart 4001 makes it',
    );
  });
});
