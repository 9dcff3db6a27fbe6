/** The flags of `ibq instance add` → the values of a new file; what is wrong with them is told by flag. */

import { parse, TomlError } from 'smol-toml';
import type { Value } from '../config/key-spec.ts';
import {
  type ConfigSources,
  type Environment,
  type LoadedConfig,
  loadConfig,
} from '../config/load.ts';
import { FILES, KEYS, keyId } from '../config/schema.ts';
import { show } from '../config/text.ts';
import { renderInstance } from '../config/write.ts';
import { ConfigError, ExitCode, UserError } from '../errors.ts';
import { printable } from '../ui/foreign-text.ts';

export interface InstanceAddOptions {
  mode?: string;
  user?: string;
  port?: number;
  profile?: string;
  image?: string;
  /** `key=value`, any key of an instance; `environment.NAME=value`, `ibc.NAME=value`, `hosts.NAME=value`, `secrets.NAME=value`, `jts.SECTION.NAME=value`. */
  set?: readonly string[];
}

/** By key id. Later ones win: `--set` over the flags. */
export function valuesOf(
  name: string,
  { mode, user, port, profile, image, set = [] }: InstanceAddOptions,
): Map<string, Value> {
  const values = new Map<string, Value>();
  const flags = { mode, user, port, 'image.profile': profile, 'image.reference': image };
  for (const [id, value] of Object.entries(flags)) if (value !== undefined) values.set(id, value);
  for (const assignment of set) {
    const [, id = '', text = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (id === '') {
      throw new UserError(`--set: should be KEY=VALUE, got ${show(assignment)}`, ExitCode.usage);
    }
    refuseElsewhere(name, id);
    const [, table, entry = ''] = /^(environment|ibc|jts|hosts|secrets)\.(.+)$/.exec(id) ?? [];
    if (table === undefined) values.set(id, added(values.get(id), typed(id, text)));
    else values.set(table, withEntry(values.get(table), table, entry, text));
  }
  return values;
}

/** A table with one more entry; those of `jts` are in sections. */
function withEntry(table: Value | undefined, name: string, entry: string, text: string): Value {
  const entries = new Map(Object.entries(table ?? {}));
  const [, section, key] = name === 'jts' ? (/^([^.]+)\.(.+)$/.exec(entry) ?? []) : [];
  if (section === undefined || key === undefined) entries.set(entry, text);
  else
    entries.set(
      section,
      Object.fromEntries([...Object.entries(entries.get(section) ?? {}), [key, text]]),
    );
  return Object.fromEntries(entries);
}

/** A list grows with each `--set` of its key; of others the last one holds. */
function added(before: Value | undefined, value: Value): Value {
  return Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

/** Text of a command line as its key's type; what does not fit stays text, for the loader to refuse. */
function typed(id: string, text: string): Value {
  const kind = KEYS.get(id)?.type.kind;
  if (kind === 'integer' && /^\d{1,15}$/.test(text)) return Number(text);
  if (kind === 'number' && /^\d{1,15}(?:\.\d{1,15})?$/.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (kind === 'list') return [text];
  return (text.startsWith('{') && tableOf(text)) || text;
}

/** `{ maindb = "10.0.0.2" }`; `null` where it is none. */
function tableOf(text: string): Value | null {
  try {
    const { value } = parse(`value = ${text}`);
    return typeof value === 'object' ? (value as Value) : null;
  } catch (error) {
    if (error instanceof TomlError) return null;
    throw error;
  }
}

/** Keys that people give an instance and that are set by other means. */
function refuseElsewhere(name: string, id: string): void {
  const refuse = (message: string) => {
    throw new UserError(`--set ${printable(id)}: ${message}`, ExitCode.usage);
  };
  if (SECRET_KEYS.test(id)) {
    refuse(`a secret belongs into no file; after this, run "sudo ibq secret set ${name} ${id}"`);
  }
  const own = FILES.instance.some((table) =>
    table.keys.some((key) => keyId(table.name, key.name) === id),
  );
  const table = FILES.ibq.find((it) => it.keys.some((key) => keyId(it.name, key.name) === id));
  if (!own && table) refuse(`it holds for all instances: set it in [${table.name}] of ibq.toml`);
}

const SECRET_KEYS =
  /^(?:(?:paper|vnc|rdp|supervisor|api)_)?password$|^ssh_(?:key|passphrase)$|^totp$/;

const FLAGS: Readonly<Record<string, string>> = {
  mode: '--mode',
  user: '--user',
  port: '--port',
  'image.profile': '--profile',
  'image.reference': '--image',
};

/** What the new file would bring: faults of it are faults of what was typed. */
export interface Attempt {
  name: string;
  path: string;
  values: ReadonlyMap<string, Value>;
  /** The keys that `--set` has brought. */
  set: ReadonlySet<string>;
  sources: ConfigSources;
  env: Environment;
}

/** @throws UserError (64) naming the flags; ConfigError (78) where other files are at fault */
export function loadWith({
  name,
  path,
  values,
  set,
  sources,
  env,
}: Attempt): LoadedConfig & { text: string } {
  const attempt = (tried: ReadonlyMap<string, Value>) => {
    const text = renderInstance(name, tried);
    return {
      text,
      ...loadConfig({ ...sources, instances: [...sources.instances, { path, text }] }, env),
    };
  };
  try {
    return attempt(values);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const own = error.problems.filter(({ file }) => file === path);
    // Whatever was wrong before is no fault of what was typed.
    if (own.length === 0 || isBroken(sources, env)) throw error;
    const lines = own.map(({ key = '', message }) => {
      const id = key.replace(/^(environment|ibc|jts|hosts|secrets)\..*$/, '$1');
      const flag = set.has(id) || !FLAGS[id] ? `--set ${key}` : FLAGS[id];
      const free = /^\d+ is already used by /.test(message)
        ? freePort(attempt, new Map([['port', Number(name)], ...values]))
        : null;
      return `${flag}: ${message}${free === null ? '' : `; --port ${free} is free`}`;
    });
    throw new UserError(lines.join('\n'), ExitCode.usage);
  }
}

function isBroken(sources: ConfigSources, env: Environment): boolean {
  try {
    loadConfig(sources, env);
    return false;
  } catch (error) {
    if (error instanceof ConfigError) return true;
    throw error;
  }
}

/** The first above that everything fits with; `null` where none of the next fifty does. */
function freePort(
  attempt: (values: ReadonlyMap<string, Value>) => unknown,
  values: ReadonlyMap<string, Value>,
): number | null {
  const start = Number(values.get('port') ?? 0);
  for (let port = start + 1; start > 0 && port <= start + 50; port++) {
    try {
      attempt(new Map([...values, ['port', port]]));
      return port;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  return null;
}
