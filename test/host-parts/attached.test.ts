/** Networks and sidecars, looked up in Quadlet's and Podman's files. */

import { describe, expect, test } from 'vitest';
import { readAttached } from '../../src/host/attached.ts';
import type { FileReader } from '../../src/host/host.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';

const QUADLETS = '/etc/containers/systemd';

function files(texts: Record<string, string>): FileReader {
  return {
    readText: (path: string) => texts[path] ?? null,
    list: (directory: string) =>
      Object.keys(texts)
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1)),
  } as FileReader;
}

const bridge = (changes: object = {}) =>
  JSON.stringify({
    driver: 'bridge',
    network_interface: 'podman3',
    subnets: [{ subnet: 'fd00::/64' }, { subnet: '10.90.0.0/24', gateway: '10.90.0.1' }],
    ...changes,
  });
const FOUND = { bridge: 'podman3', subnet: '10.90.0.0/24', gateway: '10.90.0.1' };

function attached(network: { join?: string[]; via?: string }, texts: Record<string, string>) {
  const instance = sampleInstance('4002');
  const settings = {
    ...instance.settings,
    network: { publish: true, join: [], via: null, ...network },
  };
  return readAttached(files(texts), sampleConfig({ instances: [{ ...instance, settings }] }));
}

describe('a network', () => {
  test.each<[string, string, Record<string, string>, object]>([
    [
      'a unit with the name that Quadlet gives',
      'trader.network',
      {
        [`${QUADLETS}/trader.network`]: '[Network]\n',
        '/etc/containers/networks/systemd-trader.json': bridge(),
      },
      { kind: 'found', value: FOUND },
    ],
    [
      'a unit with a name of its own, from a drop-in',
      'trader.network',
      {
        [`${QUADLETS}/trader.network`]: '[Network]\nNetworkName=one',
        [`${QUADLETS}/trader.network.d/name.conf`]: '[Network]\nNetworkName=two\n',
        '/etc/containers/networks/two.json': bridge(),
      },
      { kind: 'found', value: FOUND },
    ],
    [
      'a network of Podman’s without a gateway',
      'trader',
      { '/etc/containers/networks/trader.json': bridge({ subnets: [{ subnet: '10.90.0.0/24' }] }) },
      { kind: 'found', value: FOUND },
    ],
    [
      'Podman’s default',
      'podman',
      {},
      {
        kind: 'found',
        value: { bridge: 'podman0', subnet: '10.88.0.0/16', gateway: '10.88.0.1' },
      },
    ],
    [
      'no such unit',
      'trader.network',
      {},
      { kind: 'unusable', reason: 'should be a file in /etc/containers/systemd, is not there' },
    ],
    [
      'a unit that was never started',
      'trader.network',
      { [`${QUADLETS}/trader.network`]: '' },
      {
        kind: 'unusable',
        reason:
          'should be there, Podman has no network systemd-trader yet; run "sudo systemctl start trader-network.service" first',
      },
    ],
    [
      'no such network',
      'trader',
      {},
      {
        kind: 'unusable',
        reason:
          'should be there, Podman has no network trader yet; run "sudo podman network create trader" first',
      },
    ],
    [
      'a macvlan',
      'trader',
      { '/etc/containers/networks/trader.json': bridge({ driver: 'macvlan' }) },
      { kind: 'unusable', reason: 'should be a bridge, network trader is macvlan' },
    ],
    [
      'IPv6 alone',
      'trader',
      { '/etc/containers/networks/trader.json': bridge({ subnets: [{ subnet: 'fd00::/64' }] }) },
      { kind: 'unusable', reason: 'should have an IPv4 subnet, network trader has none' },
    ],
    [
      'a file that is not JSON',
      'trader',
      { '/etc/containers/networks/trader.json': '{' },
      { kind: 'unusable', reason: 'should be a bridge, network trader is null' },
    ],
  ])('%s', (_title, name, texts, expected) => {
    expect(attached({ join: [name] }, texts).attached.get(name)).toEqual(expected);
  });
});

describe('a sidecar', () => {
  test.each<[string, Record<string, string>, object]>([
    [
      'on the default network',
      { [`${QUADLETS}/wg.container`]: '[Container]\nPublishPort=127.0.0.1:4002:4004\n' },
      {
        kind: 'found',
        value: {
          networks: [{ bridge: 'podman0', subnet: '10.88.0.0/16', gateway: '10.88.0.1' }],
          published: ['127.0.0.1:4002:4004'],
        },
      },
    ],
    [
      'on a network of its own, with options',
      {
        [`${QUADLETS}/wg.container`]: '[Container]\nNetwork=own.network:ip=10.90.0.9\n',
        [`${QUADLETS}/own.network`]: '',
        '/etc/containers/networks/systemd-own.json': bridge(),
      },
      { kind: 'found', value: { networks: [FOUND], published: [] } },
    ],
    [
      'that is not there',
      {},
      { kind: 'unusable', reason: 'should be a file in /etc/containers/systemd, is not there' },
    ],
    [
      'on a network that is not there',
      { [`${QUADLETS}/wg.container`]: '[Container]\nNetwork=own.network\n' },
      {
        kind: 'unusable',
        reason: 'its network own.network should be a file in /etc/containers/systemd, is not there',
      },
    ],
  ])('%s', (_title, texts, expected) => {
    expect(attached({ via: 'wg.container' }, texts).sidecars.get('wg.container')).toEqual(expected);
  });
});
