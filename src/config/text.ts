/** Words for messages: values as they can be shown on a terminal, and what a mistyped word was meant to be. */

import { printable } from '../ui/foreign-text.ts';

const LONGEST_SHOWN = 60;

/** A value of a configuration file as a message shows it: short, quoted, without control characters. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `"${printable(clip(value)).replaceAll('"', '\\"')}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date or time without quotes';
  if (typeof value === 'object' && value !== null) return 'a table';
  return String(value);
}

/** A dotted key for `Problem.key`; parts that TOML would quote are quoted. */
export function showKey(...parts: readonly string[]): string {
  return parts.map((part) => (/^[A-Za-z0-9_-]{1,60}$/.test(part) ? part : show(part))).join('.');
}

function clip(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

/** The candidate that `word` was most likely meant to be; `null` where none is near. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > 40) return null;
  const wanted = snakeCase(word);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `readOnlyApi`, `READ_ONLY_API` and `read-only-api` are all `read_only_api`. */
function snakeCase(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** Levenshtein distance where two neighbours that changed places count as one mistake. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replace, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? Number.POSITIVE_INFINITY) + 1);
      }
      row[j] = least;
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
