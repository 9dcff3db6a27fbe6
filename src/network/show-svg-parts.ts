/** Parts of the picture: boxes with lines of text, cards, and arrows. */

import { type Element, element, type Line, run, textAt, widthOf, wrap } from '../ui/svg.ts';
import type { Card } from './show-svg-lines.ts';
import type { LineState } from './show-svg-style.ts';

/** Of a line of text. */
export const LINE = 17;
const PADDING = { x: 10, y: 8 };
const CARD = { line: 18, x: 12, y: 21, end: 16 };

/** Its lines fit its width: `fill`. */
export interface Box {
  x: number;
  y: number;
  width: number;
  lines: readonly Line[];
}

/** @param width of the box; what does not fit into a line goes on in the next */
export function fill(lines: readonly Line[], width: number): Line[] {
  return lines.flatMap((line) => wrap(line, width - 2 * PADDING.x));
}

/** The least width of a box in which no word, no address and no name is broken. */
export function leastWidth(lines: readonly Line[]): number {
  const words = lines
    .flat()
    .flatMap(({ text, look }) => text.split(/\s/).map((it) => run(it, look)));
  return Math.ceil(Math.max(0, ...words.map((it) => widthOf([it]))) + 2 * PADDING.x);
}

function heightOf(lines: readonly Line[]): number {
  return lines.length * LINE + 2 * PADDING.y;
}

export function bottomOf({ y, lines }: Box): number {
  return y + heightOf(lines);
}

export function drawBox({ x, y, width, lines }: Box): Element {
  return element(
    'g',
    {},
    element('rect', { class: 'box', x, y, width, height: heightOf(lines), rx: 6 }),
    ...lines.map((line, index) => textAt(x + PADDING.x, y + PADDING.y + 13 + index * LINE, line)),
  );
}

export function cardWidth({ left, right }: Card): number {
  const widths = left.map(
    (line, index) => widthOf(line, index === 0 ? NAME : undefined) + widthOf(right[index] ?? []),
  );
  return Math.ceil(Math.max(...widths) + 2 * CARD.x + 24);
}

/** Size of the name's letters. */
const NAME = 14;

/** @param below the card's last lines, filled to its width */
export function cardHeight({ left, right }: Card, below: readonly Line[]): number {
  return Math.max(left.length, right.length) * CARD.line + below.length * LINE + CARD.end;
}

export function drawCard(
  card: Card,
  below: readonly Line[],
  at: Omit<Box, 'lines'>,
  height: number,
): Element {
  const { x, y, width } = at;
  const level = (index: number) => y + CARD.y + index * CARD.line;
  const belowY = level(Math.max(card.left.length, card.right.length));
  return element(
    'g',
    {},
    element('rect', { class: 'box card', x, y, width, height, rx: 6 }),
    ...card.left.map((line, index) =>
      textAt(x + CARD.x, level(index), line, index === 0 ? { look: 'name' } : {}),
    ),
    ...card.right.map((line, index) =>
      textAt(x + width - CARD.x, level(index), line, { anchor: 'end' }),
    ),
    ...below.map((line, index) => textAt(x + CARD.x, belowY + index * LINE, line)),
  );
}

/**
 * A line with its end: a head, or a cross where nobody gets through.
 *
 * @param start of the path, which goes on level to `x`, `y` @param way 1: to the right, -1: to the left
 */
export function arrow(
  start: string,
  x: number,
  y: number,
  way: 1 | -1,
  state: LineState,
): Element[] {
  const end = state === 'closed' ? x - way * 10 : x;
  const line = element('path', { class: `line ${state}`, d: `${start}H${end}` });
  if (state === 'closed') {
    const cross = `M${x - way * 5 - 4},${y - 4}l8,8m0,-8l-8,8`;
    return [line, element('path', { class: 'line closed cross', d: cross })];
  }
  const half = state === 'exposed' ? 6 : 4;
  const head = `M${x},${y}l${-way * 8},${-half}v${2 * half}z`;
  return [line, element('path', { class: `head ${state}`, d: head })];
}
