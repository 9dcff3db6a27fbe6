/** Where a picture's boxes, texts and lines lie, as a viewer with DejaVu fonts draws them. */

import { elementsOf, textOf, type XmlElement } from './xml.ts';

export interface Area {
  what: string;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function rectangles(svg: XmlElement, look: string): Area[] {
  return elementsOf(svg, 'rect')
    .filter(({ attributes }) => attributes.class?.split(' ').includes(look))
    .map(({ attributes: { x, y, width, height } }) => ({
      what: look,
      left: Number(x),
      top: Number(y),
      right: Number(x) + Number(width),
      bottom: Number(y) + Number(height),
    }));
}

/** From the top of its capitals to the end of its descenders. */
export function texts(svg: XmlElement): Area[] {
  return elementsOf(svg, 'text').map((text) => {
    const { x, y, class: look = '', 'text-anchor': anchor } = text.attributes;
    const size = look === 'title' ? 20 : look === 'name' ? 14 : 12;
    const width = drawnWidth(text, look) * size;
    const left = anchor === 'end' ? Number(x) - width : Number(x);
    const area = { left, right: left + width, top: Number(y) - size * 0.76 };
    return { what: textOf(text), ...area, bottom: Number(y) + size * 0.24 };
  });
}

/** Vertical lines of the lanes: `M49,262V461`. */
export function lanes(svg: XmlElement): Area[] {
  return elementsOf(svg, 'path').flatMap(({ attributes }) => {
    const found = /^M([\d.]+),([\d.]+)V([\d.]+)$/.exec(attributes.d ?? '');
    if (!found) return [];
    const [x, top, bottom] = found.slice(1).map(Number) as [number, number, number];
    return [{ what: 'lane', left: x - 1, right: x + 1, top, bottom }];
  });
}

/** All pairs that have a point in common. */
export function overlaps(some: readonly Area[], others: readonly Area[] = some): string[] {
  return some.flatMap((one, index) =>
    (some === others ? some.slice(index + 1) : others)
      .filter((other) => intersect(one, other))
      .map((other) => `${show(one)} and ${show(other)}`),
  );
}

export function contains(outer: Area, inner: Area): boolean {
  return (
    outer.left <= inner.left &&
    inner.right <= outer.right &&
    outer.top <= inner.top &&
    inner.bottom <= outer.bottom
  );
}

function intersect(one: Area, other: Area): boolean {
  return (
    one.left < other.right &&
    other.left < one.right &&
    one.top < other.bottom &&
    other.top < one.bottom
  );
}

function show({ what, left, top, right, bottom }: Area): string {
  return `${what} (${[left, top, right, bottom].map(Math.round).join(' ')})`;
}

/** In ems. */
export function drawnWidth(node: XmlElement, look = ''): number {
  return node.children.reduce((sum, child) => {
    if (typeof child !== 'string') {
      return sum + drawnWidth(child, `${look} ${child.attributes.class ?? ''}`);
    }
    const bold = /strong|title|name/.test(look);
    const font = look.includes('mono') ? 'mono' : bold ? 'bold' : 'sans';
    return sum + [...child].reduce((total, it) => total + advance(it, font), 0);
  }, 0);
}

function advance(character: string, font: 'mono' | keyof typeof ADVANCES): number {
  if (font === 'mono') return character < '\u0080' ? 0.602 : 1.2;
  const known = ADVANCES[font][character.charCodeAt(0) - 32];
  // Wider than any letter of it.
  return known === undefined ? 1.2 : known / 1000;
}

/** Advance widths of the printable ASCII of DejaVu Sans 2.37, in thousandths of an em. */
const ADVANCES = {
  sans: [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
  ],
  bold: [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696,
    696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683,
    683, 821, 837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771,
    724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665,
    343, 1042, 712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838,
  ],
};
