/**
 * Every key of the configuration, as data: one row a key. From these rows come validation, the
 * suggestions for mistyped keys, the example that `ibq init` writes, the JSON schemas for editors
 * and the reference in docs/configuration.md (`scripts/schemas.mjs` writes the last two).
 */

import { PROFILE_IDS } from '../images/index.ts';
import type { FormatName } from './formats.ts';

export type ValueType =
  /** `refused`: words that a user may well try, with the reason why not. */
  | { kind: 'choice'; values: readonly string[]; refused?: Readonly<Record<string, string>> }
  | { kind: 'boolean' }
  /** `should` continues "should be …"; both ends are legal. */
  | { kind: 'integer'; minimum: number; maximum: number; should: string }
  | { kind: 'text'; format: FormatName }
  | { kind: 'list'; format: FormatName }
  /** Environment variables: names to text. */
  | { kind: 'variables' }
  /** Host names to IPv4 addresses. */
  | { kind: 'hosts' };

/** A value as it comes out of validation. */
export type Value =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string>>;

export interface KeySpec {
  name: string;
  type: ValueType;
  /** Used where nothing is set; `null`: stays unset, and `unset` says what that means. */
  default: Value | null;
  unset?: string;
  /** One or two sentences, with the unit; the reason where the default is a choice. */
  description: string;
  example: Value;
  /** Stands in an instance file only, not in `[defaults]`. */
  ownOnly?: true;
}

const IMAGE: readonly KeySpec[] = [
  {
    name: 'profile',
    type: { kind: 'choice', values: PROFILE_IDS },
    default: 'gnzsnz',
    description: 'What ibq knows about the image: its ports, its environment, its user.',
    example: 'gnzsnz',
  },
  {
    name: 'reference',
    type: { kind: 'text', format: 'image' },
    default: null,
    unset: 'the image that the profile is made for',
    description:
      'The image, with its registry. Tags move; only a digest (`…@sha256:…`) is always the same image.',
    example: 'ghcr.io/gnzsnz/ib-gateway:stable',
  },
];

