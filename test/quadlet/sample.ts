/** A rendered sample that tests start from: two instances, the templates as shipped. */

import { readFileSync } from 'node:fs';
import { loadConfig } from '../../src/config/load.ts';
import type { Config, Instance, InstanceName, Port, Settings } from '../../src/config/types.ts';
import { profileOf } from '../../src/images/index.ts';
import type { Profile } from '../../src/images/profile.ts';
import { planAddresses } from '../../src/network/address-plan.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import type { RenderInput } from '../../src/quadlet/render.ts';
import { type TemplateName, templateNames } from '../../src/quadlet/template.ts';
import { FIRST_ID } from '../../src/quadlet/user-namespace.ts';

const quadlets = new URL('../../quadlets/', import.meta.url);

export function readTemplates(): Record<TemplateName, string> {
  const entries = templateNames.map((name) => [
    name,
    readFileSync(new URL(name, quadlets), 'utf8'),
  ]);
  return Object.fromEntries(entries);
}

const sampleProfile: Profile = {
  ...profileOf('simulator'),
  title: 'sample',
  defaultImage: 'localhost/sample',
  secrets: [
    {
      key: 'password',
      title: 'password of the IB user',
      as: { kind: 'file', variable: 'TWS_PASSWORD_FILE' },
      wanted: () => 'required',
      problem: () => null,
      encode: (value) => value,
    },
  ],
  variables: [
    { name: 'TRADING_MODE', keys: ['mode'], unset: 'exits', value: ({ mode }) => mode },
    { name: 'AUTO_RESTART_TIME', keys: [], unset: 'none', value: () => '11:59 PM' },
  ],
};

/** What an instance has whose file is empty. */
function defaultSettings(): Settings {
  const source = { path: '/etc/ibq/instances/4001.toml', text: '' };
  const [instance] = loadConfig({ main: null, pin: null, instances: [source] }).config.instances;
  if (!instance) throw new Error('no instance');
  return instance.settings;
}

export function sampleInstance(name: string, changes: Partial<Instance> = {}): Instance {
  return {
    name: name as InstanceName,
    file: `/etc/ibq/instances/${name}.toml`,
    mode: 'paper',
    profile: 'simulator',
    image: 'localhost/ibq-simulator:latest',
    port: 4002 as Port,
    user: 'trader',
    sidePorts: {},
    paperUser: null,
    settings: { ...defaultSettings(), time_zone: 'America/New_York' },
    environment: {},
    ...changes,
  };
}

export function sampleConfig(changes: Partial<Config> = {}): Config {
  return {
    network: {
      mode: 'dual',
      egress: 'host',
      hostAccess: false,
      lan: {
        driver: 'macvlan',
        interface: 'eth1',
        subnet: '10.0.0.0/24' as Cidr,
        gateway: '10.0.0.1' as Ipv4,
        range: '10.0.0.192/27' as Cidr,
      },
      allow: ['10.0.0.7/32' as Cidr],
      allowNetworks: [],
      routed: null,
      hostServices: [],
      linkLocal: false,
    },
    publish: { address: '127.0.0.1' as Ipv4, subnet: null },
    instances: [
      sampleInstance('4001', { mode: 'live', port: 4001 as Port }),
      sampleInstance('4002'),
    ],
    ...changes,
  };
}

export function sampleInput(
  config = sampleConfig(),
  changes: Partial<RenderInput> = {},
): RenderInput {
  const { lan } = config.network;
  const addresses =
    lan === null
      ? new Map()
      : planAddresses({
          lan,
          instances: config.instances.map(({ name, file, settings }) => ({
            name,
            file,
            fixed: settings.address,
          })),
          hostAccess: config.network.hostAccess,
          held: new Map(),
          previous: new Map(),
          hostAddresses: ['10.0.0.5' as Ipv4],
          seen: [],
          answered: [],
          machineId: '0123456789abcdef0123456789abcdef',
          file: '/etc/ibq/network.toml',
        }).assignments;
  return {
    config,
    addresses,
    held: [],
    shimMac: '02:00:00:00:00:fe',
    publishSubnet: config.network.mode === 'lan' ? null : ('10.89.0.0/24' as Cidr),
    hostPorts: { all: [], open: [] },
    attachments: { networks: new Map(), sidecars: new Map() },
    templates: readTemplates(),
    userDropIns: { template: [], instances: new Map() },
    libDir: '/usr/local/lib/ibq',
    profileFor: () => sampleProfile,
    ownFiles: new Map(),
    idBases: new Map(config.instances.map(({ name }, index) => [name, FIRST_ID + index * 65_536])),
    ...changes,
  };
}
