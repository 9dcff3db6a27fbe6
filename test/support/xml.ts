/**
 * A strict reader of the XML that ibq writes: elements, attributes and text. Node has none of its own;
 * test/host/network-svg.test.ts asks a whole one (expat) as well.
 */

export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: (XmlElement | string)[];
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const NAME = '[A-Za-z_][A-Za-z0-9_:.-]*';
/** Production `Char` of XML 1.0, negated. */
const NOT_CHAR = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** @throws where it is not well-formed */
export function parseXml(text: string): XmlElement {
  const bad = NOT_CHAR.exec(text);
  if (bad) throw new Error(`no character of XML: U+${text.codePointAt(bad.index)?.toString(16)}`);
  const source = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const root: XmlElement = { name: '', attributes: {}, children: [] };
  const open = [root];
  const token = new RegExp(`<(/?)(${NAME})((?:\\s+${NAME}="[^"<]*")*)\\s*(/?)>|([^<]+)`, 'y');
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const [, end, name = '', attributes = '', empty, characters] = token.exec(source) ?? [];
    const parent = open.at(-1);
    if (token.lastIndex === 0 || !parent) throw new Error(`not XML: ${source.slice(at, at + 60)}`);
    if (characters !== undefined) parent.children.push(unescapeXml(characters));
    else if (end) {
      if (parent.name !== name) throw new Error(`</${name}> ends <${parent.name}>`);
      open.pop();
    } else {
      const element = { name, attributes: parseAttributes(attributes), children: [] };
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const [element, ...more] = root.children;
  if (open.length > 1 || typeof element !== 'object' || more.join('').trim() !== '') {
    throw new Error(`one whole element, got ${root.children.length}, ${open.length - 1} not ended`);
  }
  return element;
}

/** All elements of this name, in order. */
export function elementsOf(root: XmlElement, name: string): XmlElement[] {
  const below = root.children.flatMap((it) => (typeof it === 'string' ? [] : elementsOf(it, name)));
  return root.name === name ? [root, ...below] : below;
}

export function textOf({ children }: XmlElement): string {
  return children.map((it) => (typeof it === 'string' ? it : textOf(it))).join('');
}

function parseAttributes(text: string): Record<string, string> {
  const pairs = [...text.matchAll(new RegExp(`(${NAME})="([^"]*)"`, 'g'))];
  const attributes = Object.fromEntries(pairs.map(([, k = '', v = '']) => [k, unescapeXml(v)]));
  if (Object.keys(attributes).length !== pairs.length) throw new Error(`twice in: ${text}`);
  return attributes;
}

function unescapeXml(text: string): string {
  return text.replace(/&([^;]*);?/g, (whole, name: string) => {
    const value = ENTITIES[name];
    if (value === undefined) throw new Error(`no entity: ${whole}`);
    return value;
  });
}
