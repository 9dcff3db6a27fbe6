/**
 * Compose files as one project: files over one another, `include`, `extends`, variables. Pure; other files are handed in.
 * What is wrong with a service is that service's, and matters only where it is taken.
 */

import { posix } from 'node:path';
import { type EnvFile, readEnvFile } from './env-file.ts';
import { interpolate, type Variables } from './interpolate.ts';
import { mergeServices } from './merge.ts';
import { parseYaml } from './parse.ts';
import { readService, type Service } from './service.ts';
import { isTable, listOf, type Table, textOf } from './values.ts';

export interface ComposeNetwork {
  /** Name that it has outside of the file; null: Compose makes one up. */
  outside: string | null;
  driver: string | null;
  parent: string | null;
  subnet: string | null;
  gateway: string | null;
  range: string | null;
  internal: boolean;
}

/** A secret or a config of the file: where its text comes from. */
interface FileSource {
  /** Absolute path of the host. */
  file: string | null;
  /** Text that stands in a variable. */
  text: string | null;
}

export interface ComposeFile {
  /** Name of the project, as Compose makes it: of volumes and built images. */
  project: string;
  services: Service[];
  networks: ReadonlyMap<string, ComposeNetwork>;
  /** Names that volumes have outside of the file; null: Compose makes one up. */
  volumes: ReadonlyMap<string, string | null>;
  secrets: ReadonlyMap<string, FileSource>;
  configs: ReadonlyMap<string, FileSource>;
  /** What the files say beside these. */
  others: readonly string[];
}

export interface ComposeSources {
  /** The later ones over the earlier. */
  texts: readonly string[];
  /** Absolute; paths in the files are relative to it. */
  directory: string;
  /** In the place of `~`. */
  home: string;
  /** `.env` beside the file, or another; null: none. */
  variables: string | null;
  /** The shell's own, over those of the file. */
  environment: Variables;
  /** A file of an absolute path; null: it is not there. */
  readFile: (path: string) => string | null;
}

interface RawService {
  raw: Table;
  problems: string[];
  missing: string[];
}

interface RawFile {
  services: Map<string, RawService>;
  top: Table;
}

/** A harmless file is far below. */
const MAX_VALUES = 1_000_000;
const MAX_DEPTH = 60;
const MAX_FILES = 50;

/** @throws Error that says what is wrong with the file */
export function readCompose(sources: ComposeSources): ComposeFile {
  const { environment, readFile } = sources;
  const dotenv = readVariables(sources);
  const variables: Variables = { ...Object.fromEntries(dotenv.values), ...environment };
  const reader = new ProjectReader(sources, dotenv, variables);
  const file = sources.texts
    .map((text) => reader.read(text, sources.directory))
    .reduce((below, over) => mergeFiles(below, over));
  if (file.services.size === 0) {
    throw new Error('should have a table "services", as docker-compose.yml has');
  }
  const { top } = file;
  return {
    project: projectName(top.name ?? variables.COMPOSE_PROJECT_NAME, sources.directory),
    services: [...file.services].map(([name, { raw, problems, missing }]) =>
      readService(name, raw, { problems, missing }, { variables, readFile }),
    ),
    networks: mapTable(top.networks, (network, name) => networkOf(network, name)),
    volumes: mapTable(top.volumes, outsideName),
    secrets: mapTable(top.secrets, (it) => fileSource(it, variables)),
    configs: mapTable(top.configs, (it) => fileSource(it, variables)),
    others: Object.keys(top).filter((key) => !TOP.includes(key) && !key.startsWith('x-')),
  };
}

const TOP: readonly string[] = [
  ...['services', 'networks', 'volumes', 'secrets', 'configs', 'version', 'name', 'include'],
];

function readVariables({ variables, environment }: ComposeSources): EnvFile {
  try {
    return readEnvFile(variables ?? '', environment);
  } catch (error) {
    throw new Error(`.env: ${error instanceof Error ? error.message : error}`);
  }
}

class ProjectReader {
  #values = 0;
  #files = 0;
  readonly #sources: ComposeSources;
  readonly #dotenv: EnvFile;
  readonly #variables: Variables;

  constructor(sources: ComposeSources, dotenv: EnvFile, variables: Variables) {
    this.#sources = sources;
    this.#dotenv = dotenv;
    this.#variables = variables;
  }

