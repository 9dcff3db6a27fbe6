/** Facts of a host on which all is well: two gateways, 4001 and 4002, in mode dual. */

import { parseInstanceName } from '../../src/config/instances.ts';
import { resolveSettings } from '../../src/config/settings.ts';
import type { Config, Instance, Port } from '../../src/config/types.ts';
import type { CheckResult } from '../../src/doctor/check.ts';
import { runChecks } from '../../src/doctor/checks.ts';
import type { Fact, Facts, FactValues, UserFacts } from '../../src/doctor/facts.ts';
import type { Link, NetworkFacts } from '../../src/network/facts.ts';
import { type Ipv4, parseIpv4 } from '../../src/network/ipv4.ts';
import { RTF_UP } from '../../src/network/proc.ts';
import type { Manifest, ManifestInstance } from '../../src/plan/manifest.ts';
import { cidr } from '../network/hosts.ts';

export const MAC = { 4001: '02:aa:00:00:00:01', 4002: '02:aa:00:00:00:02' } as const;

const LINK: Link = {
  name: 'eth1',
  type: 1,
  operstate: 'up',
  mac: '02:00:0a:00:00:05',
  devtype: null,
  wireless: false,
  bridge: false,
  bridgePort: false,
  bond: false,
  master: null,
  tun: false,
  lower: null,
};

const MACHINE = {
  sysVendor: null,
  productName: null,
  biosVendor: null,
  biosVersion: null,
  chassisAssetTag: null,
};

/** Fails loudly where a test's own text is wrong. */
export function address(text: string): Ipv4 {
  return known(parseIpv4(text), text);
}

function known<T>(parsed: T | null, text: string): T {
  if (parsed === null) throw new Error(`${text}: should be what it stands for`);
  return parsed;
}

/** @param link changes to eth1 @param subnet what is connected to it */
export function network(
  link: Partial<Link> = {},
  machine: Partial<NetworkFacts['machine']> = {},
  subnet = '10.0.0.0/24',
): NetworkFacts {
  const parent = { ...LINK, ...link };
  const route = { gateway: null, flags: RTF_UP, metric: 0 };
  return {
    links: [parent],
    routes: [{ ...route, interface: parent.name, destination: cidr(subnet) }],
    addresses: [address('10.0.0.5')],
    neighbours: [],
    machine: { ...MACHINE, ...machine },
    warnings: [],
  };
}

export function config(changes: Partial<Config['network']> = {}): Config {
  const lan = {
    driver: 'macvlan' as const,
    interface: 'eth1',
    subnet: cidr('10.0.0.0/24'),
    gateway: address('10.0.0.1'),
    range: cidr('10.0.0.192/27'),
  };
  const instance = (name: string): Instance => ({
    name: known(parseInstanceName(name), name),
    file: `/etc/ibq/instances/${name}.toml`,
    mode: 'paper',
    profile: 'simulator',
    image: 'localhost/ibq-simulator:latest',
    port: Number(name) as Port,
    user: 'me',
    paperUser: null,
    sidePorts: {},
    settings: resolveSettings([]),
    environment: {},
  });
  return {
    network: {
      mode: 'dual',
      lan,
      egress: 'host',
      hostAccess: false,
      allow: [],
      allowNetworks: [],
      routed: null,
      hostServices: [],
      linkLocal: false,
      ...changes,
    },
    publish: { address: address('127.0.0.1'), subnet: null },
    instances: [instance('4001'), instance('4002')],
  };
}

/** An instance as the manifest has it. */
export function deployed(name: keyof typeof MAC): ManifestInstance {
  return {
    definition: `d${name}`,
    mode: 'paper',
    profile: 'simulator',
    image: 'localhost/ibq-simulator:latest',
    publish: `127.0.0.1:${name}`,
    lan: { address: name === 4001 ? '10.0.0.192' : '10.0.0.193', mac: MAC[name] },
    relayPort: 4004,
    sideServices: [],
    commandPorts: [],
    tunnel: null,
    idBase: null,
    inputs: {},
  };
}

