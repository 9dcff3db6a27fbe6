/** What is told of services of this host that gateways can't reach. */

import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/types.ts';
import type { Ipv4 } from '../../src/network/ipv4.ts';
import { hostServicesWarnings } from '../../src/plan/host-services.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';

const HOST = '10.0.0.5' as Ipv4;
const NOW = 'table inet ibq_host {\n\tchain from_gateways {\n';

function told(
  { hosts = {}, ...network }: Partial<Config['network']> & { hosts?: Record<string, Ipv4> },
  before: string | null,
): string[] {
  const instance = sampleInstance('4001');
  const settings = { ...instance.settings, hosts };
  const config = sampleConfig({ instances: [{ ...instance, settings }] });
  const changed = { ...config, network: { ...config.network, ...network } };
  return hostServicesWarnings(changed, { hostAddresses: [HOST] }, before);
}

describe('the first deploy that closes them', () => {
  test.each<[string, Parameters<typeof told>[0], string | null, number]>([
    ['rules of before', {}, 'table inet ibq_host {\n}\n', 1],
    ['rules of today', {}, NOW, 0],
    ['nothing is deployed', {}, null, 0],
    ['all are open', { hostServices: 'all' }, 'table inet ibq_host {\n}\n', 0],
    ['mode host', { mode: 'host' }, 'table inet ibq_host {\n}\n', 0],
  ])('%s', (_title, network, before, count) => {
    expect(told(network, before)).toHaveLength(count);
  });
});

test('a name for this host, and no port of it that is open', () => {
  const hosts = { maindb: HOST, other: '10.0.0.2' as Ipv4 };
  expect(told({ hosts }, NOW)).toEqual([
    expect.stringMatching(/hosts\.maindb: 10\.0\.0\.5 is this host, .* network\.host_services$/),
  ]);
  expect(told({ hosts, hostServices: [5432] }, NOW)).toEqual([]);
});
