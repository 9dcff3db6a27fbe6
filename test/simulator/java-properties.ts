/**
 * Java's `Properties.load(InputStream)`, by which IBC reads config.ini: bytes are ISO 8859-1, `\` is
 * an escape, blanks before a value are dropped, and a line that ends in `\` goes on in the next.
 */

/** Later keys win. Never throws: a broken `\u` escape, an error in Java, is kept as it stands. */
export function parseProperties(bytes: Uint8Array): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(Buffer.from(bytes).toString('latin1'))) {
    const end = keyEnd(line);
    const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    properties.set(unescapeText(line.slice(0, end)), unescapeText(value));
  }
  return properties;
}

/** Natural lines without comments and blanks, those that go on joined. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open: string | null = null;
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const part = natural.replace(/^[ \t\f]+/, '');
    if (open === null && (part === '' || part.startsWith('#') || part.startsWith('!'))) continue;
    const whole: string = (open ?? '') + part;
    // An odd number of backslashes at the end: the last one escapes the line's end.
    const continues = (/\\*$/.exec(natural)?.[0].length ?? 0) % 2 === 1;
    open = continues ? whole.slice(0, -1) : null;
    if (open === null) lines.push(whole);
  }
  if (open !== null) lines.push(open);
  return lines;
}

function keyEnd(line: string): number {
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') i++;
    else if (/[=: \t\f]/.test(line.charAt(i))) return i;
  }
  return line.length;
}

const NAMED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescapeText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_whole, hex?: string, char?: string) =>
    hex === undefined
      ? (NAMED[char ?? ''] ?? char ?? '')
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
