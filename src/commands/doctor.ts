/** `ibq doctor`: everything that could go wrong on this host, and what mends it. */

import type { Context } from '../context.ts';
import { count, runChecks } from '../doctor/checks.ts';
import { renderChecks, summarize } from '../doctor/render.ts';
import { ExitCode } from '../errors.ts';
import { gatherFacts } from '../host/doctor-facts.ts';
import { requireRoot } from '../host/root.ts';

/** @returns 3 when a check fails; warnings and skipped checks are 0 */
export async function doctor(context: Context, { json }: { json: boolean }): Promise<number> {
  const { host, ui, configFile, env } = context;
  requireRoot(host);
  const results = runChecks(await gatherFacts(host, { configFile, env }));
  if (json) {
    ui.json({ checks: results });
  } else {
    ui.print(renderChecks(results, ui.style));
    ui.note(summarize(results));
  }
  return count(results).fail > 0 ? ExitCode.unhealthy : ExitCode.done;
}
