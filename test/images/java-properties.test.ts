/** Java Properties, as ibq reads a config.ini of the user's. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeProperty } from '../../src/images/ibc.ts';
import { foreignLines, parseProperties } from '../../src/images/java-properties.ts';

test.each<[string, Record<string, string>]>([
  ['a=b\r\n c : d\n', { a: 'b', c: 'd' }],
  ['# a=1\n! b=2\n\n', {}],
  ['a=1\na=2', { a: '2' }],
  ['a=x\\\n   y', { a: 'xy' }],
  ['a=x\\\\\nb=y', { a: 'x\\', b: 'y' }],
  ['a\\ b=\\u00fc\\t', { 'a b': 'ü\t' }],
])('%j', (text, settings) => {
  expect(Object.fromEntries(parseProperties(text))).toEqual(settings);
});

test('what is written for Java is read back', () => {
  const values = fc.string({ unit: 'grapheme', minLength: 1 }).filter((it) => it.trim() === it);
  fc.assert(
    fc.property(values, (value) => {
      expect(parseProperties(`a=${encodeProperty(value)}`).get('a')).toBe(value);
    }),
  );
});

test('lines that Java would read wrong', () => {
  expect(foreignLines('# ü\na=1\nb=ü\r\n ! ü\nc=\\u00fc')).toEqual([3]);
});