export const manifest: Manifest = {
  schemaVersion: 1,
  ibq: '0.1.0',
  generation: 7,
  configFile: '/etc/ibq/ibq.toml',
  createdAt: '2026-11-21T07:00:00.000Z',
  publishSubnet: '10.89.0.0/24',
  instances: { '4001': deployed(4001), '4002': deployed(4002) },
  addresses: {},
  idBases: {},
  hostPorts: {},
  networks: ['ibq-publish-1', 'ibq-lan-2'],
  files: {},
  images: {},
};

const SERVICES = [
  'ib-gateway@4001.service',
  'ib-gateway@4002.service',
  'ibq-publish-1-network.service',
  'ibq-lan-2-network.service',
];

const RULESET = ['4001', '4002']
  .map((port) => `\tip daddr 127.0.0.1 tcp dport ${port} dnat ip to 10.89.0.2:4004\n`)
  .join('');

export const instance: FactValues['instances'][number] = {
  name: '4001',
  active: 'active',
  pendingRestart: false,
  imageMoved: false,
  answers: true,
  publish: '127.0.0.1:4001',
  sideServices: [],
  sharesHost: false,
  verdict: { ready: true, word: 'ready', problems: [], mend: null },
};

export const hook: FactValues['hook'] = {
  libDir: '/usr/local/lib/ibq',
  paths: [{ path: '/usr/local/lib/ibq/guard', uid: 0, mode: 0o100755 }],
  unfit: [],
  definition: JSON.stringify({
    version: '1.0.0',
    hook: { path: '/usr/local/lib/ibq/guard' },
    when: { annotations: { '^ibq\\.instance$': '.*' } },
    stages: ['createRuntime'],
  }),
};

export const guard = {
  name: '4001',
  pid: 41,
  wanted: 'rules',
  kernel: 'rules',
  current: true,
  recorded: true,
};

export const volume = {
  instance: '4001',
  path: '/v',
  owner: '1000:1000',
  wanted: '1000:1000',
  profile: 'simulator',
  image: 'localhost/ibq-simulator:latest',
  imageUser: '1000',
};

export const generationFiles: FactValues['generationFiles'] = {
  drift: [],
  foreign: [],
  linked: true,
  staticUnits: [],
  shadows: [],
};

export const tunnels: FactValues['tunnels'] = {
  instances: [{ name: '4001', unpinned: [] }],
  missingParts: [],
  knownHosts: { uid: 0, mode: 0o100644 },
  states: [
    {
      instance: '4001',
      state: {
        target: 'trader@vps.example.com',
        listens: ['127.0.0.1:4001'],
        state: 'up',
        since: '2026-11-21T07:00:00Z',
        detail: '',
      },
    },
  ],
};

export const wayOut: FactValues['wayOut'] = {
  ipForward: true,
  nextHop: address('198.51.100.1'),
  leavesBy: 'eth0',
  host: true,
  instances: [
    { name: '4001', answered: true },
    { name: '4002', answered: true },
  ],
  astray: [],
  bridgeSubnet: '10.89.0.0/24',
  deaf: [],
  droppingChains: [],
};

const SHIM =
  '# ibq\nINTERFACE=eth1\nDRIVER=macvlan\nMAC=02:00:00:00:00:fe\nADDRESS=10.0.0.223\nROUTES=10.0.0.192/27 10.0.0.100/32\n';

export const shim: FactValues['shim'] = {
  wanted: SHIM,
  loaded: SHIM,
  link: {
    up: true,
    mac: '02:00:00:00:00:fe',
    addresses: ['10.0.0.223'],
    routes: ['10.0.0.192/27', '10.0.0.100'],
  },
  ways: ['10.0.0.192', '10.0.0.193'].map((to) => ({ address: to, interface: 'ibqshim' })),
  unit: {
    load: 'loaded',
    active: 'active',
    fragment: '/etc/systemd/system/ibq-shim.service',
    atBoot: true,
  },
};

