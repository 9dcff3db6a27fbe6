/** `assembleDesired`: what the configuration asks for on this host, beside what is rendered. */

import { describe, expect, test } from 'vitest';
import type { Config, Instance, Port } from '../../src/config/types.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { assembleDesired } from '../../src/plan/desired.ts';
import type { HostFacts } from '../../src/plan/facts.ts';
import { sampleConfig, sampleInstance } from '../quadlet/sample.ts';
import { ModelHost, sampleFacts } from './model-host.ts';

const CONFIG = sampleConfig();
const BRIDGE: Config = {
  ...CONFIG,
  network: {
    mode: 'bridge',
    egress: 'host',
    hostAccess: false,
    lan: null,
    allow: [],
    allowNetworks: [],
    routed: null,
    hostServices: [],
    linkLocal: false,
  },
};

function addresses(config: Config, facts = sampleFacts(), host = new ModelHost()) {
  const { instances } = assembleDesired(config, facts, host.manifest);
  return Object.fromEntries(instances.map(({ name, lan }) => [name, lan?.address ?? null]));
}

describe('LAN addresses', () => {
  test('the first free ones of the range, in order of name', () => {
    expect(addresses(CONFIG)).toEqual({ '4001': '10.0.0.192', '4002': '10.0.0.193' });
  });

  test('not one that the host has seen on the LAN', () => {
    expect(addresses(CONFIG, sampleFacts({ seen: ['10.0.0.192' as Ipv4] }))).toEqual({
      '4001': '10.0.0.193',
      '4002': '10.0.0.194',
    });
  });

  test('kept, whatever comes and goes before it', () => {
    const host = ModelHost.deployed(CONFIG);
    const [, paper] = CONFIG.instances as [Instance, Instance];
    const config = sampleConfig({
      instances: [sampleInstance('a', { port: 5001 as Port }), paper],
    });
    expect(addresses(config, sampleFacts(), host)).toEqual({
      '4002': '10.0.0.193',
      a: '10.0.0.194',
    });
  });

  test('that of a running instance stays its own until its restart', () => {
    const host = ModelHost.deployed(CONFIG);
    const [live, paper] = CONFIG.instances as [Instance, Instance];
    const chosen = (instance: Instance, address: string): Instance => ({
      ...instance,
      settings: { ...instance.settings, address: address as Ipv4 },
    });
    const held = new Map([['4001', ['10.0.0.192' as Ipv4]]]);
    host.deploy(sampleConfig({ instances: [chosen(live, '10.0.0.100'), paper] }));
    const swapped = sampleConfig({
      instances: [chosen(live, '10.0.0.100'), chosen(paper, '10.0.0.192')],
    });
    expect(() => addresses(swapped, sampleFacts({ held }), host)).toThrow(
      'should be free, 10.0.0.192: instance 4001 has it until it is stopped or restarted',
    );
    expect(addresses(swapped, sampleFacts(), host)).toEqual({
      '4001': '10.0.0.100',
      '4002': '10.0.0.192',
    });
  });

  test('none in mode bridge', () => {
    expect(addresses(BRIDGE)).toEqual({ '4001': null, '4002': null });
  });

  test('kept through a time in mode bridge', () => {
    const host = ModelHost.deployed(sampleConfig({ instances: [sampleInstance('4002')] }));
    expect(host.manifest?.addresses['4002']?.address).toBe('10.0.0.192');
    host.deploy({ ...BRIDGE, instances: [sampleInstance('4002')] });
    expect(addresses(CONFIG, sampleFacts(), host)).toEqual({
      '4001': '10.0.0.193',
      '4002': '10.0.0.192',
    });
  });

  test('a range that is full is an error that says so', () => {
    const { lan } = CONFIG.network;
    const config = sampleConfig({
      network: { ...CONFIG.network, lan: lan && { ...lan, range: '10.0.0.192/31' as Cidr } },
    });
    expect(() => addresses(config)).toThrow(ConfigError);
    expect(() => addresses(config)).toThrow(
      /^\/etc\/ibq\/network\.toml: network\.range: should have an address for each of 2 instances/,
    );
  });
});

