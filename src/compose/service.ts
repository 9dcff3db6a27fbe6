/** A service of a Compose file, merged and with its variables filled in → what ibq reads of it. */

import type { Left } from './draft.ts';
import { readEnvFile } from './env-file.ts';
import type { Variables } from './interpolate.ts';
import { mapping } from './merge.ts';
import { isTable, listOf, shape, type Table, textOf } from './values.ts';

export interface PublishedPort {
  /** Address of the host; null: all. */
  address: string | null;
  /** Null: any that is free. */
  host: number | null;
  inside: number;
}

export interface Mount {
  /** Absolute, the name of a volume, or empty. */
  source: string;
  target: string;
  /** `ro`, `z`, …; empty: none. */
  options: string;
}

export interface ServiceNetwork {
  name: string;
  address: string | null;
  aliases: readonly string[];
  /** Other keys of it. */
  others: readonly string[];
}

/** A secret or a config of the file, as a file of the container. */
interface GivenFile {
  name: string;
  kind: 'secret' | 'config';
  target: string;
}

export interface Service {
  name: string;
  image: string | null;
  /** Directory that the image is built from; null: it is not. */
  build: string | null;
  environment: ReadonlyMap<string, string>;
  /** Variables that an `env_file` alone gives. */
  fromFiles: ReadonlySet<string>;
  ports: readonly PublishedPort[];
  mounts: readonly Mount[];
  networkMode: string | null;
  networks: readonly ServiceNetwork[];
  given: readonly GivenFile[];
  /** Everything else that the service says, as it stands in the file. */
  others: Table;
  /** What can't be read as it is written. */
  unread: readonly Left[];
  /** Why it can't be taken at all. */
  problems: readonly string[];
  /** Variables without a value. */
  missing: readonly string[];
}