  /** @param directory that relative paths of this text are beside */
  read(text: string, directory: string): RawFile {
    this.#files += 1;
    if (this.#files > MAX_FILES)
      throw new Error(`should be at most ${MAX_FILES} files that name one another`);
    const root = parseYaml(text);
    if (!isTable(root))
      throw new Error('should have a table "services", as docker-compose.yml has');
    const { services = {}, ...rest } = root;
    if (!isTable(services))
      throw new Error('should have a table "services", as docker-compose.yml has');
    const raw = new Map<string, RawService>();
    for (const [name, service] of Object.entries(services)) {
      if (!isTable(service)) throw new Error(`services.${name} should be a table`);
      const found = { problems: [] as string[], missing: [] as string[] };
      const filled = this.#fill(service, found, 0, '');
      raw.set(name, {
        raw: absolute(isTable(filled) ? filled : {}, directory, this.#sources.home),
        ...found,
      });
    }
    const top = this.#fill(rest, { problems: [], missing: [] }, 0, '');
    const file = {
      services: raw,
      top: absoluteTop(isTable(top) ? top : {}, directory, this.#sources.home),
    };
    const extended = new Map(
      [...raw.keys()].map((name) => [name, this.#extend(file, name, directory, [])]),
    );
    const own = { ...file, services: extended };
    return listOf(file.top.include)
      .map((it) => this.#include(it, directory))
      .reduceRight((over, below) => mergeFiles(below, over), own);
  }

  #include(value: unknown, directory: string): RawFile {
    const paths = listOf(isTable(value) ? value.path : value).map((it) =>
      posix.resolve(directory, String(it)),
    );
    const files = paths.map((path) => {
      const text = this.#sources.readFile(path);
      if (text === null) throw new Error(`include: ${path} should be there, is not`);
      const project = isTable(value) ? textOf(value.project_directory) : null;
      return this.read(
        text,
        project === null ? posix.dirname(path) : posix.resolve(directory, project),
      );
    });
    return files.reduce((below, over) => mergeFiles(below, over), { services: new Map(), top: {} });
  }

  /** `extends: NAME`, or `{ service, file }`. */
  #extend(file: RawFile, name: string, directory: string, seen: readonly string[]): RawService {
    const own = file.services.get(name) ?? { raw: {}, problems: [], missing: [] };
    const { extends: base } = own.raw;
    if (base === undefined || base === null) return own;
    const service = isTable(base) ? textOf(base.service) : textOf(base);
    const path = isTable(base) ? textOf(base.file) : null;
    const fail = (why: string): RawService => ({
      ...own,
      problems: [...own.problems, `extends: ${why}`],
    });
    if (service === null) return fail('should name a service');
    if (seen.includes(service)) return fail(`${service} extends itself`);
    let found: RawService | null = null;
    if (path === null) {
      if (file.services.has(service))
        found = this.#extend(file, service, directory, [...seen, name]);
    } else {
      const at = posix.resolve(directory, path);
      const text = this.#sources.readFile(at);
      if (text === null) return fail(`${at} should be there, is not`);
      found = this.read(text, posix.dirname(at)).services.get(service) ?? null;
    }
    if (found === null) return fail(`there is no service ${service}`);
    // Compose takes neither of the base along (compose-spec, 05-services.md, extends).
    const { depends_on: _, ...inherited } = found.raw;
    return {
      raw: mergeServices(inherited, own.raw),
      problems: [...found.problems, ...own.problems],
      missing: [...found.missing, ...own.missing],
    };
  }

  #fill(
    value: unknown,
    found: { problems: string[]; missing: string[] },
    depth: number,
    place: string,
  ): unknown {
    this.#values += 1;
    if (this.#values > MAX_VALUES) {
      throw new Error(`should be smaller: its aliases make more than ${MAX_VALUES} values of it`);
    }
    if (depth > MAX_DEPTH) throw new Error('should be YAML that is nested less deep');
    if (typeof value === 'string') return this.#interpolate(value, found, place);
    // Digits of a number that JavaScript can't hold stay as they are.
    if (typeof value === 'bigint') {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value.toString();
    }
    if (Array.isArray(value)) return value.map((item) => this.#fill(item, found, depth + 1, place));
    if (value instanceof Date) return value.toISOString();
    if (!isTable(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        this.#fill(inner, found, depth + 1, place === '' ? key : `${place}.${key}`),
      ]),
    );
  }

  #interpolate(
    value: string,
    found: { problems: string[]; missing: string[] },
    place: string,
  ): string {
    const lookUp = (name: string) => {
      found.missing.push(...(this.#dotenv.missing.get(name) ?? []));
      return Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
    };
    try {
      const { text, missing } = interpolate(value, lookUp);
      found.missing.push(...missing);
      return text;
    } catch (error) {
      found.problems.push(`${place}: ${error instanceof Error ? error.message : error}`);
      return '';
    }
  }
}

function mergeFiles(below: RawFile, over: RawFile): RawFile {
  const services = new Map(below.services);
  for (const [name, own] of over.services) {
    const base = services.get(name);
    services.set(
      name,
      base === undefined
        ? own
        : {
            raw: mergeServices(base.raw, own.raw),
            problems: [...base.problems, ...own.problems],
            missing: [...base.missing, ...own.missing],
          },
    );
  }
  return { services, top: mergeServices(below.top, over.top) };
}

/** Paths of a service, from the directory of its own file. */
function absolute(raw: Table, directory: string, home: string): Table {
  const at = (path: string) => absolutePath(path, directory, home);
  const mount = (item: unknown): unknown => {
    if (isTable(item)) {
      const { source, type } = item;
      const bind = typeof source === 'string' && (type === 'bind' || isPath(source));
      return bind ? { ...item, source: at(source) } : item;
    }
    const [source = '', ...rest] = String(item).split(':');
    return rest.length > 0 && isPath(source) ? [at(source), ...rest].join(':') : item;
  };
  const file = (item: unknown): unknown =>
    isTable(item) ? { ...item, path: at(String(item.path)) } : at(String(item));
  const { volumes, env_file: files, build } = raw;
  const context = isTable(build) ? build.context : build;
  return {
    ...raw,
    ...(volumes === undefined ? {} : { volumes: listOf(volumes).map(mount) }),
    ...(files === undefined ? {} : { env_file: listOf(files).map(file) }),
    ...(typeof context === 'string' ? { build: at(context) } : {}),
  };
}

function absoluteTop(top: Table, directory: string, home: string): Table {
  const files = (value: unknown) =>
    isTable(value)
      ? Object.fromEntries(
          Object.entries(value).map(([name, it]) => [
            name,
            isTable(it) && typeof it.file === 'string'
              ? { ...it, file: absolutePath(it.file, directory, home) }
              : it,
          ]),
        )
      : value;
  const { secrets, configs, ...rest } = top;
  return {
    ...rest,
    ...(secrets === undefined ? {} : { secrets: files(secrets) }),
    ...(configs === undefined ? {} : { configs: files(configs) }),
  };
}

function isPath(source: string): boolean {
  return /^(?:[./]|~(?:\/|$))/.test(source);
}

function absolutePath(path: string, directory: string, home: string): string {
  const own = path.replace(/^~(?=\/|$)/, home);
  return own.includes('://') ? own : posix.resolve(directory, own);
}

/** As Compose makes it of the directory (compose-go, NormalizeProjectName). */
function projectName(name: unknown, directory: string): string {
  const text = textOf(name) ?? posix.basename(directory);
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '')
      .replace(/^[_-]+/, '') || 'default'
  );
}

function mapTable<T>(value: unknown, read: (it: unknown, name: string) => T): Map<string, T> {
  return new Map(
    Object.entries(isTable(value) ? value : {}).map(([name, it]) => [name, read(it, name)]),
  );
}

/** `external: true` with `name`, or the old form `external: { name }`. */
function outsideName(value: unknown, name: string): string | null {
  if (!isTable(value)) return null;
  if (isTable(value.external)) return textOf(value.external.name) ?? name;
  return textOf(value.name) ?? (value.external === true ? name : null);
}

function networkOf(value: unknown, name: string): ComposeNetwork {
  const { driver, driver_opts: options, ipam, internal } = isTable(value) ? value : {};
  const [pool] = listOf(isTable(ipam) ? ipam.config : null);
  const of = isTable(pool) ? pool : {};
  return {
    outside: outsideName(value, name),
    driver: textOf(driver),
    parent: isTable(options) ? textOf(options.parent) : null,
    subnet: textOf(of.subnet),
    gateway: textOf(of.gateway),
    range: textOf(of.ip_range),
    internal: internal === true,
  };
}

function fileSource(value: unknown, variables: Variables): FileSource {
  const { file, environment, content } = isTable(value) ? value : {};
  const name = textOf(environment);
  return {
    file: textOf(file),
    text: name === null ? textOf(content) : (variables[name] ?? null),
  };
}
