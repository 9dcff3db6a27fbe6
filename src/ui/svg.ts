/** SVG as data: elements that are escaped when they are written, and text that is measured to fit. */

type Attributes = Readonly<Record<string, string | number>>;

export interface Element {
  name: string;
  attributes: Attributes;
  /** A string is text. */
  children: readonly (Element | string)[];
}

/** A run of text in one look; the looks are CSS classes. */
export interface Run {
  text: string;
  look?: Look;
}
export type Look =
  | 'strong'
  | 'mono'
  | 'muted'
  | 'mono muted'
  | 'mono strong'
  | 'good'
  | 'warn'
  | 'bad';
export type Line = readonly Run[];

export function run(words: string, look?: Look): Run {
  const text = printable(words).replace(/\s/g, ' ');
  return look ? { text, look } : { text };
}

export function element(
  name: string,
  attributes: Attributes = {},
  ...children: (Element | string)[]
): Element {
  return { name, attributes, children };
}

/** A whole file but its last newline: an XML declaration and the element. */
export function writeXml(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${write(root)}`;
}

function write({ name, attributes, children }: Element): string {
  const written = Object.entries(attributes)
    .map(
      ([key, value]) => ` ${key}="${escapeXml(typeof value === 'number' ? short(value) : value)}"`,
    )
    .join('');
  if (children.length === 0) return `<${name}${written}/>`;
  // Between the runs of a text, a line break would be drawn as a space.
  const breaks = name === 'svg' || name === 'g' ? '\n' : '';
  const inner = children.map((it) => (typeof it === 'string' ? escapeXml(it) : write(it)));
  return `<${name}${written}>${breaks}${inner.join(breaks)}${breaks}</${name}>`;
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** What XML 1.0 can't hold in any form (its production `Char`), lone surrogates too. */
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
/** Turns the order of what follows round: a name could be made to read as another. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function printable(text: string): string {
  return text.replace(NOT_XML, '\ufffd').replace(DIRECTION, '\ufffd');
}

function escapeXml(text: string): string {
  return printable(text).replace(/[&<>"']/g, (it) => ENTITIES[it] ?? it);
}

/** @param anchor which end of it stands at `x`; `y` is the baseline */
export function textAt(
  x: number,
  y: number,
  line: Line,
  { anchor = 'start', look }: { anchor?: 'start' | 'end'; look?: string } = {},
): Element {
  const attributes = {
    x,
    y,
    ...(anchor === 'end' ? { 'text-anchor': 'end' } : {}),
    ...(look ? { class: look } : {}),
  };
  const runs = line.map((it) =>
    it.look ? element('tspan', { class: it.look }, it.text) : it.text,
  );
  return element('text', attributes, ...runs);
}

/**
 * Width in pixels where the font is DejaVu Sans or Verdana, the widest of those that are likely;
 * in any other the text ends earlier.
 */
export function widthOf(line: Line, size = 12): number {
  return line.reduce((sum, { text, look = '' }) => {
    const mono = look.includes('mono');
    const em = [...text].reduce((total, it) => total + (mono ? monoEm(it) : sansEm(it)), 0);
    return sum + em * size * (look.includes('strong') && !mono ? 1.2 : 1);
  }, 0);
}

function monoEm(character: string): number {
  return character < '\u0080' ? 0.605 : 1.21;
}

function sansEm(character: string): number {
  if (/[ ijl.,:;'|!ftIr()[\]/-]/.test(character)) return 0.415;
  if (/[mwMW%@]/.test(character)) return 1;
  if (/[a-z0-9_]/.test(character)) return 0.64;
  return character < '\u0080' ? 0.84 : 1.21;
}

/** Lines no wider than `width`; a word that is wider by itself is broken where it must be. */
export function wrap(line: Line, width: number, size = 12): Line[] {
  const lines: Run[][] = [[]];
  for (const { text, look } of line) {
    for (const word of text.split(/(?<=\s)/)) {
      for (const part of pieces(word, look, width, size)) {
        const last = lines.at(-1) ?? [];
        const fits = widthOf([...last, run(part.trimEnd(), look)], size) <= width;
        if (fits || last.length === 0) last.push(run(part, look));
        else lines.push([run(part, look)]);
      }
    }
  }
  return lines.map(joined).filter((it) => it.length > 0);
}

function pieces(word: string, look: Look | undefined, width: number, size: number): string[] {
  const parts: string[] = [''];
  for (const character of word) {
    const part = `${parts.at(-1)}${character}`;
    const fits = widthOf([run(part.trimEnd(), look)], size) <= width;
    if (parts.at(-1) === '' || fits) parts[parts.length - 1] = part;
    else parts.push(character);
  }
  return parts;
}

/** Neighbours of one look as one run, without blanks at the end. */
function joined(line: readonly Run[]): Line {
  const runs: Run[] = [];
  for (const { text, look } of line) {
    const last = runs.at(-1);
    if (last && last.look === look) last.text += text;
    else runs.push(run(text, look));
  }
  const last = runs.at(-1);
  if (last) last.text = last.text.trimEnd();
  return runs.filter(({ text }) => text !== '');
}