const NETWORK: readonly KeySpec[] = [
  {
    name: 'mode',
    type: {
      kind: 'choice',
      values: ['dual', 'bridge', 'lan'],
      refused: { host: 'comes with images whose ports can be set; no image of today can' },
    },
    default: null,
    unset: '`dual` where interface, subnet, gateway and range are known, `bridge` otherwise',
    description:
      'How instances are reached. `dual`: at the published port, and by allowed LAN clients at an ' +
      'address of their own; `bridge`: at the published port; `lan`: at their own LAN address only.',
    example: 'dual',
  },
  {
    name: 'driver',
    type: { kind: 'choice', values: ['macvlan', 'ipvlan'] },
    default: 'macvlan',
    description: 'Kind of LAN network. `ipvlan` where the parent is Wi-Fi, which drops other MACs.',
    example: 'macvlan',
  },
  {
    name: 'interface',
    type: { kind: 'text', format: 'interface' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description: 'Private interface of the host that the LAN network hangs on.',
    example: 'eth1',
  },
  {
    name: 'subnet',
    type: { kind: 'text', format: 'subnet' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description: 'Subnet of that interface.',
    example: '10.0.0.0/24',
  },
  {
    name: 'gateway',
    type: { kind: 'text', format: 'address' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description: 'Router of that subnet.',
    example: '10.0.0.1',
  },
  {
    name: 'range',
    type: { kind: 'text', format: 'subnet' },
    default: null,
    unset: 'what `ibq network detect --write` pinned',
    description:
      'Addresses that ibq may give to instances. Keep it outside the DHCP range: no probe can see ' +
      'which addresses a DHCP server will hand out tomorrow.',
    example: '10.0.0.192/27',
  },
  {
    name: 'egress',
    type: { kind: 'choice', values: ['host', 'lan'] },
    default: null,
    unset: '`lan` in mode `lan`, `host` otherwise',
    description:
      'Way out to IBKR. `host`: as the host itself goes; `lan`: over the LAN interface of the ' +
      'instance and the gateway of the LAN. In mode `dual` it may be either.',
    example: 'host',
  },
  {
    name: 'host_access',
    type: { kind: 'boolean' },
    default: false,
    description:
      'Lets this host reach the LAN addresses of its instances, which a macvlan otherwise never ' +
      'does. Takes the last address of the range for an interface `ibqshim`.',
    example: true,
  },
  {
    name: 'allow',
    type: { kind: 'list', format: 'client' },
    default: [],
    description:
      'Clients that may open the API port over the network. Empty: none. The IB API has no password.',
    example: ['10.0.0.7'],
  },
];

const PUBLISH: readonly KeySpec[] = [
  {
    name: 'address',
    type: { kind: 'text', format: 'address' },
    default: '127.0.0.1',
    description:
      'Address of the host that ports are published on. Another than loopback needs a ' +
      '`network.allow` that is not empty, and lets in those alone; `0.0.0.0` is every address.',
    example: '127.0.0.1',
  },
  {
    name: 'accept_risk',
    type: { kind: 'choice', values: ['open-api'] },
    default: null,
    unset: 'nobody may be everybody',
    description:
      'A risk taken knowingly. `open-api`: `network.allow` may hold `0.0.0.0/0`, and whoever ' +
      'reaches a port can trade. The flag `--accept-risk=open-api` of a deploy says the same once.',
    example: 'open-api',
  },
];

const INSTANCE: readonly KeySpec[] = [
  {
    name: 'mode',
    type: {
      kind: 'choice',
      values: ['live', 'paper'],
      refused: { both: 'is not supported yet: make two instances, one live and one paper' },
    },
    default: 'paper',
    description: 'Trading mode.',
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
    name: 'port',
    type: { kind: 'integer', minimum: 1, maximum: 65_535, should: 'a port (1-65535)' },
    default: null,
    unset: 'the name of the instance, which must then be a port',
    description: 'Port on the host that the API is published on.',
    example: 4001,
    ownOnly: true,
  },
  {
    name: 'time_zone',
    type: { kind: 'text', format: 'timeZone' },
    default: 'Etc/UTC',
    description:
      'Time zone of the gateway and of the times below. The image writes it into the settings at ' +
      'the first start only.',
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
      'What happens when nobody answers the two-factor request. `exit` leaves it to systemd; ' +
      '`restart` asks again and again inside the container.',
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
      'Seconds that a login may take after the two-factor request was answered, before the gateway gives up.',
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
    name: 'existing_session_action',
    type: { kind: 'choice', values: ['primary', 'primaryoverride', 'secondary', 'manual'] },
    default: 'primary',
    description:
      'What to do when the user is logged in elsewhere. `manual` blocks until somebody answers the dialog.',
    example: 'primary',
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
    name: 'java_heap',
    type: { kind: 'integer', minimum: 256, maximum: 65_536, should: 'megabytes (256-65536)' },
    default: 768,
    description: 'Java heap in MB.',
    example: 768,
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
    name: 'address',
    type: { kind: 'text', format: 'address' },
    default: null,
    unset: 'a free one of the range, given once and kept',
    description: 'LAN address of the instance, in the subnet; outside the range it may be, too.',
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
    example: { TWS_MASTER_CLIENT_ID: '7' },
  },
];

/** A table of a file, and the keys that may stand in it. `''` is the file's top level. */
export interface TableSpec {
  name: string;
  description: string;
  keys: readonly KeySpec[];
}

const IMAGE_TABLE: TableSpec = {
  name: 'image',
  description: 'The container image. An instance file may have a table of this name too.',
  keys: IMAGE,
};

const NETWORK_TABLE: TableSpec = {
  name: 'network',
  description:
    'How instances are reached. What is not set here comes from network.toml, which ' +
    '`ibq network detect --write` writes.',
  keys: NETWORK,
};

export type FileKind = 'ibq' | 'network' | 'instance';

/** What may stand in each of the three kinds of file. */
export const FILES: Readonly<Record<FileKind, readonly TableSpec[]>> = {
  ibq: [
    IMAGE_TABLE,
    NETWORK_TABLE,
    { name: 'publish', description: 'Where the API ports are published.', keys: PUBLISH },
    {
      name: 'defaults',
      description: 'The keys of an instance, for all instances that do not set them themselves.',
      keys: INSTANCE.filter((key) => !key.ownOnly),
    },
  ],
  network: [{ ...NETWORK_TABLE, keys: NETWORK.filter((key) => key.name !== 'allow') }],
  instance: [{ name: '', description: 'The keys of one instance.', keys: INSTANCE }, IMAGE_TABLE],
};

/**
 * Every key by its id: `network.mode`, `image.profile`, `publish.address`; instance keys have no
 * table in front (`time_zone`), wherever they stand.
 */
export const KEYS: ReadonlyMap<string, KeySpec> = new Map([
  ...IMAGE.map((key) => [`image.${key.name}`, key] as const),
  ...NETWORK.map((key) => [`network.${key.name}`, key] as const),
  ...PUBLISH.map((key) => [`publish.${key.name}`, key] as const),
  ...INSTANCE.map((key) => [key.name, key] as const),
]);

/** Id of a key that stands in a table. */
export function keyId(table: string, name: string): string {
  return table === '' || table === 'defaults' ? name : `${table}.${name}`;
}
