/** Models of `network show`, as `showNetwork` makes them of a host with so many gateways. */

import type {
  NetworkShow,
  ShownInstance,
  ShownInterface,
  ShownNetwork,
} from '../../src/network/show.ts';

export const MODES = ['dual', 'bridge', 'lan', 'host'] as const;
type Mode = (typeof MODES)[number];

export interface Options {
  mode: Mode;
  count: number;
  /** Published beyond loopback, with a way back. */
  published?: boolean;
  /** The host has an address among its instances. */
  shim?: boolean;
  egress?: 'host' | 'lan';
  allow?: string[];
}

const LAN: ShownNetwork = {
  name: 'ibq-lan-a828e57e',
  driver: 'macvlan',
  mode: 'bridge',
  interface: 'eth1',
  subnet: '10.0.0.0/24',
  gateway: '10.0.0.1',
  range: { first: '10.0.0.193', last: '10.0.0.254' },
  kind: 'lan',
  current: true,
  interfaceState: 'up',
};

const BRIDGE: ShownNetwork = {
  name: 'ibq-publish-0fd8daf1',
  driver: 'bridge',
  mode: null,
  interface: 'ibq0fd8daf1',
  subnet: '10.89.0.0/24',
  gateway: '10.89.0.1',
  range: null,
  kind: 'publish',
  current: true,
  interfaceState: 'up',
};

export function shownHost(options: Options): NetworkShow {
  const { mode, count, published = false, shim = false } = options;
  const [onBridge, onLan] = networksOf(mode);
  const link = { kind: null, parent: null, state: 'up' as const, mac: null };
  const interfaces: ShownInterface[] = [
    { ...link, name: 'eth0', addresses: ['198.51.100.2/24'], role: 'way-out' },
    ...(onLan
      ? [{ ...link, name: 'eth1', addresses: ['10.0.0.5/24'], role: 'parent' as const }]
      : []),
    ...(onBridge
      ? [{ ...link, name: 'ibq0fd8daf1', addresses: ['10.89.0.1/24'], role: 'bridge' as const }]
      : []),
    ...(shim && onLan
      ? [
          {
            ...link,
            name: 'ibqshim',
            kind: 'macvlan',
            parent: 'eth1',
            addresses: ['10.0.0.222/32'],
            role: 'shim' as const,
          },
        ]
      : []),
  ];
  return {
    host: {
      interfaces,
      wayOut: { interface: 'eth0', gateway: '198.51.100.1' },
      forwarding: true,
      rules: 'in-force',
      returnPath: published && mode === 'dual' ? ['10.0.0.0/24'] : null,
    },
    networks: [...(onLan ? [LAN] : []), ...(onBridge ? [BRIDGE] : [])],
    instances: Array.from({ length: count }, (_, index) => shownInstance(options, index)),
    problems: [],
  };
}

/** Whether a mode has a bridge, and a LAN. */
function networksOf(mode: Mode): [boolean, boolean] {
  return [mode === 'dual' || mode === 'bridge', mode === 'dual' || mode === 'lan'];
}

function shownInstance(options: Options, index: number): ShownInstance {
  const { mode, published = false, shim = false, egress = 'host', allow = ['10.0.0.7'] } = options;
  const relayPort = index % 2 === 0 ? 4003 : 4004;
  const [onBridge, onLan] = networksOf(mode);
  const bridge = onBridge ? `10.89.0.${index + 3}` : null;
  const lan = onLan ? `10.0.0.${index + 192}` : null;
  const address = `${published ? '10.0.0.5' : '127.0.0.1'}:${4001 + index}`;
  const byLan = egress === 'lan' || mode === 'lan';
  const reach = (by: 'host' | 'lan' | 'published', at: string | null, from: string[]) =>
    at === null ? [] : [{ by, from, except: [], to: `${at}:${relayPort}` }];
  return {
    name: `${4001 + index}`,
    state: 'running',
    api: 'handshake',
    pendingRestart: false,
    deployed: {
      publish: mode === 'lan' ? null : address,
      lan: lan && `${lan}:${relayPort}`,
      sideServices: [],
    },
    bridge: bridge === null ? null : { network: BRIDGE.name, address: bridge, state: 'up' },
    lan:
      lan === null
        ? null
        : { network: LAN.name, address: lan, mac: `02:a6:5b:df:56:${hex(index)}`, state: 'up' },
    attached: [],
    wayOut:
      mode === 'host'
        ? { interface: 'eth0', gateway: '198.51.100.1' }
        : byLan
          ? { interface: 'lan0', gateway: '10.0.0.1' }
          : { interface: 'pub0', gateway: '10.89.0.1' },
    published: mode === 'lan' ? null : { address, relayPort, listening: true, forwarded: true },
    sideServices: [],
    sharesHost: mode === 'host',
    rules: 'in-force',
    reach: [
      ...reach('host', bridge, ['10.89.0.1']),
      ...(published ? reach('published', mode === 'host' ? '*' : bridge, allow) : []),
      ...(shim ? reach('lan', lan, ['10.0.0.222']) : []),
      ...reach('lan', lan, allow),
    ],
    problems: [],
  };
}

