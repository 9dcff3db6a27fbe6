/** A file as a layer of checked values; layers lie over one another, and the topmost value holds. */

import { keyOfVariable } from '../images/index.ts';
import { parseDocument, type Source } from './document.ts';
import type { TableSpec, Value } from './key-spec.ts';
import type { Report } from './report.ts';
import { FILES, type FileKind, KEYS, keyId } from './schema.ts';
import { closest, show, showKey } from './text.ts';
import { readValue } from './values.ts';

/** Where a value comes from. `pin` is network.toml. */
export type Origin = 'environment' | 'instance' | 'defaults' | 'host' | 'pin' | 'built-in';

export interface Layer {
  origin: Origin;
  /** File, or the name of an environment variable; empty for built-in values. */
  file: string;
  /** By key id (schema.ts). */
  values: Map<string, Value>;
  /** Ids that were set but wrong: not there, yet not missing either. `'*'`: the whole file. */
  broken: Set<string>;
}

export interface Effective {
  id: string;
  value: Value;
  origin: Origin;
  file: string;
}

export function makeLayer(origin: Origin, file: string): Layer {
  return { origin, file, values: new Map(), broken: new Set() };
}

/** The value of the first layer that has one. */
export function lookup(id: string, layers: readonly Layer[]): Effective | null {
  for (const layer of layers) {
    const value = layer.values.get(id);
    if (value !== undefined) return { id, value, origin: layer.origin, file: layer.file };
  }
  return null;
}

/** Whether some layer tried to set it and failed: then its absence is no problem of its own. */
export function isBroken(id: string, layers: readonly Layer[]): boolean {
  return layers.some((layer) => layer.broken.has(id) || layer.broken.has('*'));
}

/** For messages: the file and the key as that file spells it. A variable has a name and no key. */
export function placeOf({ id, origin, file }: Omit<Effective, 'value'>): {
  file: string;
  key?: string;
} {
  if (origin === 'environment') return { file };
  return { file, key: origin === 'defaults' ? `defaults.${id}` : id };
}

/** A problem of a value, where it was set; a built-in value is never one. */
export function complain(
  value: Effective | null | undefined,
  message: string,
  report: Report,
): void {
  if (value) report.problem({ ...placeOf(value), message });
}

/**
 * Reads a file into layers. ibq.toml makes two: its own tables, and `[defaults]`.
 * @returns the layer of the file, and that of its `[defaults]` (empty in other files)
 */
export function readLayers(
  kind: FileKind,
  origin: Origin,
  source: Source,
  report: Report,
): { own: Layer; defaults: Layer } {
  const own = makeLayer(origin, source.path);
  const defaults = makeLayer('defaults', source.path);
  const document = parseDocument(source, report);
  if (document === null) {
    own.broken.add('*');
    defaults.broken.add('*');
    return { own, defaults };
  }
  readTable(kind, '', document, { own, defaults }, report);
  return { own, defaults };
}

/** What stands in a table: keys, and further tables. */
function readTable(
  kind: FileKind,
  path: string,
  content: object,
  layers: { own: Layer; defaults: Layer },
  report: Report,
): void {
  const tables = FILES[kind];
  const here = tables.find((table) => table.name === path) ?? null;
  const layer = /^defaults(?:\.|$)/.test(path) ? layers.defaults : layers.own;
  for (const [name, value] of Object.entries(content)) {
    const inner = path === '' ? name : `${path}.${name}`;
    const table = tables.some((candidate) => candidate.name === inner && name !== '');
    if (!table) {
      readKey(kind, here, name, value, layer, report);
    } else if (isTable(value)) {
      readTable(kind, inner, value, layers, report);
    } else {
      const message = `should be a table [${inner}], got ${show(value)}`;
      report.problem({ file: layer.file, key: inner, message });
    }
  }
}

function readKey(
  kind: FileKind,
  table: TableSpec | null,
  name: string,
  raw: unknown,
  layer: Layer,
  report: Report,
): void {
  const { file } = layer;
  const prefix = table === null || table.name === '' ? [] : table.name.split('.');
  const spec = table?.keys.find((key) => key.name === name);
  if (table === null || spec === undefined) {
    // Beyond what is shown, no words are looked for: a file can hold 100 000 unknown keys.
    if (!report.wants(file)) {
      report.more(file);
      return;
    }
    const what = prefix.length === 0 && isTable(raw) ? 'unknown table' : 'unknown key';
    const key = showKey(...prefix, name);
    report.problem({ file, key, message: what + hint(kind, table, name) });
    return;
  }
  const id = keyId(table.name, name);
  const value = readValue(spec.type, raw, (message, part) => {
    const key = showKey(...prefix, name, ...(part === undefined ? [] : [part]));
    report.problem({ file, key, message });
  });
  if (value === undefined) layer.broken.add(id);
  else layer.values.set(id, value);
}

/** What an unknown key was meant to be, or where it belongs. */
function hint(kind: FileKind, table: TableSpec | null, name: string): string {
  const own = table?.name.startsWith('defaults') || name.endsWith('port');
  if (own && kind === 'ibq' && isOwnOnly(table, name))
    return '; it belongs to one instance: set it in instances/NAME.toml';
  const home = homeOf(kind, table, name);
  // `mode` is the trading mode of instances far more often than that of the network.
  const common =
    (table === null || table.name === '') &&
    kind === 'ibq' &&
    FILES.ibq.some(
      (other) => other.name === 'defaults' && other.keys.some((key) => key.name === name),
    );
  if (common && home && home !== '[defaults]')
    return `; it belongs in [defaults] for every instance (or ${home}, where it is the network's)`;
  if (home) return `; it belongs in ${home}`;
  const legal = table?.keys.map((key) => key.name) ?? [];
  const tables = table === null || table.name === '' ? FILES[kind].map((other) => other.name) : [];
  const near =
    closest(name, [...legal, ...tables.filter((other) => other !== '')]) ??
    keyOfVariable(name.toUpperCase());
  if (near) return `; did you mean ${show(near)}?`;
  return legal.length > 0 && legal.length <= 8 ? `; should be one of ${legal.join(', ')}` : '';
}

/** Whether an instance's file has the key where `[defaults]` has not. */
function isOwnOnly(table: TableSpec | null, name: string): boolean {
  const id = keyId(table?.name.startsWith('defaults') ? table.name : '', name);
  return KEYS.get(id)?.ownOnly === true;
}

/** Where a known key or table belongs, if that is not here. TOML's own trap: keys below a header. */
function homeOf(kind: FileKind, table: TableSpec | null, name: string): string | null {
  // The host's [network] and that of an instance have keys of their own.
  const same = FILES.ibq.find((other) => other.name === table?.name);
  if (kind === 'instance' && same?.keys.some((key) => key.name === name))
    return `[${same.name}] of ibq.toml`;
  const here = FILES[kind].find((table) => table.keys.some((key) => key.name === name));
  if (here) return here.name === '' ? 'the top of the file, above every [table]' : `[${here.name}]`;
  if (kind === 'ibq') return null;
  const there = FILES.ibq.find(
    (table) => table.name === name || table.keys.some((key) => key.name === name),
  );
  return there && !FILES[kind].includes(there) ? `[${there.name}] of ibq.toml` : null;
}

function isTable(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}
