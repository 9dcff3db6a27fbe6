/** SVG as data: what is written can be read back, and text is never wider than it was measured. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  element,
  type Line,
  type Look,
  run,
  textAt,
  widthOf,
  wrap,
  writeXml,
} from '../../src/ui/svg.ts';
import { drawnWidth } from '../support/svg-boxes.ts';
import { elementsOf, parseXml, textOf } from '../support/xml.ts';

const looks: (Look | undefined)[] = [undefined, 'strong', 'mono', 'mono strong', 'muted', 'bad'];
const anyLine: fc.Arbitrary<Line> = fc.array(
  fc
    .tuple(fc.string({ maxLength: 40 }), fc.constantFrom(...looks))
    .map(([text, look]) => run(text, look)),
  { minLength: 1, maxLength: 4 },
);

function words(line: Line): string {
  return line.map(({ text }) => text).join('');
}

describe('writing', () => {
  test('an element, its attributes and its text', () => {
    const drawn = element(
      'g',
      {},
      element('rect', { x: 1, width: 10.26 }),
      textAt(2, 3, [run('a')]),
    );
    expect(writeXml(drawn)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<g>\n<rect x="1" width="10.3"/>\n<text x="2" y="3">a</text>\n</g>',
    );
  });

  test('a line with looks, at its end', () => {
    const line = [run('at '), run('127.0.0.1', 'mono')];
    expect(writeXml(textAt(9, 9, line, { anchor: 'end', look: 'name' }))).toContain(
      '<text x="9" y="9" text-anchor="end" class="name">at <tspan class="mono">127.0.0.1</tspan></text>',
    );
  });

  test.each([
    ['markup', `<b a="1">&'</b>`, `<b a="1">&'</b>`],
    ['what XML can’t hold', 'a\u0000b\u001bc\ufffed\ud800e', 'a\ufffdb\ufffdc\ufffdd\ufffde'],
    ['what turns the reading round', '\u202e1004\u2066', '\ufffd1004\ufffd'],
    ['other scripts', 'Größe 大 😀', 'Größe 大 😀'],
  ])('%s', (_what, text, read) => {
    const svg = parseXml(writeXml(element('text', { id: text }, text)));
    expect(textOf(svg)).toBe(read);
    expect(svg.attributes.id).toBe(read);
  });
});

describe('measuring', () => {
  test('no text is drawn wider, in the widest of the fonts', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const text = elementsOf(parseXml(writeXml(textAt(0, 0, line))), 'text')[0];
        expect(text && drawnWidth(text)).toBeLessThanOrEqual(widthOf(line, 1) + 1e-9);
      }),
    );
  });

  test.each([
    ['at blanks', [run('one two three')], 60, ['one two', 'three']],
    [
      'an address stays whole',
      [run('from 10.0.0.100-10.0.0.120', 'mono')],
      170,
      ['from', '10.0.0.100-10.0.0.120'],
    ],
    [
      'a word wider than the line is broken',
      [run('ibq_ibq_ibq', 'mono')],
      40,
      ['ibq_i', 'bq_ib', 'q'],
    ],
    ['nothing', [run('')], 40, []],
  ])('lines: %s', (_what, line, width, expected) => {
    expect(wrap(line, width).map(words)).toEqual(expected);
  });

  test('every line fits, and nothing but blanks is lost', () => {
    fc.assert(
      fc.property(anyLine, fc.integer({ min: 30, max: 300 }), (line, width) => {
        const lines = wrap(line, width);
        for (const it of lines) expect(widthOf(it)).toBeLessThanOrEqual(width);
        expect(lines.map(words).join('').replaceAll(' ', '')).toBe(words(line).replaceAll(' ', ''));
      }),
    );
  });
});
