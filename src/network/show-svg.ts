/**
 * `network show` as a picture: the host with its interfaces, the gateways in it, the LAN beside it,
 * and who may reach what. The model in, the text of an SVG file out.
 */

import { type Element, element, type Line, run, textAt, wrap, writeXml } from '../ui/svg.ts';
import type { NetworkShow } from './show.ts';
import { bandsOf, describePaths, isConnected } from './show-bands.ts';
import { type Drawing, drawBand } from './show-svg-band.ts';
import { type Columns, columnsOf, INSET, MARGIN, parentColumn } from './show-svg-columns.ts';
import { hostLines, idleLines, interfaceLines, routerLines } from './show-svg-lines.ts';
import { arrow, type Box, bottomOf, drawBox, fill, LINE, leastWidth } from './show-svg-parts.ts';
import { legend, stylesheet } from './show-svg-style.ts';

const TITLE = 'Network of the gateways';
const GAP = 16;
/** Upper edge of the host, below the title and the legend. */
const TOP = MARGIN + 86;

/** @param at when it was so, in words */
export function renderSvg(show: NetworkShow, at: string): string {
  const bands = bandsOf(show);
  const columns = columnsOf(
    bands,
    show.host.interfaces.some(({ role }) => role === 'way-out'),
  );
  const drawing: Drawing = { frames: [], wires: [], rails: [], front: [] };

  let y = drawHost(show, columns, drawing) + GAP;
  for (const band of bands) y = drawBand(show, band, columns, y, drawing) + GAP;
  y = drawIdle(show, columns, y, drawing);
  const { x, width } = columns.host;
  const host = element('rect', { class: 'host', x, y: TOP, width, height: y - TOP, rx: 8 });

  const drawn = new Set(drawing.wires.map(({ attributes }) => attributes.class));
  const key = legend((state) => drawn.has(`line ${state}`), MARGIN, MARGIN + 66);
  return page(
    Math.ceil(Math.max(columns.right, key.right + MARGIN)),
    Math.ceil(y + MARGIN),
    [`In force ${at}.`, ...describePaths(show, bands), ...show.problems].join('\n'),
    [
      textAt(MARGIN, MARGIN + 20, [run(TITLE)], { look: 'title' }),
      textAt(MARGIN, MARGIN + 42, [run(`in force ${at}`, 'muted')]),
      ...key.elements,
      host,
      ...drawing.frames,
      ...drawing.wires,
      ...drawing.rails,
      ...drawing.front,
    ],
  );
}

function page(width: number, height: number, told: string, elements: readonly Element[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-labelledby': 'ibq-title ibq-desc',
    // Blanks between two looks of one line are text.
    'xml:space': 'preserve',
  };
  return writeXml(
    element(
      'svg',
      attributes,
      element('title', { id: 'ibq-title' }, TITLE),
      element('desc', { id: 'ibq-desc' }, told),
      stylesheet(),
      element('rect', { class: 'page', width: '100%', height: '100%' }),
      ...elements,
    ),
  );
}

/** Its rules, its way out, and what is wrong with it. @returns the lower edge */
function drawHost(show: NetworkShow, columns: Columns, drawing: Drawing): number {
  const { host, lan } = columns;
  const parent = parentColumn(columns);
  const left = host.x + INSET;
  const y = TOP + 36;
  const box = (x: number, width: number, lines: readonly Line[]): Box => ({
    x,
    y,
    width,
    lines: fill(lines, width),
  });
  const boxes = [box(left, parent.x - 12 - left, hostLines(show))];
  const out = show.host.interfaces.find(({ role }) => role === 'way-out');
  if (out) {
    const router = routerLines(show.host.wayOut?.gateway ?? null, ['way out of the host']);
    boxes.push(box(parent.x, parent.width, interfaceLines(show, out.name, out)));
    boxes.push(box(lan.x, lan.width, router));
    const level = y + LINE;
    const start = `M${parent.x + parent.width},${level}`;
    drawing.wires.push(...arrow(start, lan.x, level, 1, 'out'));
  }
  const below = Math.max(...boxes.map(bottomOf));
  const problems = show.problems.flatMap((text) =>
    wrap([run(`! ${text}`, 'bad')], host.width - 2 * INSET),
  );
  drawing.front.push(
    textAt(left, TOP + 24, [run('This host')], { look: 'name' }),
    ...boxes.map(drawBox),
    ...problems.map((line, index) => textAt(left, below + 6 + (index + 1) * LINE, line)),
  );
  return problems.length > 0 ? below + 6 + problems.length * LINE : below;
}

/** Instances that have no network now, in a grid below the others. @returns the host's lower edge */
function drawIdle(show: NetworkShow, { host }: Columns, top: number, drawing: Drawing): number {
  const idle = show.instances.filter((it) => !isConnected(it));
  if (idle.length === 0 && show.instances.length > 0) return top;
  const heading = idle.length === 0 ? 'Nothing is deployed' : 'Without a network now';
  const left = host.x + INSET;
  drawing.front.push(textAt(left, top + 14, [run(heading)], { look: 'name' }));
  const whole = host.width - 2 * INSET + 12;
  const least = Math.max(230, ...idle.map((it) => leastWidth(idleLines(it))));
  const count = Math.max(1, Math.floor(whole / (least + 12)));
  const width = whole / count - 12;
  let y = top + 26;
  for (let index = 0; index < idle.length; index += count) {
    const row = idle.slice(index, index + count).map((instance, place): Box => {
      const x = left + place * (width + 12);
      return { x, y, width, lines: fill(idleLines(instance), width) };
    });
    drawing.front.push(...row.map(drawBox));
    y = Math.max(...row.map(bottomOf)) + 12;
  }
  return y + 2;
}
