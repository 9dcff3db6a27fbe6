/** The whole configuration, from texts to values or to all problems at once. */

import { expect, test } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { summarized } from '../../src/config/report.ts';
import { ConfigError, formatProblem } from '../../src/errors.ts';

const MAIN = '/etc/ibq/ibq.toml';
const PIN = '/etc/ibq/network.toml';
const LAN = `[network]
interface = "eth1"
subnet = "10.0.0.0/24"
gateway = "10.0.0.1"
range = "10.0.0.192/27"
`;

interface Texts {
  main?: string;
  pin?: string;
  /** By file name without directory. */
  instances?: Record<string, string>;
}

function sources({ main, pin, instances = {} }: Texts): ConfigSources {
  return {
    main: main === undefined ? null : { path: MAIN, text: main },
    pin: pin === undefined ? null : { path: PIN, text: pin },
    instances: Object.entries(instances).map(([file, text]) => ({
      path: `/etc/ibq/instances/${file}`,
      text,
    })),
  };
}

function load(texts: Texts, env: Record<string, string> = {}) {
  return loadConfig(sources(texts), env);
}

/** The problems as they are printed, without the directory. */
function problems(texts: Texts, env: Record<string, string> = {}): string[] {
  try {
    loadConfig(sources(texts), env, []);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.map((p) => formatProblem(p).replaceAll('/etc/ibq/', ''));
    }
    throw error;
  }
  return [];
}

test('no file at all is valid', () => {
  expect(load({})).toEqual({
    config: {
      network: {
        mode: 'bridge',
        egress: 'host',
        hostAccess: false,
        hostServices: [],
        linkLocal: false,
        lan: null,
        allow: [],
        allowNetworks: [],
        routed: null,
      },
      publish: { address: '127.0.0.1', subnet: null },
      instances: [],
    },
    warnings: [],
  });
});

test('an empty instance file is a paper instance with every default', () => {
  const { config, warnings } = load({ instances: { '4002.toml': '' } });
  expect(config.instances).toEqual([
    {
      name: '4002',
      file: '/etc/ibq/instances/4002.toml',
      mode: 'paper',
      profile: 'gnzsnz',
      image: 'ghcr.io/gnzsnz/ib-gateway:stable',
      port: 4002,
      sidePorts: {},
      user: null,
      paperUser: null,
      settings: {
        user_secret: false,
        time_zone: 'Etc/UTC',
        read_only_api: true,
        auto_restart_time: null,
        auto_logoff_time: null,
        cold_restart_time: null,
        twofa_timeout_action: 'exit',
        twofa_device: null,
        twofa_exit_interval: 60,
        relogin_after_twofa_timeout: false,
        twofa_totp: false,
        twofa_wait: 180,
        passkey_authenticate: false,
        tws_server: null,
        paper_tws_server: null,
        existing_session_action: 'primary',
        bypass_warning: null,
        allow_blind_trading: false,
        accept_incoming: 'reject',
        master_client_id: null,
        save_settings: null,
        trusted_clients: [],
        java_heap: 768,
        java_options: null,
        memory: null,
        cpus: null,
        shm_size: null,
        stop_timeout: null,
        login_attempts: 2,
        restart: 'on-failure',
        read_only: false,
        user_namespace: true,
        uid: null,
        gid: null,
        address: null,
        hosts: {},
        dns: [],
        secrets: {},
        volumes: [],
        jts: {},
        ibc: {},
        vnc: { enabled: false, screen: null, display: null },
        rdp: { enabled: false },
        supervisor: { enabled: false, user: 'admin' },
        ssh: {
          mode: 'no',
          via: 'host',
          targets: [],
          remote_ports: [],
          vnc_port: null,
          rdp_port: null,
          alive_interval: 20,
          alive_count: 3,
          restart: 5,
          options: [],
          bastion: null,
          proxy_command: null,
        },
        custom_config: { jts: null, ibc: null },
        network: { publish: true, join: [], via: null },
        custom: {
          live_port: 4003,
          paper_port: 4004,
          vnc_port: null,
          settings_path: null,
          password_as: 'environment',
          user: null,
          command: [],
          tmpfs: [],
          devices: [],
          capabilities: [],
          variables: {},
        },
      },
      environment: {},
    },
  ]);
  expect(warnings).toEqual([
    '/etc/ibq/instances/4002.toml: user: not set: the gateway will stop at its login window',
    '/etc/ibq/instances/4002.toml: read_only_api: not set: API clients cannot trade; set it to false, or to true to keep it so',
  ]);
});

test('an instance is over [defaults], which are over the built-in values', () => {
  const { config } = load({
    main: `[defaults]
user = "shared"
time_zone = "Europe/Berlin"
java_heap = 1024
environment = { A = "defaults", B = "defaults" }`,
    instances: {
      '4001.toml':
        'mode = "live"\nread_only_api = false\njava_heap = 512\nenvironment = { B = "own" }',
      'research.toml': 'port = 5001\nuser = "other"',
    },
  });
  const [live, research] = config.instances;
  expect(live).toMatchObject({
    name: '4001',
    mode: 'live',
    user: 'shared',
    environment: { A: 'defaults', B: 'own' },
    settings: { time_zone: 'Europe/Berlin', java_heap: 512, read_only_api: false },
  });
  expect(research).toMatchObject({ name: 'research', port: 5001, user: 'other', mode: 'paper' });
});

