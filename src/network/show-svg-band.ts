/** One band of the picture: bridge, parent and sources at the head, below them a card an instance. */

import { type Element, element, type Line, run, textAt } from '../ui/svg.ts';
import type { NetworkShow, ShownNetwork } from './show.ts';
import type { Band } from './show-bands.ts';
import type { Path, PathState, Source } from './show-paths.ts';
import {
  type Columns,
  hasBridge,
  hasLan,
  INSET,
  parentColumn,
  RAIL,
  sideOf,
  sourcesOf,
} from './show-svg-columns.ts';
import { type Lane, laneLine, stackOf, tap } from './show-svg-lanes.ts';
import { cardOf, interfaceLines, networkLines, routerLines, shimLines } from './show-svg-lines.ts';
import {
  arrow,
  type Box,
  bottomOf,
  cardHeight,
  drawBox,
  drawCard,
  fill,
  LINE,
} from './show-svg-parts.ts';

/** From the back to the front. */
export interface Drawing {
  frames: Element[];
  wires: Element[];
  rails: Element[];
  front: Element[];
}

const GAP = 12;
/** Arrows of a card: the first below its upper edge, the next below, the last above the lower edge. */
const ARROWS = { first: 24, step: 20, last: 12 };

/** @returns its lower edge */
export function drawBand(
  show: NetworkShow,
  band: Band,
  columns: Columns,
  y: number,
  drawing: Drawing,
): number {
  const interfaces = interfaceBoxes(show, band, columns, y);
  const lan = hasLan(band) ? lanHead(show, band, columns, y, drawing) : y;
  const inLan = { x: columns.lan.x + INSET, width: columns.lan.width - 2 * INSET };
  const onHost = stackOf(sourcesOf(band, 'host'), columns.inside, y, 'left');
  const stacks = [
    stackOf(sourcesOf(band, 'beyond'), columns.beyond, y, 'left', onHost.inner),
    onHost,
    stackOf(sourcesOf(band, 'lan'), inLan, lan, 'right'),
  ];
  const boxes = [...Object.values(interfaces), ...stacks.flatMap((it) => it.boxes)];
  drawing.front.push(...boxes.filter((it) => it !== null).map(drawBox));
  const below = Math.max(lan, ...boxes.map((it) => (it ? bottomOf(it) + GAP : 0)));
  const lanes = new Map(stacks.flatMap((it) => it.lanes));
  const lower = drawRows(band, columns, below, lanes, drawing);
  drawing.rails.push(...rails(band, columns, interfaces, lower));
  if (!hasLan(band)) return lower;
  const { x, width } = columns.lan;
  const frame = { class: 'lan', x, y, width, height: lower + INSET - y, rx: 8 };
  drawing.frames.push(element('rect', frame));
  return lower + INSET;
}

interface Interfaces {
  bridge: Box | null;
  parent: Box | null;
}

/** Bridge and parent stand over the cards, each over its rail. */
function interfaceBoxes(show: NetworkShow, band: Band, columns: Columns, y: number): Interfaces {
  const parent = parentColumn(columns);
  const bridgeX = columns.cards.x - RAIL.gap - RAIL.width;
  const box = (network: ShownNetwork | null, x: number, width: number): Box => {
    const link = show.host.interfaces.find(({ name }) => name === network?.interface) ?? null;
    const lines: Line[] = network
      ? [
          ...interfaceLines(show, network.interface, link),
          ...networkLines(network),
          ...shimLines(show, network),
        ]
      : [[run('Podman does not say which network', 'warn')]];
    return { x, y, width, lines: fill(lines, width) };
  };
  return {
    bridge: hasBridge(band) ? box(band.bridge, bridgeX, parent.x - 12 - bridgeX) : null,
    parent: hasLan(band) ? box(band.lan, parent.x, parent.width) : null,
  };
}

