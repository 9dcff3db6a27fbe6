/** No text of others makes a terminal do anything. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clipLines, openColours, printable, printableLines } from '../../src/ui/foreign-text.ts';

/** Texts in which what a terminal acts on is frequent. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('\u001b[31m', '\u001b]0;x\u0007', '\u009b2J', '\r', '\u202e', '\ud800', '\b'),
      fc.constantFrom(
        '\u001b[39;1234;1234;1234;1234m',
        '\\u{1b}[31m',
        '\n',
        '\t',
        '\u2028',
        '\u0000',
      ),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map((parts) => parts.join(''));
const ACTED_ON = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/u;

describe('whatever the text is', () => {
  test('one line has nothing that a terminal acts on, no break either', () => {
    fc.assert(fc.property(hostile, (text) => !/[\p{C}\p{Zl}\p{Zp}]/u.test(printable(text))));
  });

  test('several lines keep breaks and tabs alone', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = printableLines(text);
        expect(shown).not.toMatch(ACTED_ON);
        expect(shown.split('\n').length).toBe(text.split('\n').length);
      }),
    );
  });

  test('with colours, those of ours are all that is left', () => {
    const { style, plain } = openColours(true);
    fc.assert(
      fc.property(hostile, hostile, (before, within) => {
        const shown = plain(`${before}${style('red', within)}`);
        expect(shown).toBe(
          `${printableLines(before)}\u001b[31m${printableLines(within)}\u001b[39m`,
        );
      }),
    );
  });
});

test('ordinary text is left as it is', () => {
  const text = 'IBKR refused the login: ünïcode, 日本語 ✓ │ → …\n\tindented';
  expect(printableLines(text)).toBe(text);
});

test('without colours a style is nothing', () => {
  const { style, plain } = openColours(false);
  expect(plain(style('red', 'a'))).toBe('a');
});

test.each([
  ['short\nlines', 10, 'short\nlines'],
  ['0123456789abc\nd', 10, '0123456789… (3 more characters)\nd'],
])('%j cut at %i', (text, longest, cut) => expect(clipLines(text, longest)).toBe(cut));
