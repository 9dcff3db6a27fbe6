/**
 * What a terminal gets to see. Texts are in part other people's: log lines, what an API says of itself, names of
 * containers, files that were imported. None of it may move the cursor, set a title or fill a clipboard.
 */

import { randomInt } from 'node:crypto';
import { styleText } from 'node:util';
import type { Style } from './ui.ts';

/** Longer than any line that ibq means to write for people. */
const LONGEST_LINE = 4096;

/**
 * Escapes everything a terminal could act on or hide: control characters, direction overrides,
 * lone surrogates. A message must not be able to redraw the screen of the one who reads it.
 */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

/** The same for a text of several lines: breaks between lines and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(/(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

/** Nobody reads a line of a megabyte: its end is left out, and that is said. */
export function clipLines(text: string, longest = LONGEST_LINE): string {
  if (text.length <= longest) return text;
  return text
    .split('\n')
    .map((line) =>
      line.length <= longest
        ? line
        : `${line.slice(0, longest)}… (${line.length - longest} more characters)`,
    )
    .join('\n');
}

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

export interface Colours {
  style(style: Style, text: string): string;
  /** Escapes all but the colours that `style` made, and writes those as a terminal wants them. */
  plain(text: string): string;
}

/**
 * Colours that a foreign text cannot have: each code carries a number that is drawn anew for every run, and
 * loses it when it is written.
 */
export function openColours(coloured: boolean): Colours {
  if (!coloured) return { style: (_style, text) => text, plain: printableLines };
  const mark = [1, 2, 3, 4].map(() => String(randomInt(1000, 10_000))).join(';');
  const marked = new RegExp(`\\\\u\\{1b\\}\\[(\\d+);${mark}m`, 'g');
  return {
    style: (style, text) => {
      const [on = '', off = ''] = styleText(style, '\n', { validateStream: false }).split('\n');
      const withMark = (code: string) => code.replace(/m$/, `;${mark}m`);
      return `${withMark(on)}${text}${withMark(off)}`;
    },
    plain: (text) => printableLines(text).replace(marked, '\u001b[$1m'),
  };
}
