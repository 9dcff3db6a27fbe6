/** Keys of an instance: those of its file, and of `[defaults]` of ibq.toml. One table a topic. */

import type { KeySpec, TableSpec } from './key-spec.ts';

const INSTANCE: readonly KeySpec[] = [
  {
    name: 'mode',
    type: { kind: 'choice', values: ['live', 'paper', 'both'] },
    default: 'paper',
    description:
      'Trading mode. `both`: a live and a paper gateway in one container, with a port and a login each.',
    example: 'paper',
  },
  {
    name: 'user',
    type: { kind: 'text', format: 'user' },
    default: null,
    unset: 'the gateway stops at its login window',
    description: 'IB user name. The password is a secret: `ibq secret set NAME password`.',
    example: 'myuser01',
  },
  {
    name: 'paper_user',
    type: { kind: 'text', format: 'user' },
    default: null,
    unset: 'the paper gateway of mode `both` stops at its login window',
    description:
      'IB user name of the paper gateway in mode `both`. Its password is the secret `paper_password`.',
    example: 'mypaper01',
    ownOnly: true,
  },
  {
    name: 'user_secret',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Whether the user name is a secret as well, set with `ibq secret set NAME user` (and ' +
      '`paper_user`); then it stands in no file and in no unit.',
    example: true,
  },
  {
    name: 'port',
    type: { kind: 'integer', minimum: 1, maximum: 65_535, should: 'a port (1-65535)' },
    default: null,
    unset: 'the name of the instance, which must then be a port',
    description:
      'Port on the host that the API is published on; in mode `both` that of the live API.',
    example: 4001,
    ownOnly: true,
  },
  {
    name: 'paper_port',
    type: { kind: 'integer', minimum: 1, maximum: 65_535, should: 'a port (1-65535)' },
    default: null,
    unset: 'the port after `port`',
    description: 'Port on the host that the paper API is published on in mode `both`.',
    example: 4002,
    ownOnly: true,
  },
  {
    name: 'time_zone',
    type: { kind: 'text', format: 'timeZone' },
    default: 'Etc/UTC',
    description:
      'Time zone of the gateway and of the times below. For images of profile `custom`, ' +
      'it counts only at the first start.',
    example: 'America/New_York',
  },
  {
    name: 'read_only_api',
    type: { kind: 'boolean' },
    default: true,
    description: 'Whether API clients may only read. `false` lets them trade.',
    example: false,
  },
  {
    name: 'auto_restart_time',
    type: { kind: 'text', format: 'time12' },
    default: null,
    unset: "the gateway's own settings hold",
    description:
      'When the gateway restarts each day, without a new two-factor login until the weekly one.',
    example: '11:55 PM',
  },
  {
    name: 'auto_logoff_time',
    type: { kind: 'text', format: 'time12' },
    default: null,
    unset: "the gateway's own settings hold",
    description:
      'When the gateway logs off and ends each day; the next start is a full login. Ignored where ' +
      '`auto_restart_time` is set.',
    example: '11:55 PM',
  },
  {
    name: 'cold_restart_time',
    type: { kind: 'text', format: 'time24' },
    default: null,
    unset: 'no cold restart but the weekly one of IB',
    description: 'When the gateway starts afresh on Sundays, with a full login.',
    example: '07:05',
  },
  {
    name: 'twofa_timeout_action',
    type: { kind: 'choice', values: ['exit', 'restart'] },
    default: 'exit',
    description:
      'What IBC does when a login does not complete after its two-factor request was answered; it counts only with ' +
      '`relogin_after_twofa_timeout`. `exit` ends the container with 87, and systemd starts it again; `restart` starts ' +
      'the gateway again inside it. A request that nobody answers ends nothing by ' +
      'itself. With image `ibg-controller` it is what comes after `twofa_wait`: `exit` ends the container with 3, `restart` logs in and asks again and again.',
    example: 'exit',
  },
  {
    name: 'twofa_device',
    type: { kind: 'text', format: 'device' },
    default: null,
    unset: 'the only device, or the one chosen by hand',
    description:
      'Two-factor device, for users who have several; named as the login dialog lists it.',
    example: 'IB Key',
  },
  {
    name: 'twofa_exit_interval',
    type: { kind: 'integer', minimum: 1, maximum: 3600, should: 'seconds (1-3600)' },
    default: 60,
    description:
      'Seconds that a login may take after the two-factor request was answered, before IBC gives up. It has no effect ' +
      'without `relogin_after_twofa_timeout`.',
    example: 60,
  },
  {
    name: 'relogin_after_twofa_timeout',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Whether to log in again after an unanswered two-factor request. `true` can make many requests.',
    example: false,
  },
  {
    name: 'twofa_totp',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Whether the gateway makes the codes of the second factor by itself, for images that can. Needs the secret `totp`: ' +
      'the seed in base32 that IBKR shows when the Mobile Authenticator app is set up, not one of its codes.',
    example: true,
  },
  {
    name: 'twofa_wait',
    type: { kind: 'integer', minimum: 10, maximum: 3600, should: 'seconds (10-3600)' },
    default: 180,
    description:
      'Seconds that a login waits for the second factor before `twofa_timeout_action`, for images that end the wait by ' +
      'themselves.',
    example: 180,
  },
  {
    name: 'passkey_authenticate',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Whether to press *Authenticate* where IBKR asks for a passkey, for images that can. An authenticator has to ' +
      'answer then, which the image has not.',
    example: true,
  },
  {
    name: 'tws_server',
    type: { kind: 'text', format: 'server' },
    default: null,
    unset: "the gateway's own choice",
    description:
      'Server of IBKR that the user belongs to, for images that take it. jts.ini is written anew for it at each start.',
    example: 'cdc1.ibllc.com',
  },
  {
    name: 'paper_tws_server',
    type: { kind: 'text', format: 'server' },
    default: null,
    unset: '`tws_server`',
    description: 'Server of the paper user in mode `both`, where it is another one.',
    example: 'ndc1.ibllc.com',
  },
  {
    name: 'existing_session_action',
    type: { kind: 'choice', values: ['primary', 'primaryoverride', 'secondary', 'manual'] },
    default: 'primary',
    description:
      'What to do when the user is logged in elsewhere. `manual` blocks until somebody answers the dialog.',
    example: 'primary',
  },
  {
    name: 'login_attempts',
    type: { kind: 'integer', minimum: 0, maximum: 10, should: 'a number of attempts (0-10)' },
    default: 2,
    description:
      'How often IBKR may refuse the login before ibq ends the gateway, so that the user is not locked. It is then ' +
      'not started before its password is set anew or `--retry-login` is given. 0: IBC tries for ever.',
    example: 2,
  },
  {
    name: 'bypass_warning',
    type: { kind: 'boolean' },
    default: null,
    unset: "the gateway's own settings hold",
    description: 'Whether orders skip the warnings about order precautions.',
    example: false,
  },
  {
    name: 'allow_blind_trading',
    type: { kind: 'boolean' },
    default: false,
    description: 'Whether orders without market data are confirmed by themselves.',
    example: false,
  },
  {
    name: 'accept_incoming',
    type: { kind: 'choice', values: ['accept', 'reject', 'manual'] },
    default: 'reject',
    description:
      "What the gateway does with API connections that are not from its container's own relay (the " +
      'relay is trusted). `manual` opens a dialog that blocks.',
    example: 'reject',
  },
  {
    name: 'master_client_id',
    type: {
      kind: 'integer',
      minimum: 0,
      maximum: 2_147_483_647,
      should: 'a client id (0-2147483647)',
    },
    default: null,
    unset: "the gateway's own settings hold",
    description: 'API client that sees the orders of all clients.',
    example: 7,
  },
  {
    name: 'save_settings',
    type: { kind: 'text', format: 'saveTimes' },
    default: null,
    unset: 'the gateway saves when it logs out, and at no other time',
    description:
      'When the gateway saves its settings, as IBC reads it (SaveTwsSettingsAt). A gateway that is killed saves nothing.',
    example: 'Every 30 mins',
  },
  {
    name: 'trusted_clients',
    type: { kind: 'list', format: 'address' },
    default: [],
    description:
      'Addresses that the gateway itself trusts beside its own loopback. Behind a relay every client ' +
      'looks like loopback, so only images without one read it.',
    example: ['10.0.0.7'],
  },
  {
    name: 'java_heap',
    type: { kind: 'integer', minimum: 256, maximum: 65_536, should: 'megabytes (256-65536)' },
    default: 768,
    description: 'Java heap in MB.',
    example: 768,
  },
  {
    name: 'java_options',
    type: { kind: 'text', format: 'javaOptions' },
    default: null,
    unset: 'the heap alone',
    description:
      'More options of the Java machine, for images that take them; not `-Xmx`, which `java_heap` is.',
    example: '-XX:+UseG1GC',
  },
  {
    name: 'memory',
    type: { kind: 'integer', minimum: 256, maximum: 1_048_576, should: 'megabytes (256-1048576)' },
    default: null,
    unset: 'no limit',
    description: 'Memory limit of the container in MB. Java needs some hundred MB beside its heap.',
    example: 2048,
  },
  {
    name: 'cpus',
    type: {
      kind: 'number',
      minimum: 0.1,
      maximum: 512,
      should: 'a number of processors (0.1-512)',
    },
    default: null,
    unset: 'no limit',
    description: 'How many processors the container may keep busy.',
    example: 1.5,
  },
  {
    name: 'shm_size',
    type: { kind: 'integer', minimum: 16, maximum: 65_536, should: 'megabytes (16-65536)' },
    default: null,
    unset: 'what the image needs: 1024 for TWS, 64 otherwise',
    description: 'Size of /dev/shm in MB.',
    example: 1024,
  },
  {
    name: 'stop_timeout',
    type: { kind: 'integer', minimum: 10, maximum: 900, should: 'seconds (10-900)' },
    default: null,
    unset: '90, as the template says',
    description:
      'Seconds that the gateway has to log out and end when it is stopped, and again as many for its container, before it is killed.',
    example: 90,
  },
  {
    name: 'restart',
    type: { kind: 'choice', values: ['on-failure', 'always', 'no'] },
    default: 'on-failure',
    description:
      'Whether systemd starts the gateway again when it ended by itself; each start is a login. `on-failure`: after a ' +
      'crash, and not after an end with 0, which is a logoff that was asked for or a session that gave way to ' +
      'another one of the user; `always`: after such an end too; `no`: never.',
    example: 'on-failure',
  },
  {
    name: 'read_only',
    type: { kind: 'boolean' },
    default: false,
    description:
      "Whether the container's own file system is read-only, for images that stand it; /tmp and the " +
      'settings volume stay writable.',
    example: true,
  },
  {
    name: 'user_namespace',
    type: { kind: 'boolean' },
    default: true,
    description:
      'Whether the container has users of its own. Without it a user of the host whose number is that of ' +
      "the image's user can read its password and end it (docs/security.md).",
    example: false,
  },
  {
    name: 'uid',
    type: { kind: 'integer', minimum: 1, maximum: 65_534, should: 'a user id (1-65534)' },
    default: null,
    unset: "the image's own",
    description: 'User that the gateway runs as, for images that let it be chosen (PUID).',
    example: 1000,
  },
  {
    name: 'gid',
    type: { kind: 'integer', minimum: 1, maximum: 65_534, should: 'a group id (1-65534)' },
    default: null,
    unset: "the image's own",
    description: 'Group that the gateway runs as, for images that let it be chosen (PGID).',
    example: 1000,
  },
  {
    name: 'address',
    type: { kind: 'text', format: 'address' },
    default: null,
    unset: 'a free one of the range, given once and kept',
    description:
      'LAN address of the instance. It must lie in `subnet`; it may lie outside `range`.',
    example: '10.0.0.200',
    ownOnly: true,
  },
  {
    name: 'hosts',
    type: { kind: 'hosts' },
    default: {},
    description:
      'Names that the instance can look up, beside DNS: a database of the LAN, for example. An ' +
      'instance adds to those of `[defaults]`.',
    example: { maindb: '10.0.0.2' },
  },
  {
    name: 'dns',
    type: { kind: 'list', format: 'address' },
    default: [],
    description: 'Name servers of the instance. Empty: those of the host.',
    example: ['10.0.0.1'],
  },
  {
    name: 'environment',
    type: { kind: 'variables' },
    default: {},
    description:
      'More environment variables for the container, passed on as they are. Not those that ibq sets ' +
      'itself, and never a secret. An instance adds to those of `[defaults]`.',
    example: { LANG: 'C.UTF-8' },
  },
  {
    name: 'secrets',
    type: { kind: 'variables' },
    default: {},
    description:
      'Secrets of your own: the variable to the KEY of `ibq secret set NAME KEY`. A variable whose name ends in ' +
      '`_FILE` is given the path of a file with the value, any other the value itself. An instance adds to ' +
      'those of `[defaults]`.',
    example: { TWOFACTOR_CODE_FILE: 'totp' },
  },
  {
    name: 'volumes',
    type: { kind: 'list', format: 'volume' },
    default: [],
    description:
      'More volumes: a named volume or a directory of the host, the path in the container, and ' +
      'options. The settings have a volume of their own.',
    example: ['/srv/scripts:/home/ibgateway/scripts:ro'],
  },
  {
    name: 'jts',
    type: { kind: 'sections' },
    default: {},
    description:
      "Lines of the gateway's jts.ini, by section, put in at each start. What the file has beside them " +
      'stays (docs/settings.md). An instance adds to those of `[defaults]`.',
    example: { Logon: { Locale: 'en' } },
  },
  {
    name: 'ibc',
    type: { kind: 'properties' },
    default: {},
    description:
      "Lines of IBC's config.ini, for what has no key here. What the image's own template has beside " +
      'them stays (docs/settings.md). An instance adds to those of `[defaults]`.',
    example: { MinimizeMainWindow: 'yes' },
  },
];

const CUSTOM_CONFIG: readonly KeySpec[] = [
  {
    name: 'jts',
    type: { kind: 'text', format: 'path' },
    default: null,
    unset: "the image's own",
    description:
      "File of the host that takes the place of the gateway's jts.ini: in the settings volume, whenever the " +
      'file has changed. Not beside lines of `jts`.',
    example: '/etc/ibq/files/jts.ini',
  },
  {
    name: 'ibc',
    type: { kind: 'text', format: 'path' },
    default: null,
    unset: "the image's own",
    description:
      "File of the host that takes the place of IBC's config.ini. User, password and all settings " +
      'that IBC reads are then those of the file, and ibq keeps it as a secret. Not in mode `both`, and not ' +
      'beside lines of `ibc`.',
    example: '/etc/ibq/files/config.ini',
  },
];

const PORT = { kind: 'integer', minimum: 1, maximum: 65_535, should: 'a port (1-65535)' } as const;

const VNC: readonly KeySpec[] = [
  {
    name: 'enabled',
    type: { kind: 'boolean' },
    default: false,
    description:
      "Whether the gateway's screen can be seen with VNC. Needs the secret `vnc_password`.",
    example: true,
  },
  {
    name: 'port',
    type: PORT,
    default: null,
    unset: '`port` and 1900: 5901 for 4001',
    description: "Port on the host's loopback; `ibq vnc NAME` tells how to get there.",
    example: 5901,
    ownOnly: true,
  },
  {
    name: 'screen',
    type: { kind: 'text', format: 'screen' },
    default: null,
    unset: "the image's own",
    description: 'Width, height and depth of the screen, for images that let it be chosen.',
    example: '1600x1200x16',
  },
  {
    name: 'display',
    type: { kind: 'text', format: 'display' },
    default: null,
    unset: "the image's own",
    description: 'Number of the X display, for images that let it be chosen.',
    example: ':0',
  },
];

const RDP: readonly KeySpec[] = [
  {
    name: 'enabled',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Whether the desktop of a TWS image can be reached with RDP. Needs the secret `rdp_password`.',
    example: true,
  },
  {
    name: 'port',
    type: PORT,
    default: null,
    unset: '`port` and 29000: 33001 for 4001',
    description: "Port on the host's loopback.",
    example: 33_001,
    ownOnly: true,
  },
];

const SUPERVISOR: readonly KeySpec[] = [
  {
    name: 'enabled',
    type: { kind: 'boolean' },
    default: false,
    description:
      "Whether supervisord's page is served, for images that have one. Needs the secret `supervisor_password`.",
    example: true,
  },
  {
    name: 'port',
    type: PORT,
    default: null,
    unset: '`port` and 5000: 9001 for 4001',
    description: "Port on the host's loopback.",
    example: 9001,
    ownOnly: true,
  },
  {
    name: 'user',
    type: { kind: 'text', format: 'account' },
    default: 'admin',
    description: 'User name that the page asks for.',
    example: 'admin',
  },
];

const SSH: readonly KeySpec[] = [
  {
    name: 'mode',
    type: { kind: 'choice', values: ['no', 'yes', 'both'] },
    default: 'no',
    description:
      'Whether the API is carried to another machine by SSH. `yes`: that is the only way in, nothing ' +
      'is published for the network; `both`: beside the other ways.',
    example: 'both',
  },
  {
    name: 'via',
    type: { kind: 'choice', values: ['host', 'image'] },
    default: 'host',
    description:
      "Who holds the tunnel. `host`: OpenSSH on this host, a unit of its own for each instance; `image`: the image's " +
      'own client, with its faults (docs/ssh-tunnels.md).',
    example: 'host',
  },
  {
    name: 'targets',
    type: { kind: 'list', format: 'sshTarget' },
    default: [],
    description: 'Machines that get the API, each as user@host or user@host:port.',
    example: ['trader@vps.example.com'],
  },
  {
    name: 'remote_ports',
    type: { kind: 'list', format: 'bindPort' },
    default: [],
    description:
      'Where each target listens, as a port or address:port; one for all, or one for each. Empty: the ' +
      "instance's own port on the target's loopback.",
    example: ['14001'],
  },
  {
    name: 'vnc_port',
    type: PORT,
    default: null,
    unset: 'VNC is not carried',
    description: 'Port on the targets that VNC is carried to.',
    example: 15_900,
  },
  {
    name: 'rdp_port',
    type: PORT,
    default: null,
    unset: 'RDP is not carried',
    description: 'Port on the targets that RDP is carried to.',
    example: 13_389,
  },
  {
    name: 'alive_interval',
    type: { kind: 'integer', minimum: 1, maximum: 3600, should: 'seconds (1-3600)' },
    default: 20,
    description:
      'Seconds between questions whether the other side is still there (ServerAliveInterval).',
    example: 20,
  },
  {
    name: 'alive_count',
    type: { kind: 'integer', minimum: 1, maximum: 100, should: 'a number (1-100)' },
    default: 3,
    description:
      'Questions without an answer before the tunnel is made anew (ServerAliveCountMax).',
    example: 3,
  },
  {
    name: 'restart',
    type: { kind: 'integer', minimum: 1, maximum: 3600, should: 'seconds (1-3600)' },
    default: 5,
    description: 'Seconds before a tunnel that ended is made anew.',
    example: 5,
  },
  {
    name: 'options',
    type: { kind: 'list', format: 'sshOption' },
    default: [],
    description: 'More options of ssh_config(5), each as Name=value.',
    example: ['ConnectTimeout=10'],
  },
  {
    name: 'bastion',
    type: { kind: 'text', format: 'sshTarget' },
    default: null,
    unset: 'targets are reached directly',
    description: 'Machine between: the connection goes through it (ProxyJump).',
    example: 'jump@bastion.example.com',
  },
  {
    name: 'proxy_command',
    type: { kind: 'text', format: 'line' },
    default: null,
    unset: 'none',
    description:
      'Command whose input and output are the connection (ProxyCommand); instead of `bastion`.',
    example: 'nc -X connect -x proxy.example.com:3128 %h %p',
  },
];

const ATTACHED: readonly KeySpec[] = [
  {
    name: 'publish',
    type: { kind: 'boolean' },
    default: true,
    description:
      'Whether the API is published on a port of the host. `false`: it is there for joined networks and for allowed ' +
      'clients of the LAN alone, and ibq asks it from inside; the screen stays published.',
    example: false,
  },
  {
    name: 'join',
    type: { kind: 'list', format: 'networkName' },
    default: [],
    description:
      'More Podman networks: a Quadlet unit of yours (`trader.network`) or the name of a network. There the ' +
      'instance is known as ib-gateway-NAME; who is in the network gets in only when `network.allow` names it.',
    example: ['trader.network'],
  },
  {
    name: 'via',
    type: { kind: 'text', format: 'containerUnit' },
    default: null,
    unset: 'networks of its own',
    description:
      'Quadlet container of yours whose network the instance lives in: a sidecar that holds a WireGuard tunnel.',
    example: 'wireguard.container',
    ownOnly: true,
  },
];

const CUSTOM: readonly KeySpec[] = [
  {
    name: 'live_port',
    type: PORT,
    default: 4003,
    description: "Port that the container's live API listens on, on all its addresses.",
    example: 4003,
  },
  {
    name: 'paper_port',
    type: PORT,
    default: 4004,
    description: "Port that the container's paper API listens on, on all its addresses.",
    example: 4004,
  },
  {
    name: 'vnc_port',
    type: PORT,
    default: null,
    unset: 'the image has no VNC',
    description: 'Port that VNC listens on in the container.',
    example: 5900,
  },
  {
    name: 'settings_path',
    type: { kind: 'text', format: 'path' },
    default: null,
    unset: 'no settings volume: they are lost with the container',
    description: "Where the instance's settings volume is mounted.",
    example: '/home/ibgateway/tws_settings',
  },
  {
    name: 'password_as',
    type: { kind: 'choice', values: ['file', 'environment'] },
    default: 'environment',
    description:
      'How secrets reach the image: as files whose names are in the variables, or as the values of the variables.',
    example: 'file',
  },
  {
    name: 'user',
    type: { kind: 'text', format: 'containerUser' },
    default: null,
    unset: 'the user that the image names',
    description: 'User that the container starts as, with a group where one is named, in numbers.',
    example: '1000:1000',
  },
  {
    name: 'command',
    type: { kind: 'list', format: 'line' },
    default: [],
    description: "Words of the container's command, in the place of the image's own.",
    example: ['/run.sh', '--gateway'],
  },
  {
    name: 'tmpfs',
    type: { kind: 'list', format: 'tmpfs' },
    default: [],
    description:
      'Directories of the container that are kept in memory, each with options where it needs some.',
    example: ['/run', '/var/tmp:size=64m'],
  },
  {
    name: 'devices',
    type: { kind: 'list', format: 'devicePath' },
    default: [],
    description: 'Devices of the host that the container may use.',
    example: ['/dev/dri/renderD128'],
  },
  {
    name: 'capabilities',
    type: { kind: 'list', format: 'capability' },
    default: [],
    description:
      'Capabilities that the container has; without any here it has none. What would let it take down its own guard ' +
      'is refused.',
    example: ['SETUID', 'SETGID'],
  },
  {
    name: 'variables',
    type: { kind: 'variables' },
    default: {},
    description:
      "What the image calls things: ibq's key to the name of the variable. Keys are those of an " +
      'instance, and the secrets `password`, `paper_password` and `vnc_password`.',
    example: { user: 'IB_USER', password: 'IB_PASSWORD', mode: 'TRADING_MODE' },
  },
];

/** `''` is the top level of an instance's file. */
export const INSTANCE_TABLES: readonly TableSpec[] = [
  { name: '', description: 'The keys of one instance.', keys: INSTANCE },
  { name: 'vnc', description: "The gateway's screen by VNC.", keys: VNC },
  { name: 'rdp', description: 'The desktop of a TWS image by RDP.', keys: RDP },
  { name: 'supervisor', description: "The page of the image's supervisord.", keys: SUPERVISOR },
  { name: 'ssh', description: 'The API carried to another machine by SSH.', keys: SSH },
  {
    name: 'custom_config',
    description: 'Configuration files of your own in the place of those that the image makes.',
    keys: CUSTOM_CONFIG,
  },
  { name: 'network', description: 'Extra networks for this instance.', keys: ATTACHED },
  {
    name: 'custom',
    description: 'What ibq has to know of an image of profile `custom`.',
    keys: CUSTOM,
  },
];