test.each([
  ['', '', 'ghcr.io/gnzsnz/ib-gateway:stable'],
  ['[image]\nreference = "example.org/ib:1"', '', 'example.org/ib:1'],
  ['[image]\nprofile = "simulator"', '', 'localhost/ibq-simulator:latest'],
  ['', '[image]\nprofile = "simulator"', 'localhost/ibq-simulator:latest'],
  // A reference is made for a profile: another profile does not take it.
  [
    '[image]\nreference = "example.org/ib:1"',
    '[image]\nprofile = "simulator"',
    'localhost/ibq-simulator:latest',
  ],
  ['[image]\nreference = "example.org/ib:1"', '[image]\nprofile = "gnzsnz"', 'example.org/ib:1'],
  [
    '[image]\nreference = "example.org/ib:1"',
    '[image]\nreference = "example.org/ib:2"',
    'example.org/ib:2',
  ],
])('image: host %j, instance %j → %s', (main, own, image) => {
  const { config } = load({ main, instances: { '4001.toml': own } });
  expect(config.instances[0]?.image).toBe(image);
});

test.each<[string, Texts, Record<string, string>, string, string | null]>([
  ['nothing', {}, {}, 'bridge', null],
  ['a pinned LAN', { pin: LAN }, {}, 'dual', '10.0.0.0/24'],
  ['a pinned LAN, the pin says bridge', { pin: `${LAN}mode = "bridge"` }, {}, 'bridge', null],
  [
    'the pin says bridge, ibq.toml dual',
    { pin: `${LAN}mode = "bridge"`, main: '[network]\nmode = "dual"' },
    {},
    'dual',
    '10.0.0.0/24',
  ],
  ['lan', { pin: LAN, main: '[network]\nmode = "lan"' }, {}, 'lan', '10.0.0.0/24'],
  [
    'ibq.toml over the pin',
    { pin: LAN, main: '[network]\nsubnet = "10.0.0.0/16"' },
    {},
    'dual',
    '10.0.0.0/16',
  ],
  [
    'the environment over both',
    { pin: LAN, main: '[network]\nsubnet = "10.0.0.0/16"' },
    { NETWORK_SUBNET: '10.0.0.0/20' },
    'dual',
    '10.0.0.0/20',
  ],
  ['an empty variable is unset', { pin: LAN }, { NETWORK_SUBNET: '' }, 'dual', '10.0.0.0/24'],
  ['everything in ibq.toml', { main: LAN }, {}, 'dual', '10.0.0.0/24'],
])('network: %s → %s', (_title, texts, env, mode, subnet) => {
  const { network } = load(texts, env).config;
  expect([network.mode, network.lan?.subnet ?? null]).toEqual([mode, subnet]);
});

test('overrides work one by one', () => {
  const { network } = load(
    { pin: LAN },
    { NETWORK_INTERFACE: 'eth7', NETWORK_GATEWAY: '10.0.0.2' },
  ).config;
  expect(network.lan).toEqual({
    driver: 'macvlan',
    interface: 'eth7',
    subnet: '10.0.0.0/24',
    gateway: '10.0.0.2',
    range: '10.0.0.192/27',
  });
});

test('allow loses what other entries cover', () => {
  const main = '[network]\nallow = ["10.0.0.7", "10.0.0.0/28", "10.0.0.7/32", "192.168.1.1"]';
  expect(load({ main }).config.network.allow).toEqual(['10.0.0.0/28', '192.168.1.1/32']);
});

test('instances come in order of name', () => {
  const names = ['research', '4002', 'a_b', '4001'];
  const instances = Object.fromEntries(names.map((n, i) => [`${n}.toml`, `port = ${5000 + i}`]));
  expect(load({ instances }).config.instances.map((i) => i.name)).toEqual([
    '4001',
    '4002',
    'a_b',
    'research',
  ]);
});

const instance = (text: string): Texts => ({ instances: { '4001.toml': text } });
const main = (text: string): Texts => ({ main: text });

