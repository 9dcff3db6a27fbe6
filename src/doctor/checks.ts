/** Every check of `ibq doctor`, in the order in which they are told: a later one rests on earlier ones. */

import type { Check, CheckResult, Result } from './check.ts';
import { configurationChecks } from './configuration.ts';
import type { Facts } from './facts.ts';
import { fileChecks } from './files.ts';
import { forceChecks } from './force.ts';
import { lanChecks } from './lan.ts';
import { partChecks } from './parts.ts';
import { portChecks } from './ports.ts';
import { tunnelChecks } from './tunnels.ts';
import { userChecks } from './users.ts';

/** A closed list: docs/doctor.md has cause and cure of each. */
export const checks: readonly Check[] = [
  ...partChecks,
  ...configurationChecks,
  ...lanChecks,
  ...portChecks,
  ...fileChecks,
  ...forceChecks,
  ...userChecks,
  ...tunnelChecks,
];

export function runChecks(facts: Facts): CheckResult[] {
  return checks.map((check) => check.run(facts));
}

export function count(results: readonly CheckResult[]): Record<Result, number> {
  const counts: Record<Result, number> = { ok: 0, warn: 0, fail: 0, skipped: 0 };
  for (const { result } of results) counts[result] += 1;
  return counts;
}