/** What can be the matter with an instance; each leaves the rest of the model as it is. */
export const CONDITIONS: Record<string, Partial<ShownInstance>> = {
  stopped: { state: 'stopped', ...withoutNetwork() },
  failed: { state: 'failed', ...withoutNetwork() },
  'without a guard that is known': {
    ...withoutNetwork(),
    problems: ['nothing shows that its guard was loaded'],
  },
  'waits for a restart': {
    pendingRestart: true,
    problems: ['changed, waits for "sudo ibq restart 4002" (new login)'],
  },
  'its port leads nowhere': {
    api: 'silent',
    published: { address: '127.0.0.1:4001', relayPort: 4003, listening: true, forwarded: false },
    problems: [
      '127.0.0.1:4001 leads nowhere: Podman\'s forward is gone; run "sudo podman network reload --all"',
    ],
  },
  'its rules are gone': {
    rules: 'missing',
    reach: [
      { by: 'lan', from: [], except: [], to: '10.0.0.192:any' },
      { by: 'published', from: [], except: [], to: '10.89.0.3:any' },
    ],
  },
  'somebody added a rule': {
    rules: 'changed',
    reach: [
      { by: 'host', from: ['10.89.0.1'], except: [], to: '10.89.0.3:4003' },
      { by: 'lan', from: ['10.0.0.0/24'], except: ['10.0.0.192/27'], to: '10.0.0.192:4003' },
      { by: 'other', from: ['10.0.0.66'], except: [], to: '10.89.0.3:22' },
    ],
  },
  'opens several ports': {
    reach: ['4003', '5900', '22', '8888'].flatMap((port) => [
      { by: 'host', from: ['10.89.0.1'], except: [], to: `10.89.0.3:${port}` },
      { by: 'lan', from: ['10.0.0.7'], except: [], to: `10.0.0.192:${port}` },
    ]),
    published: null,
  },
  'joined to a network': {
    attached: [{ interface: 'join0', address: '10.90.0.5', state: 'up' }],
    reach: [
      { by: 'host', from: ['10.89.0.1'], except: [], to: '10.89.0.3:4003' },
      { by: 'host', from: ['10.90.0.1'], except: [], to: '10.90.0.5:4003' },
      { by: 'attached', from: ['10.90.0.0/24'], except: [], to: '10.90.0.5:4003' },
      { by: 'lan', from: ['10.0.0.7'], except: [], to: '10.0.0.192:4003' },
    ],
  },
  "in a sidecar's network": {
    bridge: null,
    lan: null,
    attached: [
      { interface: 'eth0', address: '10.88.0.4', state: 'up' },
      { interface: 'wg0', address: '10.8.0.2', state: 'up' },
    ],
    reach: [
      { by: 'host', from: ['10.88.0.1'], except: [], to: '*:4003' },
      { by: 'attached', from: ['10.8.0.7'], except: [], to: '*:4003' },
    ],
  },
  'on a LAN of before': {
    lan: { network: 'ibq-lan-00000000', address: '192.168.7.9', mac: null, state: 'up' },
  },
  'with the longest of everything': {
    name: 'research_desk_with_31_character',
    state: 'stopping',
    api: 'link-down',
    bridge: { network: 'ibq-publish-0fd8daf1', address: '255.255.255.255', state: 'no-carrier' },
    lan: {
      network: 'ibq-lan-a828e57e',
      address: '255.255.255.254',
      mac: 'dd:dd:dd:dd:dd:dd',
      state: 'no-carrier',
    },
    wayOut: { interface: 'pub0', gateway: '255.255.255.253' },
    published: {
      address: '255.255.255.252:65535',
      relayPort: 4003,
      listening: true,
      forwarded: true,
    },
  },
};

export const OLD_LAN: ShownNetwork = {
  ...LAN,
  name: 'ibq-lan-00000000',
  interface: 'eth2',
  subnet: '192.168.7.0/24',
  gateway: null,
  range: null,
  current: false,
  interfaceState: 'missing',
};

/** The model with something the matter with one instance. */
export function changed(
  show: NetworkShow,
  index: number,
  changes: Partial<ShownInstance>,
): NetworkShow {
  const instances = show.instances.map((it, at) => (at === index ? { ...it, ...changes } : it));
  return { ...show, instances };
}

function withoutNetwork(): Partial<ShownInstance> {
  return {
    api: 'unchecked',
    bridge: null,
    lan: null,
    attached: [],
    wayOut: null,
    published: null,
    sharesHost: false,
    rules: 'none',
    reach: [],
  };
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