/** @param readFile of an absolute path; null: it is not there */
export function readService(
  name: string,
  raw: Table,
  found: { problems: readonly string[]; missing: readonly string[] },
  { variables, readFile }: { variables: Variables; readFile: (path: string) => string | null },
): Service {
  const { image, build, environment, env_file, ports, volumes, networks, network_mode: mode } = raw;
  const others = Object.fromEntries(Object.entries(raw).filter(([key]) => !READ.includes(key)));
  const unread: Left[] = [];
  const problems = [...found.problems];
  const missing = new Set(found.missing);
  const merged = new Map<string, string>();
  for (const item of listOf(env_file)) {
    const path = String(isTable(item) ? item.path : item);
    const text = readOr(readFile, path, (why) => problems.push(`env_file: ${why}`));
    if (text === null) {
      if (!(isTable(item) && item.required === false)) {
        problems.push(`env_file: ${path} should be there, is not`);
      }
      continue;
    }
    try {
      const file = readEnvFile(text, variables);
      for (const [key, value] of file.values) merged.set(key, value);
      for (const names of file.missing.values()) for (const it of names) missing.add(it);
    } catch (error) {
      problems.push(`env_file: ${path}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const fromFiles = new Set(merged.keys());
  for (const [key, value] of Object.entries(mapping(environment))) {
    const text = value === null || value === undefined ? variables[key] : textOf(value);
    fromFiles.delete(key);
    if (typeof text === 'string') merged.set(key, text);
    else if (text === null) {
      unread.push({ what: `environment ${key}`, why: `should be text, is ${shape(value)}` });
    }
  }
  const each = <T>(key: string, value: unknown, read: (item: unknown) => T[]): T[] =>
    listOf(value).flatMap((item) => {
      try {
        return read(item);
      } catch (error) {
        unread.push({ what: key, why: error instanceof Error ? error.message : String(error) });
        return [];
      }
    });
  return {
    name,
    image: typeof image === 'string' && image.trim() !== '' ? image.trim() : null,
    build: build === undefined || build === null ? null : contextOf(build),
    environment: merged,
    fromFiles,
    ports: each('ports', ports, readPorts),
    mounts: each('volumes', volumes, readMount),
    networkMode: typeof mode === 'string' ? mode : null,
    networks: networksOf(networks),
    given: [
      ...each('secrets', raw.secrets, (item) => [givenFile(item, 'secret')]),
      ...each('configs', raw.configs, (item) => [givenFile(item, 'config')]),
    ],
    others,
    unread,
    problems,
    missing: [...missing],
  };
}

const READ: readonly string[] = [
  ...['image', 'build', 'environment', 'env_file', 'ports', 'volumes', 'networks', 'network_mode'],
  ...['secrets', 'configs', 'extends'],
];

function readOr(
  readFile: (path: string) => string | null,
  path: string,
  complain: (why: string) => void,
): string | null {
  try {
    return readFile(path);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return '';
  }
}

function contextOf(build: unknown): string {
  return String((isTable(build) ? build.context : build) ?? '.');
}

const PORT = 'a port such as "127.0.0.1:4001:4003"';

/** `4001:4003`, `127.0.0.1:4001:4003`, `4001-4002:4003-4004`, with `/tcp`; or the long form. */
function readPorts(value: unknown): PublishedPort[] {
  if (isTable(value)) {
    // The first of a range that Docker may choose from.
    const [first = ''] = (textOf(value.published) ?? '').split('-');
    const inside = textOf(value.target) ?? '';
    const text = `${textOf(value.host_ip) ?? ''}:${first}:${inside}`;
    if (!isPort(inside) || (first !== '' && !isPort(first))) {
      throw new Error(`${text}: should be ${PORT}`);
    }
    if (value.protocol !== undefined && value.protocol !== 'tcp') throw noTcp(text);
    const address = textOf(value.host_ip);
    return [{ address, host: first === '' ? null : Number(first), inside: Number(inside) }];
  }
  const text = String(value);
  const match =
    /^(?:(\[[^\]]+\]|\d+(?:\.\d+){3}|localhost):)?(?:(\d+)?(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(
      text,
    );
  if (!match) throw new Error(`${text}: should be ${PORT}`);
  const [, address, host, hostEnd, inside, insideEnd, protocol = 'tcp'] = match;
  if (protocol !== 'tcp') throw noTcp(text);
  const first = Number(inside);
  const count = Number(insideEnd ?? inside) - first + 1;
  const hosts = host === undefined ? null : Number(host);
  const length = hosts === null ? count : Number(hostEnd ?? host) - hosts + 1;
  // Of a range for one port Docker takes one that is free.
  const same = length === count || (count === 1 && length > 1);
  if (!same || count < 1 || count > 100) {
    throw new Error(`${text}: both ranges should be of one length`);
  }
  if (![first + count - 1, ...(hosts === null ? [] : [hosts, hosts + count - 1])].every(isPort)) {
    throw new Error(`${text}: should have ports from 1 to 65535`);
  }
  return Array.from({ length: count }, (_, index) => ({
    address: address === 'localhost' ? '127.0.0.1' : (address ?? null),
    host: hosts === null ? null : hosts + index,
    inside: first + index,
  }));
}

function noTcp(text: string): Error {
  return new Error(`${text}: is not TCP, which the API and the screens are`);
}

function isPort(value: string | number): boolean {
  return /^\d{1,5}$/.test(String(value)) && Number(value) >= 1 && Number(value) <= 65_535;
}

/** `SOURCE:TARGET[:OPTIONS]`, or the long form. A target alone is an anonymous volume. */
function readMount(value: unknown): Mount[] {
  if (isTable(value)) {
    const { type, source, target, read_only: readOnly } = value;
    if (typeof target !== 'string') throw new Error('should have a target');
    if (type === 'tmpfs') throw new Error(`${target}: tmpfs is kept in memory; custom.tmpfs can`);
    return [{ source: textOf(source) ?? '', target, options: readOnly === true ? 'ro' : '' }];
  }
  const parts = String(value).split(':');
  const [source = '', target, options = ''] = parts;
  if (parts.length > 3) throw new Error(`${String(value)}: should be SOURCE:TARGET`);
  return [
    target === undefined
      ? { source: '', target: source, options: '' }
      : { source, target, options },
  ];
}

function networksOf(value: unknown): ServiceNetwork[] {
  const entries = isTable(value)
    ? Object.entries(value)
    : listOf(value).map((name) => [String(name), null] as const);
  return entries.map(([name, it]) => {
    const { ipv4_address: address, aliases, ...others } = isTable(it) ? it : {};
    return {
      name,
      address: textOf(address),
      aliases: listOf(aliases).map(String),
      others: Object.keys(others),
    };
  });
}

function givenFile(value: unknown, kind: GivenFile['kind']): GivenFile {
  const table = isTable(value) ? value : { source: value };
  const name = textOf(table.source);
  if (name === null) throw new Error('should have a source');
  const target = textOf(table.target) ?? name;
  const place = kind === 'secret' ? `/run/secrets/${target}` : `/${target}`;
  return { name, kind, target: target.startsWith('/') ? target : place };
}
