/** `ibq restart --soft`: IBC restarts the gateway inside its container, and the login goes on. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { SOFT_RESTART_TOLD, type SoftRestart, stepSoftRestart } from '../gateway/soft-restart.ts';
import { requireDeployed, selectDeployed } from '../host/deployed.ts';
import type { Host } from '../host/host.ts';
import { sendRestart } from '../host/ibc-command.ts';
import { type Interrupt, withInterrupt } from '../host/interrupt.ts';
import { withLock } from '../host/lock.ts';
import { type Observation, observeInstances } from '../host/observe.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { followRunLogs, type RunLogs } from '../host/run-log.ts';
import { reportUnhealthy } from './wait-output.ts';

const PAUSE_MS = 1000;

export async function softRestart(
  { host, ui }: Context,
  names: readonly string[],
  { all, timeoutSeconds }: { all: boolean; timeoutSeconds: number },
): Promise<number> {
  const command = ['restart', '--soft', ...names, ...(all ? ['--all'] : [])].join(' ');
  requireLive(host, 'restart');
  const selected = selectDeployed(host, names, { all, verb: 'restart' });
  requireRoot(host);
  return withLock(host, command, () =>
    withInterrupt(
      () => ui.note('stopped waiting; what was told to restart still does'),
      async (interrupt) => {
        const observed = await look(host, selected);
        refuse(observed);
        // One after the other: while one is away, the others trade.
        for (const observation of observed) {
          const exitCode = await restartOne(observation, interrupt);
          if (exitCode !== ExitCode.done) return exitCode;
        }
        return ExitCode.done;
      },
    ),
  );

  async function restartOne(before: Observation, interrupt: Interrupt): Promise<number> {
    const { name, instance, pendingRestart } = before;
    const began = host.now();
    ui.note(`restarting ${name} inside its container: its API is away for a minute or two`);
    if (pendingRestart) {
      ui.warn(
        `${name} goes on as it is: a soft restart puts no change into force ("sudo ibq restart ${name}" does, with a new login)`,
      );
    }
    const logs = followRunLogs(host);
    const seen = (await logs.read(before.unit)).length;
    for (const port of instance.commandPorts) await tell(name, port);
    const outcome = await follow(before, { logs, seen }, interrupt, began + timeoutSeconds * 1000);
    if (interrupt.exitCode !== null) return interrupt.exitCode;
    const [after] = await look(host, [name]);
    if (outcome.logins >= instance.commandPorts.length && after?.verdict.ready) {
      const seconds = Math.round((host.now() - began) / 1000);
      const login = outcome.full ? 'with a full login' : 'without a second factor';
      ui.note(`${name}: logged in again after ${seconds} s, ${login}`);
      return ExitCode.done;
    }
    if (outcome.failed !== null) ui.warn(`${name}: ${outcome.failed}`);
    if (!reportUnhealthy(ui, after ? [after] : [])) {
      ui.warn(
        `${name} did not restart within ${timeoutSeconds} s; it still answers: sudo ibq logs ${name}`,
      );
    }
    return ExitCode.unhealthy;
  }

  async function tell(name: string, port: number): Promise<void> {
    const answer = await sendRestart(host, name, port);
    if (answer === null) {
      throw new UserError(
        `${name}: IBC's command server does not answer on port ${port} of the container; see "sudo ibq logs ${name}", or run "sudo ibq restart ${name}" (new login)`,
      );
    }
    if (answer.kind === 'refused') {
      throw new UserError(
        `${name}: IBC refused to restart: ${answer.text}; see "sudo ibq logs ${name}"`,
      );
    }
    if (answer.at !== null) {
      ui.warn(
        `${name} restarts at ${answer.at}, and by itself at that time each day from now on, unless auto_restart_time is set`,
      );
    }
  }

  /** Until the log says that all are logged in and the API answers, or that it will not be. */
  async function follow(
    { name, instance, unit }: Observation,
    { logs, seen }: { logs: RunLogs; seen: number },
    interrupt: Interrupt,
    deadline: number,
  ): Promise<SoftRestart> {
    let state = SOFT_RESTART_TOLD;
    let from = seen;
    let told = false;
    for (;;) {
      await Promise.race([host.sleep(PAUSE_MS), interrupt.requested]);
      const [now] = await look(host, [name], { brief: true });
      const lines = await logs.read(unit);
      for (const { text } of lines.slice(from))
        state = stepSoftRestart(state, text, instance.profile);
      from = lines.length;
      if (now?.unit.active !== 'active') return { ...state, failed: 'its unit ended' };
      if (state.failed !== null) return state;
      if (state.full && !told) {
        told = true;
        ui.warn(
          `${name} logs in anew after all (a full login): answer the notice in IBKR Mobile if one comes`,
        );
      }
      if (state.logins >= instance.commandPorts.length && now.verdict.ready) return state;
      if (interrupt.exitCode !== null || host.now() >= deadline) return state;
    }
  }
}

function look(host: Host, names: readonly string[], options = {}): Promise<Observation[]> {
  const instances = Object.fromEntries(names.map((name) => [name, requireDeployed(host, name)]));
  return observeInstances(host, instances, options);
}

/** All that can't be done, before anything is. A gateway that is not logged in would ask for a second factor. */
function refuse(observed: readonly Observation[]): void {
  const problems = observed.flatMap(({ name, instance, verdict, stage, pendingRestart }) => {
    const session = stage?.stage === 'logged-in' || stage?.stage === 'link-lost';
    if (!verdict.ready && !session) {
      return `${name} is not logged in (${verdict.word}), and only a session that is there can go on; "sudo ibq restart ${name}" starts a new one`;
    }
    if (instance.commandPorts.length > 0) return [];
    const why = pendingRestart
      ? 'as it runs now it has no command server of IBC'
      : `images of profile ${instance.profile} have no command server of IBC that ibq turns on`;
    return `${name}: ${why}; "sudo ibq restart ${name}" is a new login`;
  });
  if (problems.length > 0) throw new UserError(`${problems.join('\n')}\nnothing was changed`);
}