export const firewalld: NonNullable<FactValues['firewalld']> = {
  strict: false,
  subnet: '10.89.0.0/24',
  zone: 'trusted',
  lasting: null,
  listener: true,
};

export const user: UserFacts = {
  name: '4001',
  pid: 4242,
  wanted: 2_013_265_920,
  actual: 2_013_265_920,
  pendingRestart: false,
  ids: [],
};

const WELL: FactValues = {
  podman: { version: '5.4.2', database: 'sqlite', failure: null },
  systemd: { version: 257, failure: null },
  parts: {
    netavark: '/usr/lib/podman/netavark',
    nft: '/usr/sbin/nft',
    nsenter: '/usr/bin/nsenter',
  },
  hook,
  cgroups: { unified: true },
  kernelDriver: { driver: 'macvlan', available: true, said: 'loaded' },
  configuration: { problems: [], files: 3 },
  config: config(),
  generation: { problem: null },
  manifest,
  secrets: new Set(['ibq-4001-password', 'ibq-4002-password']),
  images: new Set(['localhost/ibq-simulator:latest']),
  volumes: [volume],
  users: [user],
  memoryWarning: null,
  disks: [
    { path: '/etc', freeBytes: 9e9, readOnly: false },
    { path: '/run', freeBytes: 9e6, readOnly: false },
    { path: '/var/lib/containers', freeBytes: 9e9, readOnly: false },
  ],
  refusal: { problem: null },
  lostVolumes: [],
  boot: { enabled: true },
  changedUnits: [],
  undeployed: [],
  clock: { synchronised: true },
  network: network(),
  lanAnswers: new Map<Ipv4, string>(),
  lanFromInside: {
    gateway: address('10.0.0.1'),
    host: true,
    instances: [{ name: '4001', answered: true }],
  },
  wayOut,
  listeners: ['4001', '4002'].map((name) => listener(Number(name), `ib-gateway@${name}.service`)),
  podmanNetworks: {
    wanted: ['ibq-publish-1', 'ibq-lan-2'],
    defined: ['ibq-publish-1', 'ibq-lan-2', 'ibq-lan-of-before'],
  },
  units: SERVICES.map((id) => ({ id, load: 'loaded', loaded: 'a', deployed: 'a' })),
  generatorLog: [],
  generator: {
    path: '/usr/lib/systemd/system-generators/podman-system-generator',
    services: new Map(SERVICES.map((id) => [id, ''])),
    errors: [],
  },
  hostRules: { wanted: 'rules', kernel: 'rules' },
  shim,
  guards: [guard],
  ruleset: RULESET,
  nftablesService: { enabled: false, flushes: true, file: '/etc/nftables.conf' },
  firewalld,
  tunnels,
  generationFiles,
  dropIns: [],
  instances: [instance, { ...instance, name: '4002', publish: '127.0.0.1:4002' }],
};

/** @param unit empty: no unit */
export function listener(port: number, unit: string, listening: string | null = '127.0.0.1') {
  return {
    port,
    everywhere: listening === null,
    address: listening,
    inode: port,
    process: 'python3 (pid 7)',
    unit,
  };
}

/** @param changes facts that differ @param unknown facts that could not be found out, with the reason */
export function facts(
  changes: Partial<FactValues> = {},
  unknown: Partial<Record<keyof FactValues, string>> = {},
): Facts {
  const values: FactValues = { ...WELL, ...changes };
  const entries = Object.entries(values).map(([key, value]): [string, Fact<unknown>] => {
    const why = unknown[key as keyof FactValues];
    return [key, why === undefined ? { known: true, value } : { known: false, why }];
  });
  return Object.fromEntries(entries) as unknown as Facts;
}

/** What one check says. */
export function judged(id: string, all: Facts): CheckResult {
  const found = runChecks(all).find((check) => check.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
}
