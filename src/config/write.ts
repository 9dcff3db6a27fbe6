/** Texts that ibq writes: the commented ibq.toml of `ibq init`, and the file of a new instance. */

import type { KeySpec, Value } from './key-spec.ts';
import { FILES, keyId } from './schema.ts';

const WIDTH = 96;

/** Every key of ibq.toml, commented out: with its default, or with an example where it has none. */
export function renderExample(): string {
  const tables = FILES.ibq.map((table) => {
    const keys = table.keys.map((key) => {
      const unset = key.default === null ? ` Not set: ${key.unset}.` : '';
      return `${comment(key.description + unset)}\n# ${renderKey(key.name, shownValue(key))}`;
    });
    return `${comment(table.description)}\n[${table.name}]\n${keys.join('\n\n')}\n`;
  });
  const head = comment(
    'Configuration of ibq for this host. Every key is optional; the lines that start with "# key =" ' +
      'show defaults and examples. What a key means in full: docs/configuration.md. No secret belongs ' +
      'here: "ibq secret set". Changes come into force with "sudo ibq deploy".',
  );
  return `${head}\n\n${tables.join('\n')}`;
}

/** The value that documents a key: its default, or an example where nothing is the default. */
function shownValue(key: KeySpec): Value {
  const { default: value } = key;
  const empty = value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  return empty ? key.example : value;
}

/**
 * @param values by key id (schema.ts); a key that does not exist is written too, for the loader to refuse
 */
export function renderInstance(name: string, values: ReadonlyMap<string, Value>): string {
  const written = new Set<string>();
  const lines = (table: string, names: readonly string[]) =>
    names.flatMap((key) => {
      const id = keyId(table, key);
      const value = values.get(id);
      written.add(id);
      return value === undefined ? [] : [renderKey(key, value)];
    });
  const [root, ...tables] = FILES.instance.map((table) => ({
    name: table.name,
    lines: lines(
      table.name,
      table.keys.map((key) => key.name),
    ),
  }));
  const unknown = [...values.keys()].filter((id) => !written.has(id));
  return [
    `# Instance ${name}. "ibq instance show ${name}" lists every setting and where it comes from.`,
    ...(root?.lines ?? []),
    ...lines('', unknown),
    ...tables.flatMap((table) =>
      table.lines.length === 0 ? [] : ['', `[${table.name}]`, ...table.lines],
    ),
    '',
  ].join('\n');
}

function renderKey(name: string, value: Value): string {
  return `${/^[A-Za-z0-9_-]+$/.test(name) ? name : quote(name)} = ${renderValue(value)}`;
}

/** A value as TOML writes it, on one line. */
export function renderValue(value: Value): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(quote).join(', ')}]`;
  const pairs = Object.entries(value).map(([name, inner]) => renderKey(name, inner));
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

/** JSON's escapes are all TOML's. What a terminal could act on is escaped as well, for those who look at the file. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => {
    const code = (sign.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

function comment(text: string): string {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.replaceAll('`', '"').split(' ')) {
    if (line.length + word.length >= WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
