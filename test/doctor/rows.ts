/** Tables of what checks say of facts. */

import { describe, expect, test } from 'vitest';
import type { Result } from '../../src/doctor/check.ts';
import type { FactValues } from '../../src/doctor/facts.ts';
import { facts, judged } from './facts.ts';

/** id, what is wrong, facts that differ, result, its detail, its mend */
export type Row = [
  string,
  string,
  Partial<FactValues>,
  Result,
  string | RegExp,
  string | RegExp | null,
];

export function judgeTable(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    test.each(rows)('%s: %s', (id, _what, changes, result, detail, mend) => {
      const found = judged(id, facts(changes));
      expect(found).toMatchObject({ id, result });
      if (typeof detail === 'string') expect(found.detail).toBe(detail);
      else expect(found.detail).toMatch(detail);
      if (mend instanceof RegExp) expect(found.mend).toMatch(mend);
      else expect(found.mend).toBe(mend);
    });
  });
}
