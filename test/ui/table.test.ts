/** Rows: aligned for people, tab separated for programs. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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

describe('a terminal that is narrower than the table', () => {
  const rows = [
    ['image.reference', 'ghcr.io/gnzsnz/ib-gateway:stable', '/etc/ibq/instances/4001.toml'],
    ['mode', 'live', ''],
  ];

  test('breaks the longest cells, under their own column', () => {
    expect(table(rows, { terminal: true, columns: 60 }).split('\n')).toEqual([
      'image.reference  ghcr.io/gnzsnz/    /etc/ibq/',
      '                 ib-gateway:stable  instances/',
      '                                    4001.toml',
      'mode             live',
    ]);
  });

  test('never breaks the name of a row', () => {
    const [line = ''] = table([['relogin_after_twofa_timeout', 'a'.repeat(40), 'b'.repeat(40)]], {
      terminal: true,
      columns: 40,
    }).split('\n');
    expect(line).toMatch(/^relogin_after_twofa_timeout {2}a+ {2}b+$/);
  });

  test('has lines that fit, of any text, with nothing left out', () => {
    const cell = fc.string({ unit: fc.constantFrom(...'abc /:.-'), maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'restart_at'), cell, cell), { minLength: 1 }),
        fc.integer({ min: 52, max: 120 }),
        (cells, columns) => {
          const text = table(cells, { terminal: true, columns });
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
          const signs = (it: string) => [...it.replace(/\s/g, '')].sort().join('');
          expect(signs(text)).toBe(signs(cells.flat().join('')));
        },
      ),
    );
  });
});
