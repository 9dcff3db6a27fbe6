/** A Compose file as far as ibq reads it: services with plain values. Pure; other files are handed in. */

import { parse as parseEnvironment } from 'dotenv';
import { parseDocument } from 'yaml';
import { interpolate, type Variables } from './interpolate.ts';

export interface PublishedPort {
  /** Address of the host; null: all. */
  address: string | null;
  /** Null: any that is free. */
  host: number | null;
  inside: number;
}

interface Mount {
  source: string;
  target: string;
  /** `ro`, `z`, …; empty: none. */
  options: string;
}

export interface Service {
  name: string;
  image: string | null;
  environment: ReadonlyMap<string, string>;
  ports: readonly PublishedPort[];
  mounts: readonly Mount[];
  networkMode: string | null;
  networks: readonly string[];
  /** Everything else that the service says, as it stands in the file. */
  others: Readonly<Record<string, unknown>>;
}

export interface ComposeFile {
  services: Service[];
  /** Names that networks of the file have outside of it; null: Compose makes one up. */
  networks: ReadonlyMap<string, string | null>;
  /** What the file says beside services and networks. */
  others: readonly string[];
  /** Variables without a value. */
  missing: string[];
}

export interface ComposeSources {
  text: string;
  /** `.env` beside the file, or another; null: none. */
  variables: string | null;
  /** The shell's own, over those of the file. */
  environment: Variables;
  /** A file that `env_file` names; null: it is not there. */
  readFile: (path: string) => string | null;
}

/** @throws Error that says what is wrong with the file */
export function readCompose(sources: ComposeSources): ComposeFile {
  const document = parseDocument(sources.text, { merge: true, maxAliasCount: 100 } as object);
  const [error] = document.errors;
  if (error) throw new Error(`should be YAML: ${error.message.split('\n')[0]}`);
  const missing: string[] = [];
  const given = parseVariables(sources.variables ?? '', sources.environment);
  const variables: Variables = { ...given, ...sources.environment };
  const expand = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const { text, missing: unset } = interpolate(value, variables);
      missing.push(...unset);
      return text;
    }
    if (Array.isArray(value)) return value.map(expand);
    if (!isTable(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expand(inner)]));
  };
  const root = expand(document.toJS({ maxAliasCount: 100 }));
  if (!isTable(root) || !isTable(root.services)) {
    throw new Error('should have a table "services", as docker-compose.yml has');
  }
  const services = Object.entries(root.services).map(([name, service]) => {
    if (!isTable(service)) throw new Error(`services.${name} should be a table`);
    return readService(name, service, sources, variables);
  });
  const networks = isTable(root.networks) ? root.networks : {};
  return {
    services,
    networks: new Map(
      Object.entries(networks).map(([name, network]) => [name, outsideName(name, network)]),
    ),
    others: Object.keys(root).filter(
      (key) => !['services', 'networks', 'version', 'name'].includes(key) && !key.startsWith('x-'),
    ),
    missing: [...new Set(missing)],
  };
}

