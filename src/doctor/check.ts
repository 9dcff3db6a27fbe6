/** The shape of a check: what it needs to know, and how it judges that. Pure. */

import type { Facts, FactValues } from './facts.ts';

/** What only a running host can tell. */
export const NOT_ASKED = 'not asked with --root';

export type Result = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Verdict {
  result: Result;
  /** What was found, one sentence. */
  detail: string;
  /** What mends it, one line each; null where nothing has to be mended. */
  mend: string | null;
}

/** One of the list in `ibq doctor --json`. */
export interface CheckResult extends Verdict {
  id: string;
  title: string;
}

export interface Check {
  id: string;
  title: string;
  run: (facts: Facts) => CheckResult;
}

export interface CheckDefinition<Needs extends keyof FactValues> {
  /** kebab-case; docs/doctor.md has it with cause and cure. */
  id: string;
  title: string;
  /** Without one of these the check is skipped, with the reason. */
  needs: readonly Needs[];
  judge: (values: Pick<FactValues, Needs>) => Verdict;
}

/** A check never throws: what can't be known or judged is skipped, and says why. */
export function defineCheck<Needs extends keyof FactValues>(
  definition: CheckDefinition<Needs>,
): Check {
  const { id, title, needs, judge } = definition;
  return {
    id,
    title,
    run: (facts) => {
      for (const need of needs) {
        const fact = facts[need];
        if (!fact.known) return { id, title, ...skipped(fact.why) };
      }
      try {
        return { id, title, ...judge(valuesOf(facts, needs)) };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { id, title, ...skipped(`could not be judged: ${why}`) };
      }
    },
  };
}

function valuesOf<Needs extends keyof FactValues>(
  facts: Facts,
  needs: readonly Needs[],
): Pick<FactValues, Needs> {
  const entries = needs.flatMap((need) => {
    const fact = facts[need];
    return fact.known ? [[need, fact.value] as const] : [];
  });
  return Object.fromEntries(entries) as Pick<FactValues, Needs>;
}

export function ok(detail: string): Verdict {
  return { result: 'ok', detail, mend: null };
}

export function skipped(why: string): Verdict {
  return { result: 'skipped', detail: why, mend: null };
}

/** One thing that is wrong. */
export interface Finding {
  result: 'warn' | 'fail';
  detail: string;
  mend: string;
}

export function warn(detail: string, mend: string): Finding {
  return { result: 'warn', detail, mend };
}

export function fail(detail: string, mend: string): Finding {
  return { result: 'fail', detail, mend };
}

/** Everything that is wrong as one verdict, the worst first; `otherwise` where nothing is. */
export function verdictOf(findings: readonly Finding[], otherwise: string): Verdict {
  const worst = findings.some(({ result }) => result === 'fail') ? 'fail' : 'warn';
  if (findings.length === 0) return ok(otherwise);
  const sorted = [...findings].sort((a, b) => rank(a) - rank(b));
  return {
    result: worst,
    detail: sorted.map(({ detail }) => detail).join('; '),
    mend: [...new Set(sorted.map(({ mend }) => mend))].join('\n'),
  };
}

function rank({ result }: Finding): number {
  return result === 'fail' ? 0 : 1;
}
