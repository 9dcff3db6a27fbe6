/** One value of a configuration file, checked against the type of its key. */

import { FORMATS, misfit } from './formats.ts';
import type { Value, ValueType } from './key-spec.ts';
import { closest, show } from './text.ts';

/** One variable; systemd reads lines of at most 1 MiB, and all variables share one. */
const MAX_VARIABLE_BYTES = 32 * 1024;
const MAX_VARIABLES_BYTES = 128 * 1024;

/** Says what is wrong. `part` is below the key: the place in a list, the name of a variable. */
export type Complain = (message: string, part?: string) => void;

/** The value, typed by its key; `undefined` after a complaint. */
export function readValue(type: ValueType, raw: unknown, complain: Complain): Value | undefined {
  switch (type.kind) {
    case 'choice': {
      if (typeof raw === 'string' && type.values.includes(raw)) return raw;
      complain(choiceProblem(type, raw));
      return undefined;
    }
    case 'boolean': {
      if (typeof raw === 'boolean') return raw;
      const quoted = raw === 'true' || raw === 'false' ? `; write ${raw} without quotes` : '';
      complain(`should be true or false, got ${show(raw)}${quoted}`);
      return undefined;
    }
    case 'integer': {
      const legal = Number.isSafeInteger(raw) && typeof raw === 'number';
      if (legal && raw >= type.minimum && raw <= type.maximum) return raw;
      const quoted =
        typeof raw === 'string' && /^\d{1,6}$/.test(raw) ? '; write it without quotes' : '';
      complain(`should be ${type.should}, got ${show(raw)}${quoted}`);
      return undefined;
    }
    case 'number': {
      if (typeof raw === 'number' && raw >= type.minimum && raw <= type.maximum) return raw;
      complain(`should be ${type.should}, got ${show(raw)}`);
      return undefined;
    }
    case 'text': {
      const problem = textProblem(type.format, raw);
      if (problem === null) return raw as string;
      complain(problem);
      return undefined;
    }
    case 'list':
      return readList(type.format, raw, complain);
    case 'variables':
      return readVariables(raw, complain);
    case 'hosts':
      return readHosts(raw, complain);
    case 'properties':
      return readProperties(raw, complain);
    case 'sections':
      return readSections(raw, complain);
  }
}

/** Labels of letters, digits and `-` (RFC 1123), at most 253 characters together. */
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

function readHosts(raw: unknown, complain: Complain): Record<string, string> | undefined {
  if (!isTable(raw)) {
    complain(`should be a table such as { maindb = "10.0.0.2" }, got ${show(raw)}`);
    return undefined;
  }
  let legal = true;
  for (const [name, address] of Object.entries(raw)) {
    const problem = HOST_NAME.test(name)
      ? textProblem('address', address)
      : 'should be a host name of letters, digits, "-" and "."';
    if (problem === null) continue;
    complain(problem, name);
    legal = false;
  }
  return legal ? (Object.fromEntries(Object.entries(raw)) as Record<string, string>) : undefined;
}

/** Names as IBC and the gateway have them; a value is one line. IBC has `yes` and `no`, the gateway `true` and `false`. */
function readProperties(
  raw: unknown,
  complain: Complain,
  [yes, no]: readonly [string, string] = ['yes', 'no'],
): Record<string, string> | undefined {
  if (!isTable(raw)) {
    complain(`should be a table such as { Name = "value" }, got ${show(raw)}`);
    return undefined;
  }
  const lines: [string, string][] = [];
  let legal = true;
  for (const [name, value] of Object.entries(raw)) {
    const text = typeof value === 'boolean' ? (value ? yes : no) : value;
    const problem = !/^[A-Za-z][A-Za-z0-9_.-]{0,127}$/.test(name)
      ? 'should be a name of letters, digits, "_", "." and "-" that starts with a letter'
      : typeof text === 'string' && isLine(text)
        ? null
        : Number.isFinite(text)
          ? null
          : `should be one line of text, a number, true or false, got ${show(value)}`;
    if (problem === null) {
      lines.push([name, String(text)]);
      continue;
    }
    complain(problem, name);
    legal = false;
  }
  return legal ? Object.fromEntries(lines) : undefined;
}

