/** Where the columns of the picture stand, and how wide they are for what is in them. */

import { run, widthOf } from '../ui/svg.ts';
import type { Band } from './show-bands.ts';
import type { Source } from './show-paths.ts';
import { cardOf, sourceLines } from './show-svg-lines.ts';
import { cardWidth, leastWidth } from './show-svg-parts.ts';

/** From one lane to the next. */
export const LANE = 22;
/** Between frames and the edge of the page, and from a frame to what is in it. */
export const MARGIN = 24;
export const INSET = 14;
/** The bar by which cards hang on an interface. */
export const RAIL = { gap: 12, width: 6 };
const SIDE_LEAST = 190;
const CARD_LEAST = 440;

export interface Column {
  x: number;
  width: number;
}

export interface Columns {
  /** Sources elsewhere that come to an address of the host; width 0: none. */
  beyond: Column;
  host: Column;
  /** In the host: sources on it, and their arrows. */
  inside: Column;
  /** In the host, beside it. */
  cards: Column;
  /** The LAN, and the router of the way out. */
  lan: Column;
  /** Right edge of the page. */
  right: number;
}

/** @param router one stands beside the host, LAN or not */
export function columnsOf(bands: readonly Band[], router: boolean): Columns {
  const widest = (width: (band: Band) => number) => Math.max(0, ...bands.map(width));
  const stack = (where: Source['where']) => widest((it) => stackWidth(sourcesOf(it, where)));
  const lanes = (where: Source['where']) => widest((it) => sourcesOf(it, where).length * LANE);
  const rail = RAIL.gap + RAIL.width;
  const lefts = bands.some((it) => hasBridge(it) || sourcesOf(it, 'host').length > 0);
  const lans = bands.some(hasLan);

  const beyond = { x: MARGIN, width: stack('beyond') };
  const hostX = beyond.width > 0 ? MARGIN + beyond.width + MARGIN : MARGIN;
  const inside = {
    x: hostX + INSET,
    width: lefts
      ? Math.max(stack('host'), lanes('host') + widest((it) => targetWidth(it, 'left')) + 24)
      : 0,
  };
  const cards = {
    x: inside.x + inside.width + (lefts ? 8 + rail : 0),
    width: Math.max(CARD_LEAST, widest(widestCard)),
  };
  const hostEnd = cards.x + cards.width + (lans ? rail : 0) + INSET;
  const lanContent = Math.max(
    stack('lan'),
    lanes('lan') + widest((it) => targetWidth(it, 'right')) + 24,
    SIDE_LEAST,
  );
  const lan = {
    x: hostEnd + MARGIN,
    width: lans ? lanContent + 2 * INSET : router ? SIDE_LEAST : 0,
  };
  return {
    beyond,
    host: { x: hostX, width: hostEnd - hostX },
    inside,
    cards,
    lan,
    right: (lan.width > 0 ? lan.x + lan.width : hostEnd) + MARGIN,
  };
}

/** Over the right half of the cards, where the parent of the LAN stands. */
export function parentColumn({ cards, host }: Columns): Column {
  const x = cards.x + cards.width / 2 + 6;
  return { x, width: host.x + host.width - INSET - x };
}

export function sourcesOf({ sources }: Band, where: Source['where']): Source[] {
  return sources.filter((it) => it.where === where);
}

export function hasBridge({ bridge, rows }: Band): boolean {
  return bridge !== null || rows.some(({ instance }) => instance.bridge !== null);
}

export function hasLan({ lan, rows }: Band): boolean {
  return lan !== null || rows.some(({ instance }) => instance.lan !== null);
}

/** On which side of the cards it stands. */
export function sideOf({ where }: Source): 'left' | 'right' {
  return where === 'lan' ? 'right' : 'left';
}

/** Boxes stand in steps, so that the lane of each has room beside those below it. */
function stackWidth(sources: readonly Source[]): number {
  const widths = sources.map(
    (it, index) => Math.max(SIDE_LEAST, leastWidth(sourceLines(it))) + index * LANE,
  );
  return Math.max(0, ...widths);
}

function targetWidth({ rows }: Band, side: 'left' | 'right'): number {
  const targets = rows.flatMap(({ paths }) =>
    paths.filter(({ source }) => sideOf(source) === side).map(({ target }) => target),
  );
  return Math.max(0, ...targets.map((it) => widthOf([run(it, 'mono')])));
}

function widestCard({ rows }: Band): number {
  return Math.max(0, ...rows.map(({ instance }) => cardWidth(cardOf(instance))));
}
