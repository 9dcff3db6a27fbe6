/**
 * Unit files as a list of lines that writes back, byte for byte, what it read: comments, order,
 * blank lines, CRLF, repeated sections, a missing last newline. Functions return a new unit.
 */

/**
 * Who reads the file: a value continued with `\` is joined by systemd with one blank, by Quadlet with
 * nothing (containers/podman pkg/systemd/parser/unitfile.go), and each ends it by other rules.
 */
export type Dialect = 'systemd' | 'quadlet';

type UnitLine =
  | { readonly kind: 'blank' | 'comment' | 'unknown'; readonly text: string }
  | { readonly kind: 'section'; readonly text: string; readonly name: string }
  | {
      readonly kind: 'entry';
      /** All physical lines of the entry, line ends included. */
      readonly text: string;
      readonly section: string;
      readonly key: string;
      /** Continuations joined, blanks at both ends removed. */
      readonly value: string;
    };

export interface UnitFile {
  readonly lines: readonly UnitLine[];
}

/** Never throws: what is no section, comment or assignment becomes an `unknown` line. */
export function parseUnit(text: string, dialect: Dialect = 'quadlet'): UnitFile {
  const physical = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const lines: UnitLine[] = [];
  let section = '';
  for (let at = 0; at < physical.length; ) {
    const { raw, logical, next } = takeLogicalLine(physical, at, dialect);
    at = next;
    const line = classify(raw, logical, section);
    if (line.kind === 'section') section = line.name;
    lines.push(line);
  }
  return { lines };
}

export function formatUnit(unit: UnitFile): string {
  return unit.lines.map((line) => line.text).join('');
}

/** Values of a list key in order; an empty assignment resets it, as systemd and Quadlet do. */
export function getAll(unit: UnitFile, section: string, key: string): string[] {
  let values: string[] = [];
  for (const line of unit.lines) {
    if (!isEntry(line, section, key)) continue;
    values = line.value === '' ? [] : [...values, line.value];
  }
  return values;
}

/** Last value of a key, `undefined` where it is not set. */
export function get(unit: UnitFile, section: string, key: string): string | undefined {
  return getAll(unit, section, key).at(-1);
}

/** Every assignment in order, without comments and layout: two units that do the same have the same. */
export function assignments(unit: UnitFile): string[][] {
  return unit.lines.flatMap((line) =>
    line.kind === 'entry' ? [[line.section, line.key, line.value]] : [],
  );
}

/**
 * Replaces the last assignment of a key in its place, or adds it. `value` is written as it is: escape it
 * before (`escape.ts`).
 */
export function setValue(unit: UnitFile, section: string, key: string, value: string): UnitFile {
  const at = unit.lines.findLastIndex((line) => isEntry(line, section, key));
  const old = unit.lines[at];
  if (old === undefined) return addValue(unit, section, key, value);
  return { lines: unit.lines.with(at, makeEntry(section, key, value, lineEnd(old.text))) };
}

/**
 * Adds an assignment after the last one of its key, else at the end of its section; a missing
 * section is added at the end.
 */
export function addValue(unit: UnitFile, section: string, key: string, value: string): UnitFile {
  const sameKey = unit.lines.findLastIndex((line) => isEntry(line, section, key));
  const inSection =
    sameKey >= 0
      ? sameKey
      : unit.lines.findLastIndex(
          (line) =>
            (line.kind === 'entry' && line.section === section) ||
            (line.kind === 'section' && line.name === section),
        );
  const end = lineEnd(unit.lines[0]?.text ?? '\n') || '\n';
  const lines = unit.lines.map((line, at) =>
    (inSection < 0 ? at === unit.lines.length - 1 : at === inSection) && lineEnd(line.text) === ''
      ? { ...line, text: line.text + end }
      : line,
  );
  const entry = makeEntry(section, key, value, end);
  if (inSection >= 0) return { lines: lines.toSpliced(inSection + 1, 0, entry) };
  const gap: UnitLine[] = lines.length > 0 ? [{ kind: 'blank', text: end }] : [];
  const header: UnitLine = { kind: 'section', text: `[${section}]${end}`, name: section };
  return { lines: [...lines, ...gap, header, entry] };
}

/** Removes every assignment of a key; comments stay. */
export function removeKey(unit: UnitFile, section: string, key: string): UnitFile {
  return { lines: unit.lines.filter((line) => !isEntry(line, section, key)) };
}

function isEntry(
  line: UnitLine,
  section: string,
  key: string,
): line is Extract<UnitLine, { kind: 'entry' }> {
  return line.kind === 'entry' && line.section === section && line.key === key;
}

function makeEntry(section: string, key: string, value: string, end: string): UnitLine {
  if (/[\n\r]/.test(key + value)) throw new Error(`a line break in the value of ${key}`);
  return { kind: 'entry', text: `${key}=${value}${end}`, section, key, value: value.trim() };
}

function lineEnd(text: string): string {
  return /\r?\n$/.exec(text)?.[0] ?? '';
}

const comment = /^[#;]/;

/** One line, or several joined by `\` at the end; comments between the parts belong to it and are dropped. */
function takeLogicalLine(physical: readonly string[], start: number, dialect: Dialect) {
  let raw = '';
  let logical = '';
  let at = start;
  for (; at < physical.length; at++) {
    const text = physical[at] ?? '';
    // Quadlet trims each physical line; systemd keeps blanks after a `\`, which is then no continuation.
    const line = dialect === 'quadlet' ? text.trim() : text.replace(/\r?\n$/, '').trimStart();
    const inside = at > start;
    const skipped = comment.test(line) || (dialect === 'quadlet' && line === '');
    if (skipped && !inside) return { raw: text, logical: line, next: at + 1 };
    raw += text;
    if (skipped) continue;
    if (!isContinued(line, dialect) || at === physical.length - 1) {
      return { raw, logical: (logical + line).trim(), next: at + 1 };
    }
    logical += line.slice(0, -1) + (dialect === 'systemd' ? ' ' : '');
  }
  return { raw, logical, next: at };
}

/** systemd minds a doubled backslash at the end of a line, Quadlet doesn't. */
function isContinued(line: string, dialect: Dialect): boolean {
  const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
  return dialect === 'systemd' ? backslashes % 2 === 1 : backslashes > 0;
}

function classify(text: string, logical: string, section: string): UnitLine {
  if (logical === '') return { kind: 'blank', text };
  if (comment.test(logical)) return { kind: 'comment', text };
  const name = /^\[([^\]]+)\]\s*$/.exec(logical)?.[1];
  if (name !== undefined) return { kind: 'section', text, name };
  const equals = logical.indexOf('=');
  if (equals <= 0 || section === '') return { kind: 'unknown', text };
  const key = logical.slice(0, equals).trim();
  return { kind: 'entry', text, section, key, value: logical.slice(equals + 1).trim() };
}
