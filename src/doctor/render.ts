/** What `ibq doctor` prints for people. Pure: styling is handed in. */

import type { Style } from '../ui/ui.ts';
import type { CheckResult, Result } from './check.ts';
import { count } from './checks.ts';

const SIGN: Record<Result, string> = { ok: '✓', warn: '!', fail: '✗', skipped: '-' };
const COLOUR: Record<Result, Style> = { ok: 'green', warn: 'yellow', fail: 'red', skipped: 'dim' };

/** One line a check; below a problem its id, by which docs/doctor.md knows it, and what mends it. */
export function renderChecks(
  results: readonly CheckResult[],
  style: (style: Style, text: string) => string,
): string {
  return results
    .flatMap(({ id, title, result, detail, mend }) => {
      const line = `${style(COLOUR[result], SIGN[result])} ${title}: ${detail}`;
      const mends = (mend ?? '').split('\n').filter(Boolean);
      return [
        result === 'skipped' ? style('dim', line) : line,
        ...mends.map((words) => `    ${style('cyan', '→')} ${words}`),
        ...(mends.length > 0 ? [style('dim', `      (${id})`)] : []),
      ];
    })
    .join('\n');
}

/** `30 checks: 26 ok, 1 warning, 2 failed, 1 skipped` */
export function summarize(results: readonly CheckResult[]): string {
  const { ok, warn, fail, skipped } = count(results);
  const warnings = `${warn} ${warn === 1 ? 'warning' : 'warnings'}`;
  return `${results.length} checks: ${ok} ok, ${warnings}, ${fail} failed, ${skipped} skipped`;
}
