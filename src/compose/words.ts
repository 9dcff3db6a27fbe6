/** Small texts of Compose files and of the images' variables: sizes, times, command lines. */

/** `2g`, `512m`, `1gb`, a number of bytes → MB; null: no size. */
export function megabytes(value: unknown): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmg]?)b?$/i.exec(String(value).trim());
  if (!match) return null;
  const units = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
  const unit = units[(match[2] ?? '').toLowerCase() as keyof typeof units];
  return Math.ceil((Number(match[1]) * unit) / 2 ** 20);
}

/** `1m30s`, `90s`, `90` → seconds; null: no time. */
export function seconds(value: unknown): number | null {
  const match = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s?)?$/.exec(String(value).trim());
  if (!match || match[0] === '') return null;
  const [, hours = 0, minutes = 0, rest = 0] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
}

/** Words of a command line, with the quotes of a shell. */
export function words(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+/g)) {
    found.push(
      match[0].replace(
        /"((?:\\.|[^"\\])*)"|'([^']*)'/g,
        (_all, double?: string, single?: string) =>
          double === undefined ? (single ?? '') : double.replace(/\\(["\\$`])/g, '$1'),
      ),
    );
  }
  return found;
}
