/**
 * The readers that a value passes on its way into a container, written from their sources: Quadlet's
 * word splitter (containers/podman pkg/systemd/parser/split.go) and systemd's specifiers and variables.
 * `test/host/units.test.ts` holds the real ones against the same values.
 */

/** Words of a `words` key; double quotes and the escapes that ibq writes. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const word = /\s*((?:"(?:\\.|[^"\\])*"|\\.|[^\s"\\])+)/gsy;
  for (let found = word.exec(text); found !== null; found = word.exec(text)) {
    const body = (found[1] ?? '').replace(/\\(x[0-9a-f]{2}|.)|"/gs, (all, code?: string) => {
      if (code === undefined) return '';
      const known: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
      if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
      const character = known[code];
      if (character === undefined) throw new Error(`unsupported escape ${all}`);
      return character;
    });
    words.push(body);
  }
  return words;
}

/** What systemd makes of a word of ExecStart=; throws for a specifier or a variable. */
export function expandWord(word: string): string {
  if (/(?<!%)(?:%%)*%(?!%)/.test(word)) throw new Error(`specifier in ${word}`);
  const specified = word.replaceAll('%%', '%');
  if (/(?<!\$)(?:\$\$)*\$(?!\$)/.test(specified)) throw new Error(`variable in ${word}`);
  return specified.replaceAll('$$', '$');
}
