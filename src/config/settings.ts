/** Settings of an instance: each key from the topmost layer that has it, tables put together. */

import type { Value } from './key-spec.ts';
import { type Layer, lookup } from './layer.ts';
import { INSTANCE_KEYS, KEYS } from './schema.ts';
import type { Settings } from './types.ts';

/** Keys of an instance that have a place of their own in `Instance`; all others are its `settings`. */
const OWN_PLACE: readonly string[] = [
  ...['mode', 'user', 'paper_user', 'port', 'paper_port', 'environment'],
  ...['vnc.port', 'rdp.port', 'supervisor.port'],
];

export const SETTING_KEYS: readonly string[] = INSTANCE_KEYS.filter(
  (id) => !OWN_PLACE.includes(id),
);

/** Tables that an instance adds to, entry by entry. */
const ADDED_TO: readonly string[] = ['hosts', 'secrets', 'ibc', 'custom.variables'];

/** The built-in value; `null` where the key stays unset. */
export function builtIn(id: string): Value | null {
  return KEYS.get(id)?.default ?? null;
}

export function resolveSettings(layers: readonly Layer[]): Settings {
  const settings: Record<string, unknown> = {};
  const tables = new Map<string, Record<string, unknown>>();
  for (const { id, table, key } of PLACES) {
    if (table === null) {
      settings[key] = settingOf(id, layers);
      continue;
    }
    const values = tables.get(table) ?? {};
    values[key] = settingOf(id, layers);
    tables.set(table, values);
    settings[table] = values;
  }
  // The schema says of each key which type it has; test/config/schema.test.ts holds it to Settings.
  return settings as unknown as Settings;
}

/** `vnc.port` is `port` in the table `vnc`. */
const PLACES = SETTING_KEYS.map((id) => {
  const [first = '', second] = id.split('.');
  return second === undefined ? { id, table: null, key: first } : { id, table: first, key: second };
});

function settingOf(id: string, layers: readonly Layer[]): Value | null {
  const all = () => layers.toReversed().flatMap(({ values }) => values.get(id) ?? []);
  if (ADDED_TO.includes(id)) return Object.assign({}, ...all());
  if (id === 'jts') return mergeSections(all() as Record<string, Record<string, string>>[]);
  return lookup(id, layers)?.value ?? builtIn(id);
}

function mergeSections(
  all: readonly Record<string, Record<string, string>>[],
): Record<string, Record<string, string>> {
  const merged = new Map<string, Record<string, string>>();
  for (const [name, lines] of all.flatMap((sections) => Object.entries(sections))) {
    merged.set(name, { ...merged.get(name), ...lines });
  }
  return Object.fromEntries(merged);
}