/** Lines of an .env file; values may hold variables of lines before, and of the shell. */
function parseVariables(text: string, environment: Variables): Record<string, string> {
  const known: Record<string, string> = {};
  // Where quotes were is lost: in single ones Compose does not look for variables.
  const raw = new Set(
    [...text.matchAll(/^\s*(?:export\s+)?(\w+)\s*=\s*'/gm)].map(([, name]) => name),
  );
  for (const [name, value] of Object.entries(parseEnvironment(text))) {
    known[name] = raw.has(name) ? value : interpolate(value, { ...known, ...environment }).text;
  }
  return known;
}

function readService(
  name: string,
  service: Readonly<Record<string, unknown>>,
  sources: ComposeSources,
  variables: Variables,
): Service {
  const {
    image,
    environment,
    env_file: files,
    ports,
    volumes,
    networks,
    network_mode: mode,
    ...others
  } = service;
  const place = (key: string) => `services.${name}.${key}`;
  const merged = new Map<string, string>();
  for (const path of pathsOf(files)) {
    const text = sources.readFile(path);
    if (text === null) throw new Error(`${place('env_file')}: ${path} should be there, is not`);
    for (const [key, value] of Object.entries(parseVariables(text, variables))) {
      merged.set(key, value);
    }
  }
  for (const [key, value] of environmentOf(environment, variables, place('environment'))) {
    merged.set(key, value);
  }
  return {
    name,
    image: typeof image === 'string' ? image : null,
    environment: merged,
    ports: listOf(ports).flatMap((port) => readPorts(port, place('ports'))),
    mounts: listOf(volumes).flatMap((mount) => readMount(mount, place('volumes'))),
    networkMode: typeof mode === 'string' ? mode : null,
    networks: Array.isArray(networks) ? networks.map(String) : Object.keys(networks ?? {}),
    others,
  };
}

/** A mapping, a list of `NAME=value`, or a list of mappings, which some documents have. A name alone is the shell's. */
function environmentOf(value: unknown, variables: Variables, place: string): [string, string][] {
  const entry = ([name, item]: [string, unknown]): [string, string] => {
    if (item === null || item === undefined) return [name, variables[name] ?? ''];
    if (typeof item === 'object') throw new Error(`${place}.${name} should be text`);
    return [name, String(item)];
  };
  if (value === undefined || value === null) return [];
  if (isTable(value)) return Object.entries(value).map(entry);
  return listOf(value).flatMap((item) => {
    if (isTable(item)) return Object.entries(item).map(entry);
    const [, name = '', rest] = /^([^=]+?)(?:=([\s\S]*))?$/.exec(String(item)) ?? [];
    return [entry([name, rest])];
  });
}

/** `4001:4003`, `127.0.0.1:4001:4003`, `4001-4002:4003-4004`, with `/tcp`; or the long form. */
function readPorts(value: unknown, place: string): PublishedPort[] {
  if (isTable(value)) {
    const host = value.published === undefined ? null : Number(value.published);
    const address = typeof value.host_ip === 'string' ? value.host_ip : null;
    return [{ address, host, inside: Number(value.target) }];
  }
  const text = String(value);
  const match =
    /^(?:(\[[^\]]+\]|\d+(?:\.\d+){3}):)?(?:(\d+)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(
      text,
    );
  if (!match)
    throw new Error(`${place}: should be a port such as "127.0.0.1:4001:4003", got "${text}"`);
  const [, address, host, hostEnd, inside, insideEnd] = match;
  const first = Number(inside);
  const count = Number(insideEnd ?? inside) - first + 1;
  const hosts = host === undefined ? null : Number(host);
  const same = hosts === null || Number(hostEnd ?? host) - hosts + 1 === count;
  if (!same || count < 1 || count > 100) {
    throw new Error(`${place}: both ranges should be of one length, got "${text}"`);
  }
  return Array.from({ length: count }, (_, index) => ({
    address: address ?? null,
    host: hosts === null ? null : hosts + index,
    inside: first + index,
  }));
}

/** `SOURCE:TARGET[:OPTIONS]`, or the long form. A target alone is an anonymous volume. */
function readMount(value: unknown, place: string): Mount[] {
  if (isTable(value)) {
    const { source, target, read_only: readOnly } = value;
    if (typeof target !== 'string') throw new Error(`${place}: should have a target`);
    return [{ source: String(source ?? ''), target, options: readOnly === true ? 'ro' : '' }];
  }
  const parts = String(value).split(':');
  const [source = '', target, options = ''] = parts;
  if (parts.length > 3)
    throw new Error(`${place}: should be SOURCE:TARGET, got "${String(value)}"`);
  return [
    target === undefined
      ? { source: '', target: source, options: '' }
      : { source, target, options },
  ];
}

function pathsOf(value: unknown): string[] {
  return listOf(value).map((item) => String(isTable(item) ? item.path : item));
}

function outsideName(_name: string, network: unknown): string | null {
  if (!isTable(network)) return null;
  if (typeof network.name === 'string') return network.name;
  return network.external === true ? _name : null;
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
