/** What becomes of one service: filled in by the readers of its parts. */

import type { Value } from '../config/key-spec.ts';
import { KEYS } from '../config/schema.ts';
import type { Complain } from '../config/values.ts';
import { readValue } from '../config/values.ts';

/** What was not carried over, and what to do about it. */
interface Left {
  /** As it stands in the file, without secrets. */
  what: string;
  why: string;
}

export interface Draft {
  /** By key id (config/schema.ts). */
  values: Map<string, Value>;
  /** Values of secrets by their key. They are never shown. */
  secrets: Map<string, string>;
  left: Left[];
}

export function makeDraft(): Draft {
  return { values: new Map(), secrets: new Map(), left: [] };
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
  }
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
