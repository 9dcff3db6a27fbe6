/** What is known of a configuration key. */

import type { FormatName } from './formats.ts';

export type ValueType =
  /** `refused`: words that a user may well try, with the reason why not. */
  | { kind: 'choice'; values: readonly string[]; refused?: Readonly<Record<string, string>> }
  | { kind: 'boolean' }
  /** `should` continues "should be …"; both ends are legal. */
  | { kind: 'integer'; minimum: number; maximum: number; should: string }
  /** As `integer`, with decimals. */
  | { kind: 'number'; minimum: number; maximum: number; should: string }
  | { kind: 'text'; format: FormatName }
  | { kind: 'list'; format: FormatName }
  /** Environment variables: names to text. */
  | { kind: 'variables' }
  /** Host names to IPv4 addresses. */
  | { kind: 'hosts' }
  /** Lines of a properties file: names to text, numbers or booleans; both of the latter become text. */
  | { kind: 'properties' }
  /** An INI file: names of sections to such lines. */
  | { kind: 'sections' };

/** A value as it comes out of validation. */
export type Value =
  | string
  | number
  | boolean
  | readonly string[]
  | Readonly<Record<string, string>>
  | Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface KeySpec {
  name: string;
  type: ValueType;
  /** Used where nothing is set; `null`: stays unset, and `unset` says what that means. */
  default: Value | null;
  unset?: string;
  /** One or two sentences, with the unit; the reason where the default is a choice. */
  description: string;
  example: Value;
  /** Stands in an instance file only, not in `[defaults]`: two instances can't share it. */
  ownOnly?: true;
}

/** A table of a file, and the keys that may stand in it. */
export interface TableSpec {
  /** `''` is the file's top level; `defaults.vnc` is a table in a table. */
  name: string;
  description: string;
  keys: readonly KeySpec[];
}
