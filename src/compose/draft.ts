/** What becomes of one service: filled in by the readers of its parts. */

import type { Value } from '../config/key-spec.ts';
import { KEYS } from '../config/schema.ts';
import { showKey } from '../config/text.ts';
import type { Complain } from '../config/values.ts';
import { readValue } from '../config/values.ts';

/** What was not carried over, and what to do about it. */
export interface Left {
  /** As it stands in the file, without secrets. */
  what: string;
  /** `NAME` is the instance. */
  why: string;
}

export interface Draft {
  /** By key id (config/schema.ts). */
  values: Map<string, Value>;
  /** Values of secrets by their key. They are never shown. */
  secrets: Map<string, string>;
  left: Left[];
  /** What a value was called in the file, by key id, and for an entry or item of one by `ID.ENTRY`. */
  origins: Map<string, string>;
  /** Port that ssh connects to, where the options say it; null: they don't. */
  portOfTargets: string | null;
  /** Secrets and configs of the file, and places in the container, that became secrets. */
  usedGiven: Set<string>;
  usedMounts: Set<string>;
  /** Why it can't be taken at all. */
  problems: string[];
}

export function makeDraft(): Draft {
  return {
    values: new Map(),
    secrets: new Map(),
    left: [],
    origins: new Map(),
    portOfTargets: null,
    usedGiven: new Set(),
    usedMounts: new Set(),
    problems: [],
  };
}

/**
 * Takes over a value as the image or Compose writes it; what is not legal for the key is left, with what it
 * should be.
 *
 * @param what it is called in the file
 */
export function take(draft: Draft, key: string, raw: string, what: string): void {
  const spec = KEYS.get(key);
  if (spec === undefined) throw new Error(`no key ${key}`);
  const typed = typedText(spec.type.kind, raw);
  const complaints: string[] = [];
  const complain: Complain = (message) => complaints.push(message);
  const value = readValue(spec.type, typed, complain);
  if (value === undefined) {
    draft.left.push({ what, why: `${key} ${complaints.join('; ')}` });
  } else {
    draft.values.set(key, value);
    draft.origins.set(key, what);
  }
}

/** One more item of a list. */
export function takeItem(draft: Draft, key: string, item: string, what: string): void {
  const spec = KEYS.get(key);
  if (spec === undefined) throw new Error(`no key ${key}`);
  const complaints: string[] = [];
  if (readValue(spec.type, [item], (message) => complaints.push(message)) === undefined) {
    draft.left.push({ what, why: `${key} ${complaints.join('; ')}` });
    return;
  }
  const before = (draft.values.get(key) ?? []) as readonly string[];
  draft.values.set(key, [...before, item]);
  draft.origins.set(`${key}.${item}`, what);
}

/** Entries of a table, those that are not legal left. */
export function takeEntries(
  draft: Draft,
  key: string,
  entries: readonly { name: string; value: string; what: string }[],
): void {
  const spec = KEYS.get(key);
  if (spec === undefined) throw new Error(`no key ${key}`);
  const legal = new Map(Object.entries((draft.values.get(key) ?? {}) as Record<string, string>));
  for (const { name, value, what } of entries) {
    const complaints: string[] = [];
    const read = readValue(spec.type, { [name]: value }, (message) => complaints.push(message));
    if (read === undefined) {
      draft.left.push({ what, why: complaints.join('; ') });
    } else {
      legal.set(name, value);
      draft.origins.set(`${key}.${name}`, what);
    }
  }
  if (legal.size > 0) draft.values.set(key, Object.fromEntries(legal));
}

/**
 * Takes a value back, of which the configuration says what is wrong with it beside others.
 *
 * @param key of the problem: a key id, with an index or a name behind it where one item is meant
 * @returns whether there was something to take back
 */
export function leaveOut(draft: Draft, key: string, message: string): boolean {
  const id = [...draft.values.keys()]
    .filter((it) => key === it || key.startsWith(`${it}.`))
    .sort((a, b) => b.length - a.length)[0];
  if (id === undefined) return false;
  const value = draft.values.get(id);
  const rest = key.slice(id.length + 1);
  const whole = (what = draft.origins.get(id) ?? id) => {
    draft.values.delete(id);
    draft.left.push({ what, why: `${id} ${message}` });
    return true;
  };
  if (rest === '' || value === undefined || typeof value !== 'object') return whole();
  if (Array.isArray(value)) {
    const item = String(value[Number(rest)] ?? '');
    const remaining = value.filter((_it, index) => index !== Number(rest));
    if (remaining.length === value.length) return whole();
    if (remaining.length === 0) return whole(draft.origins.get(`${id}.${item}`));
    draft.values.set(id, remaining);
    draft.left.push({ what: draft.origins.get(`${id}.${item}`) ?? item, why: `${id} ${message}` });
    return true;
  }
  const entries = Object.entries(value as Readonly<Record<string, string>>);
  const [name] = entries.find(([it]) => showKey(it) === rest || it === rest) ?? [];
  if (name === undefined) return whole();
  const remaining = entries.filter(([it]) => it !== name);
  if (remaining.length === 0) draft.values.delete(id);
  else draft.values.set(id, Object.fromEntries(remaining));
  draft.left.push({ what: draft.origins.get(`${id}.${name}`) ?? name, why: message });
  return true;
}

function typedText(kind: string, raw: string): unknown {
  const text = raw.trim();
  if (kind === 'boolean') {
    if (/^(?:yes|true|1)$/i.test(text)) return true;
    if (/^(?:no|false|0)$/i.test(text)) return false;
  }
  if ((kind === 'integer' || kind === 'number') && /^\d+(?:\.\d+)?$/.test(text))
    return Number(text);
  if (kind === 'list') return text.split(/\s*,\s*/).filter((item) => item !== '');
  return kind === 'choice' ? text.toLowerCase() : text;
}
