import { describe, expect, test } from 'vitest';
import type { Config, NetworkConfig } from '../../src/config/types.ts';
import type { Ipv4 } from '../../src/network/ipv4.ts';
import type { HostFacts } from '../../src/plan/facts.ts';
import { gatewayProblem, publishAddressProblem } from '../../src/plan/host-problems.ts';
import { sampleConfig } from '../quadlet/sample.ts';
import { sampleFacts } from './model-host.ts';

const ipv4 = (text: string) => text as Ipv4;

describe('publish.address', () => {
  const published = (address: string): Config =>
    sampleConfig({ publish: { address: ipv4(address), subnet: null } });
  const facts = (changes: Partial<HostFacts> = {}) =>
    sampleFacts({ hostAddresses: [ipv4('127.0.0.1'), ipv4('192.168.1.10')], ...changes });

  test('that the host does not have is named, with those that it has', () => {
    expect(publishAddressProblem(published('192.168.1.77'), facts())).toEqual({
      file: '/etc/ibq/ibq.toml',
      key: 'publish.address',
      message: 'should be an address of this host (it has 192.168.1.10), got 192.168.1.77',
    });
  });

  test.each<[string, Config, HostFacts]>([
    ['of the host', published('192.168.1.10'), facts()],
    ['of the loopback', published('127.0.0.2'), facts()],
    ['that is every address', published('0.0.0.0'), facts()],
    [
      'to come, where the kernel allows that',
      published('192.168.1.77'),
      facts({ nonlocalBind: true }),
    ],
    ['where nobody knows the addresses', published('192.168.1.77'), facts({ hostAddresses: [] })],
    ['without an instance', { ...published('192.168.1.77'), instances: [] }, facts()],
  ])('%s is fine', (_title, config, known) => {
    expect(publishAddressProblem(config, known)).toBeNull();
  });
});

describe('a gateway that is the host itself', () => {
  const SAMPLE = sampleConfig();
  const egress = (way: NetworkConfig['egress']): Config => ({
    ...SAMPLE,
    network: { ...SAMPLE.network, egress: way },
  });
  const router = SAMPLE.network.lan?.gateway ?? ipv4('0.0.0.0');
  const itself = sampleFacts({ hostAddresses: [router] });

  test('is no way out over the LAN', () => {
    expect(gatewayProblem(egress('lan'), itself)).toMatchObject({
      file: '/etc/ibq/network.toml',
      key: 'network.gateway',
      message: expect.stringContaining(`got ${router}, which is this host itself`),
    });
  });

  test('does not matter where instances go out as the host does', () => {
    expect(gatewayProblem(egress('host'), itself)).toBeNull();
  });

  test('another one is fine', () => {
    expect(gatewayProblem(egress('lan'), sampleFacts())).toBeNull();
  });
});
