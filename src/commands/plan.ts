/** `ibq plan`: what a deploy would do, with diffs. Changes nothing. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { loadHostConfig } from '../host/config-files.ts';
import { preparePlan } from '../host/prepare.ts';
import { requireRoot } from '../host/root.ts';
import { isEmpty, renderPlan } from '../plan/render.ts';

export async function plan(
  { host, ui, configFile, env }: Context,
  options: { json: boolean; detailedExitCode: boolean },
): Promise<number> {
  requireRoot(host, 'plan');
  const { config, warnings } = loadHostConfig(host.files, configFile, env);
  const prepared = await preparePlan(host, config, configFile, {
    noStart: false,
    noWait: false,
    restartChanged: false,
  });
  const result = { ...prepared.plan, warnings: [...warnings, ...prepared.plan.warnings] };
  if (options.json) ui.json(result);
  else {
    ui.print(renderPlan(result, { style: ui.style, detailed: true }));
    for (const path of result.drift) ui.warn(`edited by hand: /etc/ibq/current/${path}`);
    for (const warning of result.warnings) ui.warn(warning);
  }
  return options.detailedExitCode && !isEmpty(result) ? ExitCode.changesPending : ExitCode.done;
}
