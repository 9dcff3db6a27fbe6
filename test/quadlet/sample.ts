/** A rendered sample that tests start from: two instances, the templates as shipped. */

import { readFileSync } from 'node:fs';
import type { Config, Instance, InstanceName, Port } from '../../src/config/types.ts';
import type { Profile } from '../../src/images/profile.ts';
import { planAddresses } from '../../src/network/address-plan.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import type { RenderInput } from '../../src/quadlet/render.ts';
import { type TemplateName, templateNames } from '../../src/quadlet/template.ts';

const quadlets = new URL('../../quadlets/', import.meta.url);

export function readTemplates(): Record<TemplateName, string> {
  const entries = templateNames.map((name) => [
    name,
    readFileSync(new URL(name, quadlets), 'utf8'),
  ]);
  return Object.fromEntries(entries);
}

const sampleProfile: Profile = {
  id: 'simulator',
  title: 'sample',
  defaultImage: 'localhost/sample',
  relayPort: { live: 4003, paper: 4004 },
  uid: 1000,
  gid: 1000,
  settingsVolume: '/home/ibgateway/tws_settings',
  secrets: [
    {
      key: 'password',
      title: 'password of the IB user',
      fileVariable: 'TWS_PASSWORD_FILE',
      required: true,
      problem: () => null,
      encode: (value) => value,
    },
  ],
  environment: (instance) => ({ TRADING_MODE: instance.mode, AUTO_RESTART_TIME: '11:59 PM' }),
  ownedVariables: {},
};

export function sampleInstance(name: string, changes: Partial<Instance> = {}): Instance {
  return {
    name: name as InstanceName,
    file: `/etc/ibq/instances/${name}.toml`,
    mode: 'paper',
    profile: 'simulator',
    image: 'localhost/ibq-simulator:latest',
    port: 4002 as Port,
    user: 'trader',
    settings: {
      time_zone: 'America/New_York',
      read_only_api: true,
      auto_restart_time: null,
      auto_logoff_time: null,
      cold_restart_time: null,
      twofa_timeout_action: 'exit',
      twofa_device: null,
      twofa_exit_interval: 60,
      relogin_after_twofa_timeout: false,
      existing_session_action: 'primary',
      bypass_warning: null,
      allow_blind_trading: false,
      accept_incoming: 'manual',
      java_heap: 768,
      memory: null,
      address: null,
      hosts: {},
      dns: [],
    },
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
    },
    publish: { address: '127.0.0.1' as Ipv4 },
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
    publishSubnet: config.network.mode === 'lan' ? null : ('10.89.0.0/24' as Cidr),
    templates: readTemplates(),
    userDropIns: { template: [], instances: new Map() },
    libDir: '/usr/local/lib/ibq',
    profileFor: () => sampleProfile,
    ...changes,
  };
}