/** Subnet and router. @returns where the sources may begin */
function lanHead(
  { host }: NetworkShow,
  { lan, rows }: Band,
  columns: Columns,
  y: number,
  drawing: Drawing,
): number {
  const x = columns.lan.x + INSET;
  const title = [run('LAN ', 'strong'), run(lan?.subnet ?? '', 'mono')];
  drawing.front.push(textAt(x, y + INSET + 10, title));
  const top = y + INSET + 20;
  if (!lan?.gateway) return top;
  const words = [
    ...(host.wayOut?.interface === lan.interface ? ['way out of the host'] : []),
    ...(rows.some(({ instance }) => instance.wayOut?.gateway === lan.gateway)
      ? ['way out of the gateways']
      : []),
  ];
  const width = columns.lan.width - 2 * INSET;
  const lines = fill(routerLines(lan.gateway, words), width);
  const box = { x, y: top, width, lines };
  drawing.front.push(drawBox(box));
  if (words.length > 0) {
    const parent = parentColumn(columns);
    const start = `M${parent.x + parent.width},${top + LINE}`;
    drawing.wires.push(...arrow(start, x, top + LINE, 1, 'out'));
  }
  return bottomOf(box) + GAP;
}

/** Cards with their arrows. @returns the lower edge of the last */
function drawRows(
  { rows, sources }: Band,
  columns: Columns,
  top: number,
  lanes: ReadonlyMap<Source, Lane>,
  drawing: Drawing,
): number {
  const ends = new Map<Source, { y: number; state: PathState }>();
  const taps: Element[] = [];
  let y = top;
  for (const [row, { instance, paths }] of rows.entries()) {
    const card = cardOf(instance);
    const { x, width } = columns.cards;
    const below = fill(card.below, width);
    const height = Math.max(cardHeight(card, below), arrowsHeight(paths));
    drawing.front.push(drawCard(card, below, { x, y, width }, height));
    const places = { left: 0, right: 0 };
    for (const [index, path] of paths.entries()) {
      const source = sources[index] ?? path.source;
      const lane = lanes.get(source);
      const side = sideOf(source);
      const level = y + ARROWS.first + places[side]++ * ARROWS.step;
      if (!lane) continue;
      taps.push(...tap(path, lane, columns, level, row === rows.length - 1));
      ends.set(source, { y: level, state: moreOpen(ends.get(source)?.state, path.state) });
    }
    y += height + GAP;
  }
  // Lanes lie below the arrows that cross them.
  drawing.wires.push(...[...lanes].flatMap(([it, lane]) => laneLine(lane, ends.get(it))), ...taps);
  return y - GAP;
}

function arrowsHeight(paths: readonly Path[]): number {
  const onSide = (side: string) => paths.filter(({ source }) => sideOf(source) === side).length;
  const count = Math.max(onSide('left'), onSide('right'));
  return ARROWS.first + (count - 1) * ARROWS.step + ARROWS.last;
}

const OPENNESS: readonly PathState[] = ['closed', 'broken', 'open', 'exposed'];

/** A lane looks as the most open of its arrows. */
function moreOpen(one: PathState | undefined, other: PathState): PathState {
  return one && OPENNESS.indexOf(one) > OPENNESS.indexOf(other) ? one : other;
}

/** The bars by which cards hang on bridge and parent. */
function rails(
  band: Band,
  { cards }: Columns,
  { bridge, parent }: Interfaces,
  lower: number,
): Element[] {
  if (band.rows.length === 0) return [];
  const rail = (box: Box | null, x: number, network: ShownNetwork | null) => {
    if (!box) return [];
    const bad = network !== null && network.interfaceState !== 'up';
    const y = bottomOf(box);
    const bar = { x, y, width: RAIL.width, height: lower - y, rx: 2 };
    return [element('rect', { class: `rail${bad ? ' bad' : ''}`, ...bar })];
  };
  return [
    ...rail(bridge, cards.x - RAIL.gap - RAIL.width, band.bridge),
    ...rail(parent, cards.x + cards.width + RAIL.gap, band.lan),
  ];
}
