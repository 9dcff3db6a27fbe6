/** `ibq wait NAME...`: until each instance answers the IB API. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { requireDeployed } from '../host/deployed.ts';
import { withInterrupt } from '../host/interrupt.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { waitForInstances } from '../host/wait.ts';
import { reportUnhealthy, tellChange, tellWaiting } from './wait-output.ts';

export async function wait(
  { host, ui }: Context,
  names: readonly string[],
  { timeoutSeconds }: { timeoutSeconds: number },
): Promise<number> {
  requireLive(host, 'wait');
  requireRoot(host);
  const instances = Object.fromEntries(names.map((name) => [name, requireDeployed(host, name)]));
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
