/** Networks and sidecars that instances name, against what the host has. */

import { describe, expect, test } from 'vitest';
import type { AttachedNetwork, Found, Sidecar } from '../../src/network/attached.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { resolveAttachments } from '../../src/plan/attachments.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';

const network: AttachedNetwork = {
  bridge: 'podman3',
  subnet: '10.90.0.0/24' as Cidr,
  gateway: '10.90.0.1' as Ipv4,
};

function config(attached: { join?: readonly string[]; via?: string | null }) {
  const instance = sampleInstance('4002');
  const settings = {
    ...instance.settings,
    network: { publish: true, join: [], via: null, ...attached },
  };
  return sampleConfig({ instances: [{ ...instance, settings }] });
}

const facts = (
  attached: Record<string, Found<AttachedNetwork>>,
  sidecars: Record<string, Found<Sidecar>> = {},
) => ({ attached: new Map(Object.entries(attached)), sidecars: new Map(Object.entries(sidecars)) });

describe('a joined network', () => {
  const joined = config({ join: ['trader.network'] });

  test('is found under its name', () => {
    const found = resolveAttachments(
      joined,
      facts({ 'trader.network': { kind: 'found', value: network } }),
    );
    expect(found.problems).toEqual([]);
    expect(found.networks.get('trader.network')).toBe(network);
  });

  test('that is not there is a problem of the instance, with what mends it', () => {
    const reason = 'should be there, Podman has no network systemd-trader yet; run "…" first';
    const { problems } = resolveAttachments(
      joined,
      facts({ 'trader.network': { kind: 'unusable', reason } }),
    );
    expect(problems).toEqual([
      {
        file: '/etc/ibq/instances/4002.toml',
        key: 'network.join',
        message: `trader.network ${reason}`,
      },
    ]);
  });
});

describe('a sidecar', () => {
  const via = config({ via: 'wireguard.container' });
  const problems = (published: readonly string[]) =>
    resolveAttachments(
      via,
      facts(
        {},
        { 'wireguard.container': { kind: 'found', value: { networks: [network], published } } },
      ),
    ).problems.map(({ message }) => message);

  test.each([['127.0.0.1:4002:4004'], ['127.0.0.1:4002:4004/tcp']])('publishes %s', (line) => {
    expect(problems([line])).toEqual([]);
  });

  test.each([[''], ['4002:4004'], ['0.0.0.0:4002:4004'], ['127.0.0.1:4002:4003']])(
    'that publishes %j has the wrong port, or opens it to others',
    (line) => {
      expect(problems([line])).toEqual([
        'wireguard.container should publish what its instance listens on; add PublishPort=127.0.0.1:4002:4004 to its [Container] section',
      ]);
    },
  );
});
