/**
 * An `.env` file as Compose reads it (compose-go e70e961, dotenv/parser.go, and Docker's page on the syntax of environment
 * files): quotes, escapes, variables, comments. Pure. A message never repeats a line, which may hold a password.
 */

import { type Interpolated, interpolate, type Variables } from './interpolate.ts';

export interface EnvFile {
  values: Map<string, string>;
  /** Variables that nothing gives, of which a value is made, by the name of that value. */
  missing: ReadonlyMap<string, readonly string[]>;
}

/** Blanks within a line. */
const BLANK = /[\t\v\f\r \u0085\u00a0]/;
const SPACE = /[\s\u0085]/;
const NAME_SIGN = /[\p{L}\p{N}_.[\]-]/u;

/**
 * @param environment where variables are looked up before the lines above; a name alone takes its value from there
 * @throws Error that names the line
 */
export function readEnvFile(text: string, environment: Variables): EnvFile {
  const values = new Map<string, string>();
  const missing = new Map<string, readonly string[]>();
  const lookUp = (name: string) => environment[name] ?? values.get(name);
  const expand = (name: string, raw: string, line: number): string => {
    const { text: value, missing: unset } = inLine(line, () => interpolate(raw, lookUp));
    if (unset.length > 0) missing.set(name, unset);
    return value;
  };
  const reader = new Reader(text.replace(/^\ufeff/, ''));
  for (;;) {
    reader.skipToStatement();
    if (reader.ended) return { values, missing };
    const { line } = reader;
    const { name, inherited } = reader.readName();
    if (inherited) {
      const value = environment[name];
      if (value !== undefined) values.set(name, value);
      continue;
    }
    const { raw, kind } = reader.readValue();
    if (kind === 'literal') values.set(name, raw);
    else values.set(name, expand(name, kind === 'escaped' ? expandEscapes(raw) : raw, line));
  }
}

function inLine(line: number, read: () => Interpolated): Interpolated {
  try {
    return read();
  } catch (error) {
    // What the braces hold is a value's: only a variable that is demanded is told by its name.
    const told = error instanceof Error && /^variable \w+ should be set/.test(error.message);
    const [, name = ''] = told ? (/^variable (\w+)/.exec(error.message) ?? []) : [];
    throw new Error(
      `line ${line}: ${told ? `variable ${name} should be set` : `should have variables such as \${NAME:-default} after each "$"; a "$" itself is written "$$"`}`,
    );
  }
}

class Reader {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  /** From 1. */
  get line(): number {
    return this.#line;
  }

  /** Past blank lines and comments. */
  skipToStatement(): void {
    for (;;) {
      while (!this.ended && SPACE.test(this.#here)) this.#step();
      if (!this.#text.startsWith('#', this.#at)) return;
      while (!this.ended && !this.#text.startsWith('\n', this.#at)) this.#step();
    }
  }

  /** Up to and past `=` or `:`; a line with neither takes the value from outside. */
  readName(): { name: string; inherited: boolean } {
    const exported = /^export[\t\v\f\r ]+/.exec(this.#text.slice(this.#at, this.#at + 512));
    if (exported) this.#at += exported[0].length;
    const from = this.#at;
    const { line } = this;
    const blanks = () => {
      while (!this.ended && BLANK.test(this.#here)) this.#step();
    };
    for (;;) {
      blanks();
      const sign = this.#here;
      if (sign === '' || sign === '=' || sign === ':' || sign === '\n') break;
      if (!NAME_SIGN.test(sign)) {
        throw new Error(
          `line ${line}: should be NAME=value, with a name of letters, digits, "_", "." and "-"`,
        );
      }
      this.#at += sign.length;
    }
    const name = this.#text.slice(from, this.#at).trimEnd();
    const inherited = this.#here === '\n' || this.ended;
    if (!this.ended) this.#step();
    if (name === '') throw new Error(`line ${line}: should have a name before its "="`);
    if (/\s/.test(name)) throw new Error(`line ${line}: should have no blank in its name`);
    if (!inherited) blanks();
    return { name, inherited };
  }

  /** `literal`: in single quotes; `escaped`: in double ones; both may go over several lines. */
  readValue(): { raw: string; kind: 'plain' | 'literal' | 'escaped' } {
    const quote = this.#here;
    if (quote === "'" || quote === '"') {
      return { raw: this.#readQuoted(quote), kind: quote === "'" ? 'literal' : 'escaped' };
    }
    const end = this.#text.indexOf('\n', this.#at);
    const whole = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 1;
    this.#line += 1;
    // A comment begins behind a blank: a password may have a "#" in it.
    const comment = whole.indexOf(' #');
    return { raw: (comment < 0 ? whole : whole.slice(0, comment)).trimEnd(), kind: 'plain' };
  }

  /** A backslash keeps its sign from ending the text; before anything else it stays for later. */
  #readQuoted(quote: string): string {
    const { line } = this;
    const parts: string[] = [];
    this.#step();
    for (;;) {
      if (this.ended) throw new Error(`line ${line}: should end with ${quote}, as it begins`);
      const sign = this.#here;
      this.#step();
      if (sign === quote) return parts.join('');
      if (sign === '\\' && !this.ended) {
        const next = this.#here;
        this.#step();
        parts.push(next === quote ? next : `\\${next}`);
      } else {
        parts.push(sign);
      }
    }
  }

  /** The sign here; empty at the end. */
  get #here(): string {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  #step(): void {
    const sign = this.#here;
    if (sign === '\n') this.#line += 1;
    this.#at += sign.length;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  c: '\\c',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // Left to the reader of variables, to which it is a dollar.
  $: '$$',
};

/** `\0` and octal digits, three of which Go takes; what is none of these stays as it is. */
function expandEscapes(text: string): string {
  return text.replace(
    /\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g,
    (all, sign?: string, digits?: string) => {
      if (sign !== undefined) return ESCAPES[sign] ?? all;
      const octal = /^[0-7]{3}$/.test(digits ?? '') ? Number.parseInt(digits ?? '', 8) : 256;
      return octal < 256 ? String.fromCharCode(octal) : all;
    },
  );
}
