/** Rows: aligned for people, tab separated for programs. */

import { expect, test } from 'vitest';
import { table } from '../../src/ui/table.ts';

const HEADER = ['NAME', 'STATE'];
const ROWS = [
  ['4001', 'ready'],
  ['research', '-'],
];

test('on a terminal: a header, columns aligned, no blanks at the end', () => {
  expect(table(ROWS, { terminal: true, header: HEADER }).split('\n')).toEqual([
    'NAME      STATE',
    '4001      ready',
    'research  -',
  ]);
});

test('in a pipe: tabs, no header', () => {
  expect(table(ROWS, { terminal: false, header: HEADER })).toBe('4001\tready\nresearch\t-');
});

test('colours take no room', () => {
  const rows = [
    ['\u001b[31mred\u001b[39m', 'a'],
    ['plain', 'b'],
  ];
  expect(table(rows, { terminal: true }).split('\n')).toEqual([
    '\u001b[31mred\u001b[39m    a',
    'plain  b',
  ]);
});

test('rows of different lengths', () => {
  expect(table([['a', 'b', 'c'], ['d']], { terminal: true })).toBe('a  b  c\nd');
});

test('no rows', () => {
  expect(table([], { terminal: false })).toBe('');
});