describe("the publish bridge's subnet", () => {
  const subnet = (config: Config, changes: Partial<HostFacts>, host = new ModelHost()) =>
    assembleDesired(config, sampleFacts(changes), host.manifest).publishSubnet;

  test.each<[string, Config, Partial<HostFacts>, string | null]>([
    ["the first of Podman's", CONFIG, {}, '10.89.0.0/24'],
    ['not one in use', CONFIG, { usedSubnets: used('10.89.0.0/23') }, '10.89.2.0/24'],
    [
      'of the host’s own pools',
      CONFIG,
      { subnetPools: [{ base: '10.200.0.0/16' as Cidr, size: 26 }] },
      '10.200.0.0/26',
    ],
    ['that of publish.subnet', chosen('10.77.0.0/24'), {}, '10.77.0.0/24'],
    ['none in mode lan', { ...CONFIG, network: { ...CONFIG.network, mode: 'lan' } }, {}, null],
  ])('%s', (_title, config, changes, expected) => {
    expect(subnet(config, changes)).toBe(expected);
  });

  test('kept while it is installed: its own route is no clash', () => {
    const host = ModelHost.deployed(CONFIG);
    const own = [
      { subnet: '10.89.0.0/24' as Cidr, kind: 'connected' as const, name: 'ibq0fd8daf1' },
    ];
    expect(subnet(CONFIG, { usedSubnets: own }, host)).toBe('10.89.0.0/24');
  });

  test('nothing free is an error with a way out', () => {
    const usedSubnets = used('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16');
    expect(() => subnet(CONFIG, { usedSubnets })).toThrow(
      '/etc/ibq/ibq.toml: publish.subnet: should be set: no private subnet is free for the bridge of the published ports beside 10.0.0.0/8 (eth9), 172.16.0.0/12 (eth9), 192.168.0.0/16 (eth9), 10.0.0.0/24 (eth1); or use network.mode "lan"',
    );
  });

  test('a chosen one that clashes is refused, and with what', () => {
    const usedSubnets: HostFacts['usedSubnets'] = [
      { subnet: '10.77.0.128/25' as Cidr, kind: 'route', name: 'wg0' },
      { subnet: '10.77.0.0/16' as Cidr, kind: 'podman', name: 'web' },
      { subnet: '10.0.0.0/8' as Cidr, kind: 'route', name: 'tun0' },
    ];
    expect(() => subnet(chosen('10.77.0.0/24'), { usedSubnets })).toThrow(
      '/etc/ibq/ibq.toml: publish.subnet: should be a subnet that nothing else uses, got 10.77.0.0/24, which clashes with 10.77.0.128/25 (wg0), 10.77.0.0/16 (Podman network web)',
    );
  });

  test('a chosen one that overlaps the bridge in use waits until nobody runs on it', () => {
    const host = ModelHost.deployed(CONFIG);
    const config = chosen('10.89.0.0/25');
    const held = new Map([['4001', []]]);
    expect(() => subnet(config, { held }, host)).toThrow(
      'publish.subnet: should lie outside 10.89.0.0/24 while instances run on the bridge that has it, got 10.89.0.0/25; run "sudo ibq stop 4001" first',
    );
    expect(subnet(config, {}, host)).toBe('10.89.0.0/25');
  });

  function used(...subnets: string[]): HostFacts['usedSubnets'] {
    return subnets.map((it) => ({ subnet: it as Cidr, kind: 'connected', name: 'eth9' }));
  }

  function chosen(text: string): Config {
    return { ...CONFIG, publish: { ...CONFIG.publish, subnet: text as Cidr } };
  }
});

