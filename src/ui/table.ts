/** Rows for people (aligned, with a header) or for pipes (tab separated, no header). */

import { stripVTControlCharacters } from 'node:util';

export interface TableOptions {
  terminal: boolean;
  /** Of the terminal: a table that is wider breaks its longest cells. Null: not known. */
  columns?: number | null;
  header?: readonly string[];
}

const GAP = 2;
/** A cell that is narrower is harder to read than a line that wraps. */
const NARROWEST = 16;

export function table(
  rows: readonly (readonly string[])[],
  { terminal, columns = null, header }: TableOptions,
): string {
  if (!terminal) return rows.map((row) => row.join('\t')).join('\n');
  const all = header ? [header, ...rows] : rows;
  const most = fitted(widthsOf(all), columns);
  const broken = all.map((row) => row.map((cell, column) => wrapCell(cell, most[column] ?? 0)));
  const widths = widthsOf(broken.flatMap((row) => linesOf(row)));
  return broken.flatMap((row) => linesOf(row).map((line) => aligned(line, widths))).join('\n');
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return widths;
}

/** The widest columns but the first, which names the row, give way, until the table fits or all are as narrow as makes sense. */
function fitted(widths: readonly number[], columns: number | null): number[] {
  const result = [...widths];
  const total = () => result.reduce((sum, it) => sum + it, GAP * (result.length - 1));
  while (columns !== null && total() > columns) {
    const widest = Math.max(0, ...result.slice(1));
    if (widest <= NARROWEST) break;
    const index = result.lastIndexOf(widest);
    const next = Math.max(NARROWEST, ...result.slice(1).filter((it) => it < widest));
    result[index] = Math.max(next, widest - (total() - columns));
  }
  return result;
}

/** The cells of each line of a row: one, or several where a cell was broken. */
function linesOf(row: readonly (readonly string[])[]): string[][] {
  const height = Math.max(1, ...row.map((lines) => lines.length));
  return Array.from({ length: height }, (_, index) => row.map((lines) => lines[index] ?? ''));
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
    .join(' '.repeat(GAP))
    .trimEnd();
}

/** At blanks, or behind the signs that paths and addresses are made of; a styled cell stays whole. */
function wrapCell(cell: string, most: number): string[] {
  if (width(cell) <= most || cell !== stripVTControlCharacters(cell)) return [cell];
  const lines: string[] = [''];
  for (const piece of cell.split(/(?<=[ /:,@])/).flatMap((it) => inPieces(it, most))) {
    const line = lines.at(-1) ?? '';
    if (line === '' || width((line + piece).trimEnd()) <= most)
      lines[lines.length - 1] = line + piece;
    else lines.push(piece);
  }
  return lines.map((line) => line.trimEnd());
}

function inPieces(text: string, most: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += most) pieces.push(text.slice(at, at + most));
  return pieces;
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
