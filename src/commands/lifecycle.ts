/** `ibq start|stop|restart`: systemctl on instances, with what it costs said first. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { selectDeployed } from '../host/deployed.ts';
import { withLock } from '../host/lock.ts';
import { requireParts } from '../host/podman.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { unitLog } from '../host/run-log.ts';
import { restartUnits, showUnits, startUnits, stopUnits } from '../host/systemd.ts';
import { instanceService } from '../plan/paths.ts';
import { lastWords } from './wait-output.ts';

const LOG_LINES = 50;
const LOG_LINES_SHOWN = 8;

export type Verb = 'start' | 'stop' | 'restart';

export async function lifecycle(
  { host, ui }: Context,
  verb: Verb,
  names: readonly string[],
  { all }: { all: boolean },
): Promise<number> {
  const command = [verb, ...names, ...(all ? ['--all'] : [])].join(' ');
  requireLive(host, verb);
  const selected = selectDeployed(host, names, { all, verb });
  requireRoot(host);
  if (selected.length === 0) {
    ui.note('nothing is deployed: run "sudo ibq deploy"');
    return ExitCode.done;
  }
  const units = selected.map(instanceService);
  // Before a restart stops what would not come back.
  if (verb !== 'stop') requireParts(host);
  return withLock(host, command, async () => {
    if (verb === 'restart') {
      ui.note(
        `restarting ${selected.join(', ')}: ends the session; each may ask for a second factor`,
      );
    }
    if (verb === 'stop') await stopUnits(host, units);
    else await (verb === 'start' ? startUnits : restartUnits)(host, units);
    return verb === 'stop' ? reportStopped() : reportStarted();
  });

  function reportStopped(): number {
    ui.note(`stopped ${selected.join(', ')}`);
    return ExitCode.done;
  }

  async function reportStarted(): Promise<number> {
    const states = await showUnits(host, units);
    const failed = selected.filter(
      (name) => states.get(instanceService(name))?.active !== 'active',
    );
    const started = selected.filter((name) => !failed.includes(name));
    if (started.length > 0) {
      ui.note(`${verb}ed ${started.join(', ')}; logged in? "ibq wait ${started.join(' ')}"`);
    }
    for (const name of failed) {
      ui.warn(`${name} did not start:`);
      const unit = states.get(instanceService(name));
      const log = unit ? await unitLog(host, unit, LOG_LINES) : [];
      for (const line of lastWords(log, LOG_LINES_SHOWN)) ui.note(`  | ${line}`);
      ui.note(`  more: ibq logs ${name}`);
    }
    return failed.length === 0 ? ExitCode.done : ExitCode.failed;
  }
}
