/** `ibq plan`: what a deploy would do, with diffs. Changes nothing. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { preparePlan } from '../host/prepare.ts';
import { requireRoot } from '../host/root.ts';
import { isEmpty, renderPlan } from '../plan/render.ts';
import { configForDeploy, configForDeploy, NOTHING_CONFIGURED } from './deploy-config.ts';

export async function plan(
  context: Context,
  options: { json: boolean; detailedExitCode: boolean },
): Promise<number> {
  const { host, ui, configFile } = context;
  const { host, ui, configFile } = context;
  requireRoot(host, 'plan');
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  // As deploy takes it, but for the question that deploy may ask.
  const config = await configForDeploy(
    { ...context, ui: { ...ui, warn } },
    { ask: false, assumeYes: false },
  );
  const prepared = await preparePlan(host, config, configFile, {
    noStart: false,
    noWait: false,
    restartChanged: false,
  });
  const result = prepared.plan;
  if (options.json) ui.json(result);
  else {
    ui.print(renderPlan(result, { style: ui.style, detailed: true }));
    for (const line of driftLines(prepared)) ui.warn(line);
    for (const warning of result.warnings) ui.warn(warning);
  }
  return options.detailedExitCode && !isEmpty(result) ? ExitCode.changesPending : ExitCode.done;
}
