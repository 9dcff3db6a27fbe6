/** Reads a Java Properties file (java.util.Properties, load): IBC's config.ini is one. */

/** Later keys win. Never throws: a broken `\u` escape, an error in Java, is kept as it stands. */
export function parseProperties(text: string): Map<string, string> {
  return new Map(
    logicalLines(text).map((line) => {
      const end = keyEnd(line);
      const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
      return [unescapeText(line.slice(0, end)), unescapeText(value)];
    }),
  );
}

/** Numbers of the lines that hold more than ASCII outside of comments: Java reads bytes as ISO 8859-1. */
export function foreignLines(text: string): number[] {
  return text
    .split(/\r\n|\n|\r/)
    .flatMap((line, index) =>
      /^[ \t\f]*[#!]/.test(line) || !/[^\t -~]/.test(line) ? [] : index + 1,
    );
}

function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open: string | null = null;
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const part = natural.replace(/^[ \t\f]+/, '');
    if (open === null && (part === '' || /^[#!]/.test(part))) continue;
    const whole: string = (open ?? '') + part;
    // An odd number of backslashes at the end: the last one escapes the line's end.
    const goesOn = (/\\*$/.exec(part)?.[0].length ?? 0) % 2 === 1;
    open = goesOn ? whole.slice(0, -1) : null;
    if (open === null) lines.push(whole);
  }
  return open === null ? lines : [...lines, open];
}

function keyEnd(line: string): number {
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (/[=: \t\f]/.test(line.charAt(at))) return at;
  }
  return line.length;
}

const NAMED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescapeText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex?: string, other = '') =>
    hex === undefined ? (NAMED[other] ?? other) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