describe('macvlan and ipvlan on one interface', () => {
  const lanNetworks = [{ parent: 'eth1', driver: 'ipvlan' }];
  const held = new Map([['4001', ['10.0.0.192' as Ipv4]]]);
  test.each<[string, Partial<HostFacts>, string | null]>([
    [
      'is refused while an instance runs: it could not come back from a restart',
      { lanNetworks, held },
      '/etc/ibq/network.toml: network.driver: should be ipvlan while instances run with it, got macvlan: they can\'t share eth1; run "sudo ibq stop 4001" first',
    ],
    ['is fine when none runs', { lanNetworks }, null],
    [
      'is fine for one that is on the bridge alone',
      { lanNetworks, held: new Map([['4001', []]]) },
      null,
    ],
    [
      'is fine on another interface',
      { lanNetworks: [{ parent: 'eth2', driver: 'ipvlan' }], held },
      null,
    ],
    ['is none', { lanNetworks: [{ parent: 'eth1', driver: 'macvlan' }], held }, null],
  ])('%s', (_, changes, message) => {
    const make = () => assembleDesired(CONFIG, sampleFacts(changes), null);
    if (message === null) expect(make).not.toThrow();
    else expect(make).toThrow(message);
  });
});

test('each image once', () => {
  const { images } = assembleDesired(CONFIG, sampleFacts(), null);
  expect(images).toEqual(['localhost/ibq-simulator:latest']);
});

test("each instance's own files: its drop-in, its guard, and what is done to its files", () => {
  const { instances, instanceFiles } = assembleDesired(CONFIG, sampleFacts(), null);
  expect(instances.map(({ files }) => files.map(({ path }) => path))).toEqual(
    ['4001', '4002'].map((name) => [
      `units/ib-gateway@${name}.container.d/10-ibq.conf`,
      `guard/${name}.nft`,
      `login/${name}`,
      `settings/${name}/files`,
      `settings/${name}/config.ini`,
      `settings/${name}/jts.ini`,
    ]),
  );
  expect(instanceFiles.size).toBe(12);
});

test('is pure: the same inputs, the same generation', () => {
  const make = () => assembleDesired(CONFIG, sampleFacts(), null);
  expect(make()).toEqual(make());
});

describe('ports of the host, of instances in its network', () => {
  const [paper] = CONFIG.instances.filter(({ mode }) => mode === 'paper');
  const shared: Config = {
    ...CONFIG,
    network: { ...CONFIG.network, mode: 'host', lan: null },
    instances: paper ? [paper] : [],
  };
  const back: Config = { ...CONFIG, instances: shared.instances };
  const ports = (config: Config, sharing: readonly string[], host: ModelHost | null = null) =>
    assembleDesired(config, sampleFacts({ sharing: new Set(sharing) }), host?.manifest ?? null)
      .hostPorts;

  test('are those that the image listens on', () => {
    expect(ports(shared, [])).toEqual({ '4002': [4002, 4004] });
    expect(ports(CONFIG, [])).toEqual({});
  });

  test('stay closed while one that left mode host still runs there', () => {
    const host = ModelHost.deployed(shared);
    expect(ports(back, ['4002'], host)).toEqual({ '4002': [4002, 4004] });
    expect(ports(back, [], host)).toEqual({});
  });
});

test.each<[string, Config['lanPlaces'], string]>([
  [
    'network.toml',
    undefined,
    '/etc/ibq/network.toml: network.interface: should be an interface of this host (eth0), eth1 is gone; bring it back, or run "sudo ibq network detect --write"',
  ],
  [
    'ibq.toml',
    { interface: { file: '/etc/ibq/ibq.toml', key: 'network.interface' } },
    '/etc/ibq/ibq.toml: network.interface: should be an interface of this host (eth0), eth1 is gone; bring it back, or name another there',
  ],
  [
    'a variable',
    { interface: { file: 'NETWORK_INTERFACE' } },
    'NETWORK_INTERFACE: should be an interface of this host (eth0), eth1 is gone; bring it back, or name another in NETWORK_INTERFACE, or unset it',
  ],
])(
  'an interface that is gone is a fault of %s where that named it',
  (_title, lanPlaces, expected) => {
    const interfaces = new Map([['eth0', { up: true }]]);
    const config = { ...CONFIG, ...(lanPlaces ? { lanPlaces } : {}) };
    expect(refusal(() => assembleDesired(config, sampleFacts({ interfaces }), null))).toBe(
      expected,
    );
  },
);

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}
