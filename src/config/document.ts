/** The text of one file → a TOML table, or a problem with its line. */

import { parse, TomlError } from 'smol-toml';
import type { Problem } from '../errors.ts';
import { printable } from '../ui/foreign-text.ts';
import type { Report } from './report.ts';
import { explainSyntax } from './syntax.ts';

/** A file somebody wrote by hand is a few kilobytes; more is a mistake, and parsing it takes time. */
const MAX_BYTES = 1024 * 1024;
/** No key lies deeper than three tables; the parser recurses. */
const MAX_DEPTH = 16;

export interface Source {
  /** Absolute path, for messages. */
  path: string;
  text: string;
}

/** `null` after a problem was reported. Never throws for any text. */
export function parseDocument({ path, text }: Source, report: Report): object | null {
  const refuse = (message: string, line?: number) => {
    report.problem({ file: path, ...(line === undefined ? {} : { line }), message });
    return null;
  };
  // Length in UTF-16 units is never more than the bytes of the file.
  if (text.length > MAX_BYTES) return refuse(`should be at most 1 MiB, got ${megabytes(text)} MiB`);
  const nul = text.indexOf('\0');
  if (nul >= 0) return refuse('should be text, got a NUL character', lineAt(text, nul));
  // What is not UTF-8 was read as this character, and would silently be another value.
  const broken = text.indexOf('\ufffd');
  if (broken >= 0) return refuse('should be UTF-8, got other bytes', lineAt(text, broken));
  try {
    return parse(text, { maxDepth: MAX_DEPTH });
  } catch (error) {
    if (error instanceof TomlError) {
      report.problem(syntaxProblem({ path, text }, error));
      return null;
    }
    // Nothing else is known to come out of the parser, but no text may end in a stack trace.
    return refuse(`should be TOML, got text that cannot be parsed (${printable(String(error))})`);
  }
}

/** What the parser found, in our words, with the line and a caret. */
export function syntaxProblem({ path, text }: Source, error: TomlError): Problem {
  const { line, column } = error;
  const [first = ''] = error.message.split('\n');
  const reason = first.replace(/^Invalid TOML document: /, '');
  const { message, excerpt } = explainSyntax(text, { line, column, reason });
  return { file: path, line, message: `should be TOML: ${message}`, excerpt };
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function megabytes(text: string): string {
  return (text.length / MAX_BYTES).toFixed(1);
}
