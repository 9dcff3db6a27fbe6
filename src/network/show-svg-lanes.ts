/** Sources of connections as boxes, each with a lane going down, and the arrows from there to cards. */

import { type Element, element, run, textAt } from '../ui/svg.ts';
import type { Path, PathState, Source } from './show-paths.ts';
import { type Column, type Columns, INSET, LANE, RAIL, sideOf } from './show-svg-columns.ts';
import { sourceLines } from './show-svg-lines.ts';
import { arrow, type Box, bottomOf, fill } from './show-svg-parts.ts';

export interface Lane {
  x: number;
  /** Upper end. */
  y: number;
  /** The lane nearest to the cards on this side: arrows cross all up to it. */
  inner: number;
}

/** Radius of the bend from a lane into an arrow. */
const BEND = 8;

/**
 * Boxes in steps, one below the other: each leaves room for the lanes of those above it.
 *
 * @param side of the cards @param innermost lane of another stack between this one and the cards
 */
export function stackOf(
  sources: readonly Source[],
  column: Column,
  top: number,
  side: 'left' | 'right',
  innermost?: number,
): { boxes: Box[]; lanes: [Source, Lane][]; inner: number } {
  const laneX = (index: number) => {
    const from = (index + 0.5) * LANE;
    return side === 'left' ? column.x + from : column.x + column.width - from;
  };
  const inner = innermost ?? laneX(sources.length - 1);
  const boxes: Box[] = [];
  const lanes: [Source, Lane][] = [];
  let y = top;
  for (const [index, source] of sources.entries()) {
    const width = column.width - index * LANE;
    const x = side === 'left' ? column.x + index * LANE : column.x;
    const box = { x, y, width, lines: fill(sourceLines(source), width) };
    boxes.push(box);
    lanes.push([source, { x: laneX(index), y: bottomOf(box), inner }]);
    y = bottomOf(box) + 8;
  }
  return { boxes, lanes, inner };
}

/** @param end where its last arrow leaves it; undefined: it has none */
export function laneLine(
  { x, y }: Lane,
  end: { y: number; state: PathState } | undefined,
): Element[] {
  if (!end) return [];
  return [element('path', { class: `line ${end.state}`, d: `M${x},${y}V${end.y - BEND}` })];
}

/**
 * From the lane to the card, over the lanes that it crosses, with what one connects to above it.
 *
 * @param last the lane ends here
 */
export function tap(
  { state, target, source }: Path,
  { x, inner }: Lane,
  { cards, lan }: Columns,
  y: number,
  last: boolean,
): Element[] {
  const left = sideOf(source) === 'left';
  const way = left ? 1 : -1;
  // Two dashed lines side by side would fill each other's gaps.
  const bends = last || state === 'open' || state === 'exposed';
  const start = bends ? `M${x},${y - BEND}q0,${BEND} ${way * BEND},${BEND}` : `M${x},${y}`;
  const crossed = `M${x + way * BEND},${y}H${inner + way * BEND}`;
  return [
    ...(inner === x ? [] : [element('path', { class: left ? 'gap' : 'gap lan', d: crossed })]),
    ...arrow(start, left ? cards.x : cards.x + cards.width, y, way, state),
    ...(target === ''
      ? []
      : [
          textAt(
            left ? cards.x - RAIL.gap - RAIL.width - 6 : lan.x + INSET,
            y - 5,
            [run(target, 'mono')],
            {
              anchor: left ? 'end' : 'start',
            },
          ),
        ]),
  ];
}
