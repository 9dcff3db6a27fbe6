/** What `ibq doctor` prints for people. Pure: styling is handed in. */

import type { Style } from '../ui/ui.ts';
import { type CheckResult, NOT_ASKED, type Result } from './check.ts';
import { count } from './checks.ts';

const SIGN: Record<Result, string> = { ok: '✓', warn: '!', fail: '✗', skipped: '-' };
const COLOUR: Record<Result, Style> = { ok: 'green', warn: 'yellow', fail: 'red', skipped: 'dim' };

/**
 * One line a check; below a problem its id, by which docs/doctor.md knows it, and what mends it. Those that
 * were not asked at all are one line.
 */
export function renderChecks(
  results: readonly CheckResult[],
  style: (style: Style, text: string) => string,
): string {
  const unasked = results.filter(({ detail }) => detail === NOT_ASKED);
  const titles = unasked.map(({ title }) => title).join(', ');
  return [
    ...results.filter((it) => !unasked.includes(it)).flatMap((it) => linesOf(it, style)),
    ...(unasked.length === 0 ? [] : [style('dim', `- ${NOT_ASKED}: ${titles}`)]),
  ].join('\n');
}

function linesOf(
  { id, title, result, detail, mend }: CheckResult,
  style: (style: Style, text: string) => string,
): string[] {
  const line = `${style(COLOUR[result], SIGN[result])} ${title}: ${detail}`;
  const mends = (mend ?? '').split('\n').filter(Boolean);
  return [
    result === 'skipped' ? style('dim', line) : line,
    ...mends.map((words) => `    ${style('cyan', '→')} ${words}`),
    ...(mends.length > 0 ? [style('dim', `      (${id})`)] : []),
  ];
}

/** `30 checks: 26 ok, 1 warning, 2 failed, 1 skipped` */
export function summarize(results: readonly CheckResult[]): string {
  const { ok, warn, fail, skipped } = count(results);
  const warnings = `${warn} ${warn === 1 ? 'warning' : 'warnings'}`;
  return `${results.length} checks: ${ok} ok, ${warnings}, ${fail} failed, ${skipped} skipped`;
}
