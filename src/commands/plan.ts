/** `ibq plan`: what a deploy would do; diffs on request. Changes nothing. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { readCurrentManifest } from '../host/installed.ts';
import { preparePlan } from '../host/prepare.ts';
import { requireRoot } from '../host/root.ts';
import { driftLines, isEmpty, renderPlan } from '../plan/render.ts';
import { configForDeploy, NOTHING_CONFIGURED } from './deploy-config.ts';

export async function plan(
  context: Context,
  options: {
    json: boolean;
    diff: boolean;
    detailedExitCode: boolean;
    risksAccepted: readonly string[];
  },
): Promise<number> {
  const { host, ui, configFile } = context;
  requireRoot(host);
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  // As deploy takes it, but for the question that deploy may ask.
  const config = await configForDeploy(
    { ...context, ui: { ...ui, warn } },
    { ask: false, assumeYes: false, risksAccepted: options.risksAccepted },
  );
  if (config.instances.length === 0 && readCurrentManifest(host.files) === null && !options.json) {
    ui.note(NOTHING_CONFIGURED);
    return ExitCode.done;
  }
  const prepared = await preparePlan(host, config, configFile, {
    noStart: false,
    noWait: false,
    restartChanged: false,
    askLan: false,
  });
  const result = { ...prepared.plan, warnings: [...warnings, ...prepared.plan.warnings] };
  if (options.json) ui.json(result);
  else {
    ui.print(
      renderPlan(result, {
        style: ui.style,
        steps: true,
        diffs: options.diff,
        instances: config.instances.length,
      }),
    );
    if (!options.diff && result.changes.some(({ diff }) => diff !== '')) {
      ui.note('the lines that change: ibq plan --diff');
    }
    for (const line of driftLines(result, prepared.installed)) ui.warn(line);
    for (const warning of result.warnings) ui.warn(warning);
  }
  return options.detailedExitCode && !isEmpty(result) ? ExitCode.changesPending : ExitCode.done;
}