test.each<[Texts, Record<string, string>, string[]]>([
  // Unknown keys
  [
    main('[netwrok]\nmode = "dual"'),
    {},
    ['ibq.toml: netwrok: unknown table; did you mean "network"?'],
  ],
  [
    main('[network]\nsubent = "10.0.0.0/24"'),
    {},
    ['ibq.toml: network.subent: unknown key; did you mean "subnet"?'],
  ],
  [
    main('mode = "live"'),
    {},
    [
      "ibq.toml: mode: unknown key; it belongs in [defaults] for every instance (or [network], where it is the network's)",
    ],
  ],
  [main('subnet = "10.0.0.0/24"'), {}, ['ibq.toml: subnet: unknown key; it belongs in [network]']],
  [
    main('time_zone = "Etc/UTC"'),
    {},
    ['ibq.toml: time_zone: unknown key; it belongs in [defaults]'],
  ],
  [
    main('[defaults]\nport = 4001'),
    {},
    [
      'ibq.toml: defaults.port: unknown key; it belongs to one instance: set it in instances/NAME.toml',
    ],
  ],
  [
    main('[publish]\nwrongly = 1'),
    {},
    ['ibq.toml: publish.wrongly: unknown key; should be one of address, subnet, accept_risk'],
  ],
  [
    instance('readOnlyApi = true'),
    {},
    ['instances/4001.toml: readOnlyApi: unknown key; did you mean "read_only_api"?'],
  ],
  [
    instance('read-only-api = true'),
    {},
    ['instances/4001.toml: read-only-api: unknown key; did you mean "read_only_api"?'],
  ],
  [
    instance('TWS_USERID = "x"'),
    {},
    ['instances/4001.toml: TWS_USERID: unknown key; did you mean "user"?'],
  ],
  [
    instance('[network]\nmode = "dual"'),
    {},
    ['instances/4001.toml: network.mode: unknown key; it belongs in [network] of ibq.toml'],
  ],
  [
    instance('__proto__ = 1\nconstructor = 2\ntoString = 3'),
    {},
    [
      'instances/4001.toml: __proto__: unknown key',
      'instances/4001.toml: constructor: unknown key',
      'instances/4001.toml: toString: unknown key',
    ],
  ],
  [
    { pin: '[network]\nallow = []' },
    {},
    ['network.toml: network.allow: unknown key; it belongs in [network] of ibq.toml'],
  ],
  // Types
  [
    instance('port = 70000'),
    {},
    ['instances/4001.toml: port: should be a port (1-65535), got 70000'],
  ],
  [
    instance('port = "4001"'),
    {},
    ['instances/4001.toml: port: should be a port (1-65535), got "4001"; write it without quotes'],
  ],
  [instance('port = 0'), {}, ['instances/4001.toml: port: should be a port (1-65535), got 0']],
  [
    instance('port = inf'),
    {},
    ['instances/4001.toml: port: should be a port (1-65535), got Infinity'],
  ],
  [
    instance('port = 4001.5'),
    {},
    ['instances/4001.toml: port: should be a port (1-65535), got 4001.5'],
  ],
  [
    instance('read_only_api = "true"'),
    {},
    [
      'instances/4001.toml: read_only_api: should be true or false, got "true"; write true without quotes',
    ],
  ],
  [
    instance('mode = 1979-05-27'),
    {},
    [
      'instances/4001.toml: mode: should be "live", "paper", "both", got a date or time without quotes',
    ],
  ],
  [
    instance('mode = "both"\n[image]\nprofile = "danklabs"'),
    {},
    [
      'instances/4001.toml: mode: should be "live" or "paper" with profile danklabs, got "both"; make two instances instead',
    ],
  ],
  [
    { main: '[image]\nprofile = "danklabs-host"', instances: { '4001.toml': 'user = "user1"' } },
    {},
    [
      'ibq.toml: image.profile: images of profile danklabs-host need network.mode = "host", got "bridge"',
    ],
  ],
  [
    instance('user = "user1"\n[image]\nprofile = "danklabs-host"'),
    {},
    [
      'instances/4001.toml: image.profile: images of profile danklabs-host need network.mode = "host", got "bridge"',
    ],
  ],
  [
    instance('mode = "papr"'),
    {},
    [
      'instances/4001.toml: mode: should be "live", "paper", "both", got "papr"; did you mean "paper"?',
    ],
  ],
  [
    instance('environment = "A=1"'),
    {},
    ['instances/4001.toml: environment: should be a table such as { NAME = "value" }, got "A=1"'],
  ],
  [main('network = 1'), {}, ['ibq.toml: network: should be a table [network], got 1']],
  [main('[[network]]'), {}, ['ibq.toml: network: should be a table [network], got a list']],
  [
    main('[network]\nallow = "10.0.0.7"'),
    {},
    ['ibq.toml: network.allow: should be a list, got "10.0.0.7"; write ["10.0.0.7"]'],
  ],
  [
    main('[network]\nallow = ["10.0.0.7", "10.0.0.5/24"]'),
    {},
    [
      'ibq.toml: network.allow.1: should be an IPv4 address, a subnet such as 10.0.0.0/24, or a network such as trader.network, got "10.0.0.5/24"; write "10.0.0.0/24"',
    ],
  ],
  [
    {
      main: '[network]\nmode = "host"',
      instances: { '4001.toml': 'mode = "paper"\nvnc = { enabled = true, port = 5902 }' },
    },
    {},
    [
      'instances/4001.toml: port: should be 4002 in network mode "host", where images of profile gnzsnz always listen, got 4001',
      'instances/4001.toml: vnc.port: should be 5900 in network mode "host", where images of profile gnzsnz always listen, got 5902',
    ],
  ],
  [
    {
      main: '[network]\nmode = "host"\nhost_access = true\negress = "lan"',
      instances: { '4001.toml': 'mode = "live"', '4002.toml': 'address = "10.0.0.200"' },
    },
    {},
    [
      'ibq.toml: network.egress: should be "host" in mode "host", got "lan"',
      'ibq.toml: network.host_access: should be false in mode "host": there are no LAN addresses to reach',
      'instances/4002.toml: address: should be left out in mode "host", which has no LAN addresses',
      'instances/4001.toml: image.profile: should not be of profile gnzsnz beside 4002: the ports and the display of such images can\'t be set, so in network mode "host" one alone fits on a host',
      'instances/4002.toml: image.profile: should not be of profile gnzsnz beside 4001: the ports and the display of such images can\'t be set, so in network mode "host" one alone fits on a host',
    ],
  ],
  [
    {
      main: '[network]\nallow = ["everybody", "trader.network"]',
      instances: { '4001.toml': 'mode = "live"\nnetwork.join = ["trader.network"]' },
    },
    {},
    [
      'ibq.toml: network.allow: "everybody" should be an address, a subnet, or a network that an instance joins (network.join)',
    ],
  ],
  [
    {
      pin: LAN,
      instances: {
        '4001.toml':
          'hosts = { db = "10.0.0.2" }\ndns = ["10.0.0.1"]\naddress = "10.0.0.200"\n[network]\njoin = ["trader"]\nvia = "wireguard.container"',
        '4002.toml': 'network.via = "wireguard.container"',
      },
    },
    {},
    [
      'instances/4001.toml: network.join: should be left out beside network.via: it belongs to wireguard.container',
      'instances/4001.toml: address: should be left out beside network.via: it belongs to wireguard.container',
      'instances/4001.toml: hosts: should be left out beside network.via: it belongs to wireguard.container',
      'instances/4001.toml: dns: should be left out beside network.via: it belongs to wireguard.container',
      'instances/4002.toml: network.via: should be its own, wireguard.container is the network of instances/4001.toml too: their ports clash',
    ],
  ],
  [
    {
      main: '[network]\nmode = "host"',
      instances: {
        '4001.toml': 'mode = "live"\nnetwork = { join = ["trader"], via = "wireguard.container" }',
      },
    },
    {},
    [
      'instances/4001.toml: network.join: should be empty in mode "host": the host is in all its networks',
      'instances/4001.toml: network.via: should be left out in mode "host", which has no network of its own',
      'instances/4001.toml: network.join: should be left out beside network.via: it belongs to wireguard.container',
    ],
  ],
  [
    { instances: { '4001.toml': 'network.join = ["host"]\nnetwork.via = "wireguard"' } },
    {},
    [
      'instances/4001.toml: network.join.0: should be a Quadlet network such as trader.network, or the name of a Podman network, got "host"',
      'instances/4001.toml: network.via: should be a Quadlet container such as wireguard.container, got "wireguard"',
    ],
  ],
  [
    { pin: LAN, main: '[network]\nmasquerade = false' },
    {},
    [
      'ibq.toml: network.masquerade: should be true in mode "dual": only mode "bridge" goes to the LAN by the host',
    ],
  ],
  [
    main('[network]\nmasquerade = false'),
    {},
    [
      'ibq.toml: network.masquerade: needs network.subnet, the LAN that is meant; run "sudo ibq network detect --write"',
    ],
  ],
  // Times and zones
  [
    instance('auto_restart_time = "23:55 PM"'),
    {},
    [
      'instances/4001.toml: auto_restart_time: should be a time such as "11:55 PM" (hh:mm AM or PM), got "23:55 PM"; write "11:55 PM"',
    ],
  ],
  [
    instance('auto_logoff_time = "9:05 am"'),
    {},
    [
      'instances/4001.toml: auto_logoff_time: should be a time such as "11:55 PM" (hh:mm AM or PM), got "9:05 am"; write "09:05 AM"',
    ],
  ],
  [
    instance('cold_restart_time = "7:05 PM"'),
    {},
    [
      'instances/4001.toml: cold_restart_time: should be a time such as "07:05" (hh:mm, 24 hours), got "7:05 PM"; write "19:05"',
    ],
  ],
  [
    instance('time_zone = "america/new_york"'),
    {},
    [
      'instances/4001.toml: time_zone: should be a time zone such as America/New_York or Etc/UTC, got "america/new_york"; write "America/New_York"',
    ],
  ],
  [
    instance('time_zone = "Mars/Base"'),
    {},
    [
      'instances/4001.toml: time_zone: should be a time zone such as America/New_York or Etc/UTC, got "Mars/Base"',
    ],
  ],
  // Names and ports
  [
    { instances: { 'My-IB.toml': 'port = 1' } },
    {},
    [
      `instances/My-IB.toml: the file's name should be 1-31 of a-z, 0-9 and "_", the first a letter or digit, got "My-IB"; rename the file to my_ib.toml`,
    ],
  ],
  [
    { instances: { 'research.toml': '' } },
    {},
    ['instances/research.toml: port: should be set: the name "research" is not a port'],
  ],
  [
    { instances: { '70000.toml': '' } },
    {},
    ['instances/70000.toml: port: should be set: the name "70000" is not a port'],
  ],
  [
    { instances: { '4001.toml': '', 'a.toml': 'port = 4001' } },
    {},
    [
      'instances/4001.toml: port: 4001 is already used by instances/a.toml; choose another',
      'instances/a.toml: port: 4001 is already used by instances/4001.toml; choose another',
    ],
  ],
  // Environment variables
  [
    instance('environment = { "A B" = "1" }'),
    {},
    [
      'instances/4001.toml: environment."A B": should be a name of letters, digits and "_" that does not start with a digit',
    ],
  ],
  [
    instance('environment = { A = 1 }'),
    {},
    ['instances/4001.toml: environment.A: should be text, got 1; write "1"'],
  ],
  [
    instance('environment = { A = "\\u0000" }'),
    {},
    [
      'instances/4001.toml: environment.A: should be text without a NUL character, which no program can be given',
    ],
  ],
  [
    instance('environment = { TWS_PASSWORD = "x" }'),
    {},
    [
      'instances/4001.toml: environment.TWS_PASSWORD: should not stand in a file; run "sudo ibq secret set 4001 password"',
    ],
  ],
  [
    instance('environment = { VNC_SERVER_PASSWORD = "x" }'),
    {},
    [
      'instances/4001.toml: environment.VNC_SERVER_PASSWORD: should not stand in a file; run "sudo ibq secret set 4001 vnc_password"',
    ],
  ],
  [
    instance('environment = { TRADING_MODE = "live" }'),
    {},
    ['instances/4001.toml: environment.TRADING_MODE: is set by ibq; use the key "mode" instead'],
  ],
  [
    instance('environment = { TWS_SETTINGS_PATH = "/x" }'),
    {},
    ['instances/4001.toml: environment.TWS_SETTINGS_PATH: is set by ibq'],
  ],
  [
    { main: '[defaults.environment]\nTZ = "x"', instances: { '4001.toml': '', '4002.toml': '' } },
    {},
    ['ibq.toml: defaults.environment.TZ: is set by ibq; use the key "time_zone" instead'],
  ],
  // User and image
  [
    instance('user = "a b"'),
    {},
    [
      'instances/4001.toml: user: should be an IB user name (1-64 of letters, digits, ".", "_", "-", "@"), got "a b"',
    ],
  ],
  [
    instance('[image]\nreference = "gnzsnz/ib-gateway"'),
    {},
    [
      'instances/4001.toml: image.reference: should be an image with its registry, such as ghcr.io/gnzsnz/ib-gateway:stable, got "gnzsnz/ib-gateway"; write "docker.io/gnzsnz/ib-gateway"',
    ],
  ],
  [
    main('[image]\nprofile = "gnzsns"'),
    {},
    [
      'ibq.toml: image.profile: should be "gnzsnz", "gnzsnz-tws", "danklabs", "danklabs-tws", "danklabs-host", "ibg-controller", "custom", "simulator", got "gnzsns"; did you mean "gnzsnz"?',
    ],
  ],
  // The network, checked together
  [
    main('[network]\nmode = "dual"'),
    {},
    [
      'ibq.toml: network.mode: "dual" needs network.interface, network.subnet, network.gateway, network.range; run "sudo ibq network detect --write"',
    ],
  ],
  [
    { pin: LAN.replace(/range.*\n/, ''), main: '[network]\nmode = "lan"' },
    {},
    ['ibq.toml: network.mode: "lan" needs network.range; run "sudo ibq network detect --write"'],
  ],
  [
    { pin: LAN, main: '[network]\ngateway = "10.0.1.1"' },
    {},
    ['ibq.toml: network.gateway: should lie in 10.0.0.0/24 (network.subnet), got 10.0.1.1'],
  ],
  [
    { pin: LAN, main: '[network]\ngateway = "10.0.0.255"' },
    {},
    [
      "ibq.toml: network.gateway: should be a host's address, 10.0.0.255 is the network or broadcast address of 10.0.0.0/24 (network.subnet)",
    ],
  ],
  [
    { pin: LAN },
    { NETWORK_SUBNET: '192.168.1.0/24' },
    [
      'network.toml: network.gateway: should lie in 192.168.1.0/24 (NETWORK_SUBNET), got 10.0.0.1',
      'network.toml: network.range: should lie in 192.168.1.0/24 (NETWORK_SUBNET), got 10.0.0.192/27',
    ],
  ],
  [
    { pin: LAN },
    { NETWORK_GATEWAY: '10.0.9.1' },
    ['NETWORK_GATEWAY: should lie in 10.0.0.0/24 (network.subnet), got 10.0.9.1'],
  ],
  [
    { pin: LAN },
    { NETWORK_SUBNET: '10.0.0.5/24' },
    [
      'NETWORK_SUBNET: should be a subnet such as 10.0.0.0/24, got "10.0.0.5/24"; write "10.0.0.0/24"',
    ],
  ],
  [
    { pin: LAN },
    { NETWORK_INTERFACE: 'eth0; reboot' },
    [
      'NETWORK_INTERFACE: should be the name of a network interface (1-15 of letters, digits, ".", "_", "@", "-"), got "eth0; reboot"',
    ],
  ],
  [
    { pin: LAN, main: '[network]\nrange = "10.0.0.0/27"' },
    {},
    ['ibq.toml: network.range: should not hold the gateway 10.0.0.1, got 10.0.0.0/27'],
  ],
  [
    { pin: LAN, main: '[network]\nrange = "10.0.0.64"' },
    {},
    ['ibq.toml: network.range: should be a subnet such as 10.0.0.0/24, got "10.0.0.64"'],
  ],
  [
    {
      pin: LAN,
      main: '[network]\nrange = "10.0.0.64/31"',
      instances: { '4001.toml': '', '4002.toml': '' },
    },
    {},
    [
      'ibq.toml: network.range: should have room for 2 instances and an address of the host\'s own, got 10.0.0.64/31 with room for 1; set range = "10.0.0.64/30", which must be outside the DHCP range: all keep their addresses, and what runs takes it over at its next restart',
    ],
  ],
  // Publishing
  [
    main('[publish]\naddress = "0.0.0.0"'),
    {},
    [
      'ibq.toml: publish.address: 0.0.0.0 needs network.allow, the clients that may open the ports; or write "127.0.0.1"',
    ],
  ],
  [main('[publish]\naddress = "0.0.0.0"\n[network]\nallow = ["10.0.0.7"]'), {}, []],
  [
    main('[publish]\naddress = "0.0.0.9"\n[network]\nallow = ["10.0.0.7"]'),
    {},
    ['ibq.toml: publish.address: should be an address of the host, got 0.0.0.9'],
  ],
  [
    {
      pin: LAN,
      main: '[publish]\naddress = "10.0.0.5"\n[network]\nmode = "lan"\nallow = ["10.0.0.7"]',
    },
    {},
    [
      'ibq.toml: publish.address: should be left out in mode "lan", which publishes nothing, got 10.0.0.5',
    ],
  ],
  [
    main('[publish]\naddress = "10.0.0.5"'),
    {},
    [
      'ibq.toml: publish.address: 10.0.0.5 needs network.allow, the clients that may open the ports; or write "127.0.0.1"',
    ],
  ],
  [main('[publish]\naddress = "10.0.0.5"\n[network]\nallow = ["10.0.0.7"]'), {}, []],
  [{ pin: LAN, main: '[publish]\naddress = "10.0.0.5"\n[network]\nallow = ["10.0.0.7"]' }, {}, []],
  [
    main('[network]\nallow = ["0.0.0.0/0"]'),
    {},
    [
      'ibq.toml: network.allow: should name who is allowed, got everybody (0.0.0.0/0): the IB API has no password; if you know that nobody else reaches the ports, set publish.accept_risk = "open-api"',
    ],
  ],
  [main('[network]\nallow = ["0.0.0.0/0"]\n[publish]\naccept_risk = "open-api"'), {}, []],
  [main('[publish]\nsubnet = "10.77.0.0/24"'), {}, []],
  [
    main('[publish]\nsubnet = "203.0.113.0/24"'),
    {},
    [
      'ibq.toml: publish.subnet: should be private (10/8, 172.16/12, 192.168/16), got 203.0.113.0/24',
    ],
  ],
  [
    { pin: LAN, main: '[publish]\nsubnet = "10.0.0.0/23"' },
    {},
    ['ibq.toml: publish.subnet: should lie outside network.subnet 10.0.0.0/24, got 10.0.0.0/23'],
  ],
  [
    main('[publish]\naccept_risk = "yes"'),
    {},
    ['ibq.toml: publish.accept_risk: should be "open-api", got "yes"'],
  ],
  // The way out, the host among its instances
  [{ pin: LAN, main: '[network]\negress = "lan"\nhost_access = true' }, {}, []],
  [{ pin: LAN, main: '[network]\nmode = "lan"\negress = "lan"\nhost_access = true' }, {}, []],
  [
    { pin: LAN, main: '[network]\nmode = "lan"\negress = "host"' },
    {},
    ['ibq.toml: network.egress: should be "lan" in mode "lan", got "host"'],
  ],
  [
    { pin: LAN, main: '[network]\nmode = "bridge"\negress = "lan"\nhost_access = true' },
    {},
    [
      'ibq.toml: network.egress: should be "host" in mode "bridge", got "lan"',
      'ibq.toml: network.host_access: should be false in mode "bridge": there are no LAN addresses to reach',
    ],
  ],
  [
    main('[network]\negress = "lan"'),
    {},
    [
      'ibq.toml: network.egress: should be "host" in mode "bridge", got "lan"; for a LAN run "sudo ibq network detect --write"',
    ],
  ],
  [main('[network]\nhost_access = false\negress = "host"'), {}, []],
  // Fixed addresses, names, name servers
  [{ pin: LAN, instances: { '4001.toml': 'address = "10.0.0.100"' } }, {}, []],
  [
    instance('address = "10.0.0.100"'),
    {},
    [
      'instances/4001.toml: address: should be left out in mode "bridge", which has no LAN addresses; for a LAN run "sudo ibq network detect --write"',
    ],
  ],
  [
    { main: '[network]\nmode = "bridge"', instances: { '4001.toml': 'address = "10.0.0.100"' } },
    {},
    [
      'instances/4001.toml: address: should be left out in mode "bridge", which has no LAN addresses',
    ],
  ],
  [
    main('[defaults]\naddress = "10.0.0.100"'),
    {},
    [
      'ibq.toml: defaults.address: unknown key; it belongs to one instance: set it in instances/NAME.toml',
    ],
  ],
  [
    {
      pin: LAN,
      main: '[network]\nrange = "10.0.0.64/31"',
      instances: { '4001.toml': '', '4002.toml': 'address = "10.0.0.9"' },
    },
    {},
    [],
  ],
  [instance('hosts = { maindb = "10.0.0.2", "a.b-c" = "10.0.0.3" }\ndns = ["10.0.0.1"]'), {}, []],
  [
    instance('hosts = { "-a" = "10.0.0.2", b = "c", "d:e" = "10.0.0.3", "f.." = "10.0.0.4" }'),
    {},
    [
      'instances/4001.toml: hosts.-a: should be a host name of letters, digits, "-" and "."',
      'instances/4001.toml: hosts.b: should be an IPv4 address such as 10.0.0.1, got "c"',
      'instances/4001.toml: hosts."d:e": should be a host name of letters, digits, "-" and "."',
      'instances/4001.toml: hosts."f..": should be a host name of letters, digits, "-" and "."',
    ],
  ],
  [
    instance('hosts = ["10.0.0.2"]'),
    {},
    ['instances/4001.toml: hosts: should be a table such as { maindb = "10.0.0.2" }, got a list'],
  ],
  [
    instance('dns = "10.0.0.1"'),
    {},
    ['instances/4001.toml: dns: should be a list, got "10.0.0.1"; write ["10.0.0.1"]'],
  ],
  // Files as a whole
  [main('a = [\n1,\n\n= 2'), {}, [expect.stringMatching(/^ibq\.toml:4: should be TOML: /)]],
  [main('[network\nmode = 1'), {}, [expect.stringMatching(/^ibq\.toml:1: should be TOML: /)]],
  [main('# fine\nx = "\u0000"'), {}, ['ibq.toml:2: should be text, got a NUL character']],
  [main('# \ufffd'), {}, ['ibq.toml:1: should be UTF-8, got other bytes']],
  [
    main(`# ${'x'.repeat(10 * 1024 * 1024)}`),
    {},
    ['ibq.toml: should be at most 1 MiB, got 10.0 MiB'],
  ],
  [main('\ufeff[network]\r\nmode = "bridge"\r\n'), {}, []],
  // What an image can't do
  [
    instance('user = "u"\nread_only = true'),
    {},
    [
      'instances/4001.toml: read_only: should be false: images of profile gnzsnz write into their own file system',
    ],
  ],
  // Several at once, over all files
  [
    {
      main: '[defaults]\nmode = "x"',
      pin: '=',
      instances: { '4001.toml': 'port = 0', 'B.toml': '' },
    },
    {},
    [
      'ibq.toml: defaults.mode: should be "live", "paper", "both", got "x"',
      expect.stringMatching(/^network\.toml:1: should be TOML: /),
      'instances/4001.toml: port: should be a port (1-65535), got 0',
      expect.stringMatching(/^instances\/B\.toml: the file's name should be/),
    ],
  ],
  [
    { main: '[network', instances: { '4001.toml': '' } },
    {},
    [expect.stringMatching(/^ibq\.toml:1: should be TOML: /)],
  ],
])('problems, row %#: %s', (texts, env, expected) => {
  expect(problems(texts, env)).toEqual(expected);
});

test.each<[Texts, Record<string, string>, string[]]>([
  [
    instance('user = "u"\nmode = "live"'),
    {},
    [
      'instances/4001.toml: read_only_api: not set: API clients cannot trade; set it to false, or to true to keep it so',
    ],
  ],
  [
    instance('user = "u"'),
    {},
    [
      'instances/4001.toml: read_only_api: not set: API clients cannot trade; set it to false, or to true to keep it so',
    ],
  ],
  [
    instance('user = "u"\nread_only_api = true\nmemory = 512'),
    {},
    [
      'instances/4001.toml: memory: 512 MB is no more than the Java heap of 768 MB: the kernel will end the gateway',
    ],
  ],
  [
    {
      main: '[defaults]\nuser = "u"\nread_only_api = false\nmemory = 512',
      instances: { '4001.toml': '', '4002.toml': 'user = "w"' },
    },
    {},
    [
      'ibq.toml: defaults.memory: 512 MB is no more than the Java heap of 768 MB: the kernel will end the gateway',
    ],
  ],
  [
    {
      main: '[defaults]\nuser = "u"\nread_only_api = true',
      instances: {
        '4001.toml': '',
        '4002.toml': 'user = "U"',
        '4003.toml': 'mode = "live"',
        '4004.toml': 'mode = "both"\nuser = "v"\npaper_user = "u"',
      },
    },
    {},
    ['4002.toml: user: "U"', '4004.toml: paper_user: "u"'].map(
      (place) =>
        `instances/${place} logs in to paper in instances/4001.toml too: IBKR lets a user in once, so one of the two will end or throw the other out`,
    ),
  ],
  [
    instance(
      'user = "u"\nread_only_api = true\nauto_restart_time = "11:55 PM"\nauto_logoff_time = "11:55 PM"',
    ),
    {},
    ['instances/4001.toml: auto_logoff_time: has no effect beside auto_restart_time'],
  ],
  [
    { instances: { '80.toml': 'user = "u"\nread_only_api = true' } },
    {},
    ['instances/80.toml: port: 80 is among the ports of the system (below 1024)'],
  ],
  [
    { instances: { '4001.toml~': 'nonsense' } },
    {},
    ['instances/4001.toml~: not read: its name does not end in .toml'],
  ],
  [
    {},
    { NETWORK_INTERFACE: 'eth1' },
    [
      'NETWORK_INTERFACE: network.subnet, network.gateway, network.range not set: no LAN addresses, bridge mode; run "sudo ibq network detect --write"',
    ],
  ],
  [
    { main: LAN.replaceAll('10.0.0', '203.0.113') },
    {},
    ['ibq.toml: network.subnet: 203.0.113.0/24 is not a private subnet'],
  ],
  [
    {
      main: '[network]\nallow = ["203.0.113.7"]\nmode = "bridge"\n[publish]\naddress = "10.0.0.5"',
    },
    {},
    ['ibq.toml: network.allow: 203.0.113.7/32 is not private'],
  ],
  [
    { main: '[network]\nallow = ["10.0.0.7"]\n[publish]\naddress = "127.0.0.2"' },
    {},
    ['ibq.toml: network.allow: has no effect on ports published on 127.0.0.2'],
  ],
])('warnings, row %#: %s', (texts, env, expected) => {
  const { warnings } = load(texts, env);
  expect(warnings.map((w) => w.replaceAll('/etc/ibq/', ''))).toEqual(expected);
});

test('who can’t be told of read_only_api is not advised to set it', () => {
  const text =
    'user = "u"\n[image]\nprofile = "custom"\nreference = "docker.io/a/b:1"\n[custom]\nsettings_path = "/s"\n';
  const named = '[custom.variables]\nread_only_api = "RO"\n';
  const said = (file: string) => load(instance(file)).warnings.join('\n');
  expect(said(text)).not.toContain('read_only_api');
  expect(said(text + named)).toContain('read_only_api: not set');
  expect(said('user = "u"\n[custom_config]\nibc = "/srv/config.ini"\n')).not.toContain(
    'read_only_api: not set',
  );
});

test('a thousand unknown keys are counted, not listed', () => {
  const text = Array.from({ length: 1000 }, (_, i) => `key_${i} = 1`).join('\n');
  const found = problems(instance(text));
  expect(found).toHaveLength(51);
  expect(found.at(-1)).toBe('instances/4001.toml: 950 more problems');
});

test.each<[string, Texts, Record<string, string>, object | undefined]>([
  ['network.toml', { pin: LAN }, {}, undefined],
  [
    'ibq.toml',
    { main: '[network]\ninterface = "eth9"', pin: LAN },
    {},
    { interface: { file: MAIN, key: 'network.interface' } },
  ],
  [
    'a variable',
    { main: '[network]\ninterface = "eth8"', pin: LAN },
    { NETWORK_INTERFACE: 'eth9' },
    { interface: { file: 'NETWORK_INTERFACE' } },
  ],
])('the place of an interface that %s has set is kept', (_title, texts, env, expected) => {
  expect(load(texts, env).config.lanPlaces).toEqual(expected);
});

test.each(['EST', 'MST', 'HST', 'Etc/GMT+5', 'Etc/GMT-10'])(
  'time_zone %s has no summer',
  (zone) => {
    const file = `user = "u"\nread_only_api = true\ntime_zone = "${zone}"`;
    expect(load({ instances: { '4002.toml': file } }).warnings).toEqual([
      expect.stringMatching(
        /4002\.toml: time_zone: ".*" has no daylight saving time: .* write a place such as "/,
      ),
    ]);
  },
);

test.each(['Etc/UTC', 'UTC', 'America/New_York', 'EST5EDT', 'Europe/Berlin', 'Asia/Tokyo'])(
  'time_zone %s is nothing to warn of',
  (zone) => {
    const file = `user = "u"\nread_only_api = true\ntime_zone = "${zone}"`;
    expect(load({ instances: { '4002.toml': file } }).warnings).toEqual([]);
  },
);

const HALVES = ['0.0.0.0/1', '128.0.0.0/1'];
test.each<[string[], boolean]>([
  [HALVES, true],
  [['0.0.0.0/1', '128.0.0.0/2', '192.0.0.0/2'], true],
  [['0.0.0.0/1', '10.0.0.0/8'], false],
  [['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'], false],
])('allow = %j is everybody in pieces: %s', (allow, everybody) => {
  const found = problems({ main: `[network]\nallow = ${JSON.stringify(allow)}` });
  expect(found.some((line) => line.includes('more than half of all addresses'))).toBe(everybody);
});

test('everybody in pieces can be accepted as the whole can', () => {
  const text = `[network]\nallow = ${JSON.stringify(HALVES)}\n[publish]\naccept_risk = "open-api"`;
  expect(problems({ main: text })).toEqual([]);
});

test('equal warnings of several instances are one line', () => {
  const of = (name: string, text: string) => `/etc/ibq/instances/${name}.toml: ${text}`;
  const names = Array.from({ length: 30 }, (_, index) => String(4101 + index));
  expect(
    summarized([
      '/etc/ibq/ibq.toml: x: y',
      ...names.flatMap((name) => [of(name, 'a: b'), of(name, `user: "${name}"`)]).slice(0, 59),
    ]).slice(0, 3),
  ).toEqual([
    '/etc/ibq/ibq.toml: x: y',
    '4101, 4102, 4103, 4104 and 26 more: a: b',
    of('4101', 'user: "4101"'),
  ]);
  expect(summarized([of('4001', 'a: b'), of('4002', 'a: b')])).toEqual(['4001, 4002: a: b']);
  expect(summarized([of('4001', 'a: b')])).toEqual([of('4001', 'a: b')]);
});
