/** Rows for people (aligned, with a header) or for pipes (tab separated, no header). */

import { stripVTControlCharacters } from 'node:util';

export function table(
  rows: readonly (readonly string[])[],
  { terminal, header }: { terminal: boolean; header?: readonly string[] },
): string {
  if (!terminal) return rows.map((row) => row.join('\t')).join('\n');
  const all = header ? [header, ...rows] : rows;
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return all
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
