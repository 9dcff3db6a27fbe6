/**
 * One part of a Compose file over another, as an override file, `extends` and `include` do it (compose-spec,
 * 13-merge.md): tables are merged, lists added to one another, what has a place of its own by that place, and commands replaced.
 */

import { OVERRIDE, RESET } from './parse.ts';
import { isTable, listOf, type Table } from './values.ts';

/** Lists of `NAME=value` or tables alike. */
const MAPPINGS = new Set(['environment', 'labels', 'annotations', 'sysctls', 'extra_hosts']);
/** Replaced as a whole. */
const WHOLE = new Set(['command', 'entrypoint', 'test', 'image', 'build', 'extends']);

/** Of a service. */
export function mergeServices(base: Table, over: Table): Table {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = base[key];
    if (isTable(value) && value[RESET] === true) delete merged[key];
    else if (isTable(value) && OVERRIDE in value) merged[key] = value[OVERRIDE];
    else
      merged[key] = before === undefined || before === null ? value : mergeKey(key, before, value);
  }
  return merged;
}

function mergeKey(key: string, before: unknown, value: unknown): unknown {
  if (value === null || WHOLE.has(key)) return value ?? before;
  if (MAPPINGS.has(key)) return overlaid(mapping(before), mapping(value));
  if (key === 'networks') return { ...named(before), ...named(value) };
  if (key === 'depends_on') return { ...named(before), ...named(value) };
  if (key === 'volumes' || key === 'secrets' || key === 'configs') {
    const places = new Map(
      [...listOf(before), ...listOf(value)].map((item) => [placeOf(key, item), item]),
    );
    return [...places.values()];
  }
  if (Array.isArray(before) || Array.isArray(value)) {
    const all = [...listOf(before), ...listOf(value)];
    const texts = all.map((item) => JSON.stringify(item));
    return all.filter((_item, index) => texts.indexOf(texts[index] ?? '') === index);
  }
  return isTable(before) && isTable(value) ? mergeServices(before, value) : value;
}

/** Values that are whole: each of the upper one wins, and what it resets is gone. */
function overlaid(base: Table, over: Table): Table {
  const entries = Object.entries({ ...base, ...over });
  return Object.fromEntries(
    entries
      .filter(([, value]) => !(isTable(value) && value[RESET] === true))
      .map(([key, value]) => [key, isTable(value) && OVERRIDE in value ? value[OVERRIDE] : value]),
  );
}

/** `NAME=value`, `NAME:value` of extra_hosts, a name alone, or a table. */
export function mapping(value: unknown): Record<string, unknown> {
  if (isTable(value)) return { ...value };
  return Object.fromEntries(
    listOf(value).flatMap((item): [string, unknown][] => {
      // A list of tables is no Compose, and some documents have it.
      if (isTable(item)) return Object.entries(item);
      const [, name = '', rest] = /^([^=]+?)(?:=([\s\S]*))?$/.exec(String(item)) ?? [];
      return [[name, rest ?? null]];
    }),
  );
}

function named(value: unknown): Table {
  return isTable(value) ? value : Object.fromEntries(listOf(value).map((it) => [String(it), null]));
}

/** Where in the container it lies. */
function placeOf(key: string, item: unknown): string {
  if (isTable(item)) return String(item.target ?? item.source ?? JSON.stringify(item));
  if (key !== 'volumes') return String(item);
  const [source = '', target = source] = String(item).split(':');
  return target;
}
