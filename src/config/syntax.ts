/** What is wrong with a text that is no TOML, in words of those who wrote it: the line, the place, the fix. */

import { printable } from '../ui/foreign-text.ts';
import { isSecretName, looksSecret } from './secret-like.ts';
import { show } from './text.ts';

/** Where the parser stopped, both counted from 1. */
interface Stop {
  line: number;
  column: number;
  /** The parser's own words. */
  reason: string;
}

/** Longer lines are shown around the place. */
const WIDTH = 72;

/** @returns the fix, and the line with a caret below it (empty where the line may hold a secret) */
export function explainSyntax(text: string, stop: Stop): { message: string; excerpt: string[] } {
  const lines = text.split(/\r?\n/);
  const line = lines[stop.line - 1] ?? '';
  const plain = `${printable(stop.reason)} (column ${stop.column})`;
  if (mayHoldSecret(line)) return { message: plain, excerpt: [] };
  return {
    message: fixOf(lines, line, stop) ?? plain,
    excerpt: line.trim() === '' ? [] : excerptOf(line, stop),
  };
}

/** None belongs into a file; but where one stands in it, it should not get into a log as well. */
function mayHoldSecret(line: string): boolean {
  const start = line.slice(0, 2000);
  const names = [...start.matchAll(/([A-Za-z0-9_.-]{1,80})["']?\s*[=:]/g)].map(([, name]) => name);
  return names.some((name) => name && isSecretName(name)) || looksSecret('', start);
}

function excerptOf(line: string, { line: number, column }: Stop): string[] {
  const start = Math.max(0, Math.min(column - WIDTH / 2, line.length - WIDTH));
  const shown = printable(line.slice(start, start + WIDTH).replaceAll('\t', ' '));
  const before = printable(line.slice(start, column - 1).replaceAll('\t', ' '));
  const gutter = `  ${number} | `;
  return [gutter + shown, `${' '.repeat(gutter.length - 2)}| ${' '.repeat(before.length)}^`];
}

/** `null` where the parser's own words are the best there is. */
function fixOf(lines: readonly string[], line: string, stop: Stop): string | null {
  if (/redefine/.test(stop.reason)) return alreadyAt(lines, line, stop.line);
  if (/^\s*\[/.test(line)) return headerFix(line);
  const at = line.indexOf('=');
  // An item of a list that goes over several lines.
  if (at < 0 && openBefore(lines, stop.line))
    return structureFix(line, stop) ?? itemFix(line, stop);
  if (at < 0 && line.trim() === '') return unclosed(lines, stop.line);
  if (at < 0) return assignmentFix(line);
  const key = line.slice(0, at).trim();
  if (key === '') return 'a key should stand before the "="';
  if (stop.column <= at + 1) {
    const open = openBefore(lines, stop.line) ? unclosed(lines, stop.line) : null;
    if (open !== null) return open;
    return `a key is of letters, digits, "_" and "-", got ${show(key)}`;
  }
  return valueFix(key, withoutComment(line.slice(at + 1)), line, stop);
}

function alreadyAt(lines: readonly string[], line: string, number: number): string | null {
  const header = headerOf(line);
  if (header !== null) {
    const first = lines.findIndex((other) => headerOf(other) === header);
    return first < 0 || first >= number - 1
      ? null
      : `[${printable(header)}] is already at line ${first + 1}; put its keys there`;
  }
  const key = keyOf(line);
  for (let index = number - 2; index >= 0; index--) {
    const other = lines[index] ?? '';
    if (headerOf(other) !== null) break;
    if (key !== '' && keyOf(other) === key)
      return `${printable(key)} is already at line ${index + 1}`;
  }
  return null;
}

function headerOf(line: string): string | null {
  const name = /^\s*\[\s*([^[\]#"']{1,80}?)\s*\]\s*(?:#.*)?$/.exec(line)?.[1];
  return name?.replace(/\s*\.\s*/g, '.') ?? null;
}

function keyOf(line: string): string {
  return /^\s*([A-Za-z0-9_.-]{1,80})\s*[=:]/.exec(line)?.[1] ?? '';
}

function headerFix(line: string): string | null {
  const name = /^\s*\[\s*([A-Za-z0-9_.-]{1,60})\s*(?:#.*)?$/.exec(line)?.[1];
  return name === undefined ? null : `the "]" is missing: write [${name}]`;
}

/** The text has ended within a list or a table. */
function unclosed(lines: readonly string[], number: number): string | null {
  for (let index = number - 2; index >= 0; index--) {
    const [, value] = /=\s*(.*)$/.exec(withoutComment(lines[index] ?? '')) ?? [];
    if (value === undefined) continue;
    if (value.startsWith('['))
      return `the closing "]" is missing, of the list at line ${index + 1}`;
    return value.startsWith('{') ? `the closing "}" is missing at line ${index + 1}` : null;
  }
  return null;
}

/** A line without "=". */
function assignmentFix(line: string): string {
  const [, key, value] = /^\s*([A-Za-z0-9_.-]{1,60})\s*:\s*(.*)$/.exec(line) ?? [];
  if (key === undefined || value === undefined) return 'a line should be KEY = VALUE';
  const quoted = /^(?:["'[{]|-?\d+$|true$|false$)/.test(value) ? printable(value) : show(value);
  return `a key and its value have "=" between them: write ${key} = ${quoted}`;
}

function valueFix(key: string, value: string, line: string, stop: Stop): string | null {
  if (/unfinished string/.test(stop.reason)) return 'the closing quote is missing';
  if (value === '') return 'a value is missing after the "="';
  if (/escape/.test(stop.reason)) {
    return `a backslash in "…" is written twice, or stands in '…' as it is`;
  }
  const structure = structureFix(line, stop);
  if (structure !== null) return structure;
  if (/^[[{]/.test(value)) return itemFix(line, stop);
  if (/^["']/.test(value)) return quoteFix(key, value);
  return bareFix(`${printable(key)} = `, value);
}

/** A text that is not closed, or is followed by something. */
function quoteFix(key: string, value: string): string {
  const quote = value.charAt(0);
  const end = value.indexOf(quote, 1);
  if (end < 0)
    return `the closing quote is missing: write ${printable(key)} = ${printable(value)}${quote}`;
  const rest = value.slice(end + 1).trim();
  if (rest === ',')
    return `no comma belongs here: write ${printable(key)} = ${printable(value.slice(0, end + 1))}`;
  return /=/.test(rest)
    ? 'each KEY = VALUE should have a line of its own'
    : 'nothing may follow the closing quote of a text';
}

function structureFix(line: string, { column, reason }: Stop): string | null {
  if (!/expected comma/.test(reason)) return null;
  const rest = withoutComment(line.slice(column - 1));
  if (rest !== '') return 'a comma is missing between two values';
  return line.lastIndexOf('{') > line.lastIndexOf('[')
    ? 'the closing "}" is missing'
    : 'the closing "]" is missing';
}

function itemFix(line: string, { column }: Stop): string | null {
  const start =
    Math.max(...['[', ',', '{', '='].map((sign) => line.lastIndexOf(sign, column - 2))) + 1;
  const item = /^[^,\]}#]*/.exec(line.slice(start))?.[0].trim() ?? '';
  if (item === '' || /^["']/.test(item)) return null;
  // Behind the comma of a table, a name should have a value.
  const inTable = line.lastIndexOf('{', start) > line.lastIndexOf('[', start);
  if (inTable && /[{,]/.test(line.charAt(start - 1)))
    return `${printable(item)} should have a value: NAME = "value"`;
  return bareFix('', item);
}

/** A value without quotes that is neither a number, nor true or false. */
function bareFix(before: string, value: string): string {
  const [, curly] = /^[“”„‘’«](.*)[“”‘’»]$/.exec(value) ?? [];
  if (curly !== undefined) return `quotes should be straight: write ${before}${show(curly)}`;
  if (/^(?:true|yes|on)$/i.test(value)) return `write ${before}true`;
  if (/^(?:false|no|off)$/i.test(value)) return `write ${before}false`;
  if (/^0\d+$/.test(value))
    return `a number has no zeros before it: write ${before}${Number(value)}`;
  if (/^\d+,$/.test(value)) return `no comma belongs here: write ${before}${value.slice(0, -1)}`;
  const [, amount] = /^(\d{1,9})\s?[A-Za-z]{1,3}$/.exec(value) ?? [];
  if (amount !== undefined) {
    return `a number has no unit, a text needs quotes: write ${before}${amount}, or ${before}${show(value)}`;
  }
  return `text needs quotes: write ${before}${show(value)}`;
}

/** Whether a list or table of an earlier line is still open; a guess that only words depend on. */
function openBefore(lines: readonly string[], number: number): boolean {
  for (let index = number - 2; index >= 0; index--) {
    const line = withoutComment(lines[index] ?? '');
    if (/[[{,]$/.test(line) && headerOf(line) === null) return true;
    if (line.includes('=')) return /=\s*\[[^\]]*$/.test(line);
    if (headerOf(line) !== null) return false;
  }
  return false;
}

/** Quotes are not looked at: a "#" in a text is rare, and the excerpt shows the whole line. */
function withoutComment(text: string): string {
  return text.replace(/(?:^|\s)#.*$/, '').trim();
}