function readSections(
  raw: unknown,
  complain: Complain,
): Record<string, Record<string, string>> | undefined {
  if (!isTable(raw)) {
    complain(`should be a table such as { Logon = { Locale = "en" } }, got ${show(raw)}`);
    return undefined;
  }
  const sections: [string, Record<string, string>][] = [];
  let legal = true;
  for (const [name, content] of Object.entries(raw)) {
    const lines = /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)
      ? readProperties(
          content,
          (message, part) => complain(message, part === undefined ? name : `${name}.${part}`),
          ['true', 'false'],
        )
      : complain('should be the name of a section: letters, digits and "_"', name);
    if (lines === undefined) legal = false;
    else sections.push([name, lines]);
  }
  return legal ? Object.fromEntries(sections) : undefined;
}

/** Neither control characters nor half of a surrogate pair; at most 4096 characters. */
function isLine(text: string): boolean {
  return text.length <= 4096 && !/[\p{Cc}\p{Cs}]/u.test(text);
}

function isTable(raw: unknown): raw is object {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}

function choiceProblem(type: ValueType & { kind: 'choice' }, raw: unknown): string {
  const legal = type.values.map(show).join(', ');
  if (typeof raw === 'string') {
    const refused = type.refused;
    if (refused && Object.hasOwn(refused, raw))
      return `should be ${legal}; ${show(raw)} ${refused[raw]}`;
    const near = closest(raw, type.values);
    if (near) return `should be ${legal}, got ${show(raw)}; did you mean ${show(near)}?`;
  }
  return `should be ${legal}, got ${show(raw)}`;
}

function textProblem(format: keyof typeof FORMATS, raw: unknown): string | null {
  if (typeof raw !== 'string') return `should be ${FORMATS[format].should}, got ${show(raw)}`;
  const problem = misfit(format, raw);
  if (problem === null) return null;
  const suggestion = problem.suggestion === null ? '' : `; write ${show(problem.suggestion)}`;
  return `should be ${problem.should}, got ${show(raw)}${suggestion}`;
}

function readList(
  format: keyof typeof FORMATS,
  raw: unknown,
  complain: Complain,
): string[] | undefined {
  if (!Array.isArray(raw)) {
    const one = typeof raw === 'string' ? `; write [${show(raw)}]` : '';
    complain(`should be a list, got ${show(raw)}${one}`);
    return undefined;
  }
  let legal = true;
  for (const [index, item] of raw.entries()) {
    const problem = textProblem(format, item);
    if (problem === null) continue;
    complain(problem, String(index));
    legal = false;
  }
  return legal ? (raw as string[]) : undefined;
}

function readVariables(raw: unknown, complain: Complain): Record<string, string> | undefined {
  if (!isTable(raw)) {
    complain(`should be a table such as { NAME = "value" }, got ${show(raw)}`);
    return undefined;
  }
  let legal = true;
  let bytes = 0;
  const refuse = (name: string, message: string) => {
    complain(message, name);
    legal = false;
  };
  for (const [name, value] of Object.entries(raw)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      refuse(name, 'should be a name of letters, digits and "_" that does not start with a digit');
    } else if (typeof value !== 'string') {
      const quoted = ['number', 'boolean'].includes(typeof value) ? `; write "${value}"` : '';
      refuse(name, `should be text, got ${show(value)}${quoted}`);
    } else if (value.includes('\0')) {
      refuse(name, 'should be text without a NUL character, which no program can be given');
    } else if (/\p{Surrogate}/u.test(value)) {
      refuse(name, 'should be Unicode text, got half of a surrogate pair');
    } else {
      const size = Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
      bytes += size;
      if (size > MAX_VARIABLE_BYTES) refuse(name, `should be at most 32 KiB, got ${kib(size)}`);
    }
  }
  if (bytes > MAX_VARIABLES_BYTES) {
    complain(`should be at most 128 KiB altogether, got ${kib(bytes)}`);
    return undefined;
  }
  // From entries: an assignment to "__proto__" would be lost.
  return legal ? (Object.fromEntries(Object.entries(raw)) as Record<string, string>) : undefined;
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}
