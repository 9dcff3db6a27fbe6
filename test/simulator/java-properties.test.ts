// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of config.ini are the matter here
import { describe, expect, it } from 'vitest';
import { parseProperties } from './java-properties.ts';
import { expand, substitute } from './templates.ts';

describe('parseProperties', () => {
  const rows: [string, Record<string, string>][] = [
    ['a=b', { a: 'b' }],
    ['  a  =  b  ', { a: 'b  ' }],
    ['a:b', { a: 'b' }],
    ['a b', { a: 'b' }],
    ['a', { a: '' }],
    ['a==b', { a: '=b' }],
    ['# c\n! c\n\na=1\r\nb=2', { a: '1', b: '2' }],
    ['a=1\na=2', { a: '2' }],
    ['a=x\\\n   y', { a: 'xy' }],
    ['a=x\\\\\nb=y', { a: 'x\\', b: 'y' }],
    ['a=\\t\\n\\q\\\\', { a: '\t\nq\\' }],
    ['a=\\u00e9', { a: 'é' }],
    ['a\\ b=c', { 'a b': 'c' }],
    ['a=#x', { a: '#x' }],
  ];
  it.each(rows)('%j', (text, expected) => {
    expect(Object.fromEntries(parseProperties(Buffer.from(text)))).toEqual(expected);
  });
});

describe('substitute', () => {
  const rows = [
    ['a=${X}', 'a=1'],
    ['a=$X.', 'a=1.'],
    ['a=${NONE}', 'a='],
    ['${Y}', '${X}'],
    ['$ ${} $1', '$ ${} $1'],
  ] as const;
  it.each(rows)('%j', (template, expected) => {
    expect(substitute(template, { X: '1', Y: '${X}' })).toBe(expected);
  });
});

describe('expand', () => {
  const rows = [
    ['a=${X}', 'a=1', 'a=1'],
    ['a=${X:-2}', 'a=1', 'a=1'],
    ['a=${NONE}', 'a=', 'a='],
    ['a=${NONE:-2 b}', 'a=2 b', 'a=2 b'],
    ['a=${EMPTY:-2}', 'a=2', 'a='],
    ['$X ${} ${Y}', '$X ${} ${X}', '$X ${} ${X}'],
  ] as const;
  it.each(rows)('%j', (template, today, of2025) => {
    const env = { X: '1', Y: '${X}', EMPTY: '' };
    expect(expand(template, env, { emptyCounts: false })).toBe(today);
    expect(expand(template, env, { emptyCounts: true })).toBe(of2025);
  });
});
