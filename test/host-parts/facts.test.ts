/** What a plan depends on besides the configuration, read from files alone. */

import { describe, expect, test } from 'vitest';
import { readFacts } from '../../src/host/facts.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { liveHost } from '../support/live-host.ts';
import { sandbox } from '../support/sandbox.ts';

const CONTAINER = 'ab12';
const NETWORK = (driver: string, parent: string, subnet: string) =>
  JSON.stringify({ driver, network_interface: parent, subnets: [{ subnet }] }, null, 2);
const leaf = (address: string) => `           |-- ${address}\n              /32 host LOCAL\n`;

const RUNNING = {
  '/run/ibq/instances/4001/state': `container=${CONTAINER}\npid=100\ndefinition=d\n`,
  '/run/ibq/instances/4001/guard.nft': 'table inet ibq {}\n',
  '/proc/100/cgroup': `0::/ib-gateways.slice/ib-gateway@4001.service/libpod-payload-${CONTAINER}\n`,
  '/proc/100/net/fib_trie': `Local:\n  +-- 0.0.0.0/0 3 0 5\n${['127.0.0.1', '10.89.0.2', '10.88.0.7', '10.0.0.192'].map(leaf).join('')}`,
  '/etc/containers/networks/ibq-lan-1a2b3c4d.json': NETWORK('macvlan', 'eth1', '10.0.0.0/24'),
  '/etc/containers/networks/ibq-publish-1a2b3c4d.json': NETWORK('bridge', 'ibq1', '10.89.0.0/24'),
  '/etc/containers/networks/other.json': NETWORK('macvlan', 'eth2', '10.9.0.0/24'),
};

const facts = (files: Record<string, string>) =>
  readFacts(liveHost(sandbox(files)).context.host, sampleConfig(), '/etc/ibq/ibq.toml');

describe('addresses that running instances have', () => {
  test('are those on the LAN, not the bridge’s, nor those of networks that are not ibq’s', () => {
    expect([...facts(RUNNING).held]).toEqual([['4001', ['10.0.0.192']]]);
  });

  test('are none where the record is older than the container', () => {
    const cgroup = { '/proc/100/cgroup': '0::/system.slice/other.service\n' };
    expect([...facts({ ...RUNNING, ...cgroup }).held]).toEqual([]);
  });

  test('are not asked for under --root', () => {
    const { context } = sandbox(RUNNING);
    expect([...readFacts(context.host, sampleConfig(), '/etc/ibq/ibq.toml').held]).toEqual([]);
  });
});

test('LAN networks that Podman has, with interface and driver', () => {
  expect(facts(RUNNING).lanNetworks).toEqual([{ parent: 'eth1', driver: 'macvlan' }]);
});

test('a neighbour that does not answer has not been seen', () => {
  const arp =
    'IP address       HW type     Flags       HW address            Mask     Device\n' +
    '10.0.0.7         0x1         0x2         02:00:00:00:00:07     *        eth1\n' +
    '10.0.0.9         0x1         0x0         00:00:00:00:00:00     *        eth1\n';
  expect(facts({ '/proc/net/arp': arp }).seen).toEqual(['10.0.0.7']);
});
