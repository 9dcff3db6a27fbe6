/** `ibq wait NAME...|--all`: until each instance answers the IB API. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { requireDeployed, selectDeployed } from '../host/deployed.ts';
import { withInterrupt } from '../host/interrupt.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { waitForInstances } from '../host/wait.ts';
import { reportUnhealthy, tellChange, tellWaiting } from './wait-output.ts';

export async function wait(
  { host, ui }: Context,
  names: readonly string[],
  { all, timeoutSeconds }: { all: boolean; timeoutSeconds: number },
): Promise<number> {
  requireLive(host, 'wait');
  const selected = selectDeployed(host, names, { all, verb: 'wait' });
  requireRoot(host);
  if (selected.length === 0) {
    ui.note('nothing is deployed: run "sudo ibq deploy"');
    return ExitCode.done;
  }
  const instances = Object.fromEntries(selected.map((name) => [name, requireDeployed(host, name)]));
  return withInterrupt(
    () => ui.note('stopped waiting; nothing was changed'),
    async (interrupt) => {
      const observations = await waitForInstances(host, instances, {
        timeoutMs: timeoutSeconds * 1000,
        interrupt,
        onChange: (observation) => tellChange(ui, observation),
        onWaiting: (open, seconds) => tellWaiting(ui, open, seconds),
      });
      if (interrupt.exitCode !== null) return interrupt.exitCode;
      return reportUnhealthy(ui, observations) ? ExitCode.unhealthy : ExitCode.done;
    },
  );
}
