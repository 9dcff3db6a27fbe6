/** Colours of the picture, light and dark, and the legend that explains its lines. */

import { type Element, element, run, textAt, widthOf } from '../ui/svg.ts';
import type { PathState } from './show-paths.ts';
import { arrow } from './show-svg-parts.ts';

const COLOURS = {
  page: ['#ffffff', '#0d1117'],
  area: ['#f6f8fa', '#151b23'],
  lan: ['#eef4fb', '#121d2b'],
  box: ['#ffffff', '#212830'],
  edge: ['#d1d9e0', '#3d444d'],
  rail: ['#818b98', '#656c76'],
  text: ['#1f2328', '#f0f6fc'],
  muted: ['#59636e', '#9198a1'],
  good: ['#1a7f37', '#3fb950'],
  warn: ['#9a6700', '#d29922'],
  bad: ['#cf222e', '#f85149'],
  out: ['#0969da', '#4493f8'],
} as const;
type Colour = keyof typeof COLOURS;

/** Selector, property, colour. */
const PAINT: readonly [string, 'fill' | 'stroke', Colour][] = [
  ['text', 'fill', 'text'],
  ['.page', 'fill', 'page'],
  ['.host', 'fill', 'area'],
  ['.lan', 'fill', 'lan'],
  ['.box', 'fill', 'box'],
  ['.host,.lan,.box', 'stroke', 'edge'],
  ['.rail', 'fill', 'rail'],
  ['.rail.bad', 'fill', 'bad'],
  ['.muted', 'fill', 'muted'],
  ['.good', 'fill', 'good'],
  ['.warn', 'fill', 'warn'],
  ['.bad', 'fill', 'bad'],
  ['.line.open', 'stroke', 'good'],
  ['.line.broken', 'stroke', 'warn'],
  ['.line.closed', 'stroke', 'muted'],
  ['.line.exposed', 'stroke', 'bad'],
  ['.line.out', 'stroke', 'out'],
  ['.head.open', 'fill', 'good'],
  ['.head.broken', 'stroke', 'warn'],
  ['.head.broken', 'fill', 'area'],
  ['.head.exposed', 'fill', 'bad'],
  ['.head.out', 'fill', 'out'],
  ['.gap', 'stroke', 'area'],
  ['.gap.lan', 'stroke', 'lan'],
];

// In a page, the style of a picture is one of the page: fonts are for the elements of SVG alone.
const SHAPE = `
text{font:12px system-ui,-apple-system,Segoe UI,Roboto,DejaVu Sans,sans-serif}
text.mono,tspan.mono{font-family:ui-monospace,SF Mono,Menlo,Consolas,DejaVu Sans Mono,monospace}
tspan.strong{font-weight:600}
text.title{font-size:20px;font-weight:600}
text.name{font-size:14px;font-weight:600}
.line{fill:none;stroke-width:1.5}
.line.broken{stroke-dasharray:8 4}
.line.closed{stroke-dasharray:2 3}
.line.exposed{stroke-width:3}
.head.broken{stroke-width:1.5}
.gap{fill:none;stroke-width:6}
.closed.line.cross{stroke-dasharray:none;stroke-width:2}`;

export function stylesheet(): Element {
  const paint = (index: 0 | 1) =>
    PAINT.map(([where, what, colour]) => `${where}{${what}:${COLOURS[colour][index]}}`).join('\n');
  const dark = `@media (prefers-color-scheme:dark){\n${paint(1)}\n}`;
  return element('style', {}, `${SHAPE}\n${paint(0)}\n${dark}\n`);
}

export type LineState = PathState | 'out';

const LEGEND: readonly [LineState, string][] = [
  ['open', 'may connect'],
  ['closed', 'is dropped'],
  ['broken', 'let in, but leads nowhere'],
  ['exposed', 'open to more than those allowed, or may be'],
  ['out', 'way out'],
];

/**
 * One row: how open and closed look, and whatever else is drawn.
 *
 * @param y of the baseline @returns its elements, and where it ends
 */
export function legend(
  isDrawn: (state: LineState) => boolean,
  x: number,
  y: number,
): { elements: Element[]; right: number } {
  let at = x;
  const shown = LEGEND.filter(([it]) => it === 'open' || it === 'closed' || isDrawn(it));
  const elements = shown.flatMap(([state, words]) => {
    const start = at;
    const line = [run(words, 'muted')];
    at += 52 + widthOf(line) + 20;
    return [
      ...arrow(`M${start},${y - 4}`, start + 44, y - 4, 1, state),
      textAt(start + 52, y, line),
    ];
  });
  return { elements, right: at - 20 };
}
