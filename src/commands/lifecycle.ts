/** `ibq start|stop|restart`: systemctl on instances, with what it costs said first. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { selectDeployed } from '../host/deployed.ts';
import { readCurrentManifest } from '../host/installed.ts';
import { refuseLacks } from '../host/lacks.ts';
import { withLock } from '../host/lock.ts';
import { lostVolumes, volumeLost } from '../host/podman-storage.ts';
import {
  describeRefusedLogin,
  forgetRefusedLogin,
  mendOfRefusedLogin,
  readRefusedLogin,
} from '../host/refused-logins.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { followRunLogs, unitLog } from '../host/run-log.ts';
import {
  awaitsNewLogin,
  demandNewLogin,
  endOf,
  foretellRestarts,
  forgetEnds,
  loggedInByLog,
  restartTogether,
  writeLostRecords,
} from '../host/sessions.ts';
import { findStartLacks } from '../host/start-lacks.ts';
import { restartAlone, restartUnits, showUnits, startUnits, stopUnits } from '../host/systemd.ts';
import { instanceService } from '../plan/paths.ts';
import { describeRestart, NOT_RUNNING } from '../plan/session.ts';
import { hasStopped } from '../plan/state.ts';
import { lastWords } from './wait-output.ts';

const LOG_LINES = 50;
const LOG_LINES_SHOWN = 8;

export type Verb = 'start' | 'stop' | 'restart';

export interface LifecycleOptions {
  all: boolean;
  /** Restart with a login even where the session could be kept. */
  newLogin?: boolean;
  /** Start also where IBKR refused the login. */
  retryLogin?: boolean;
}

export async function lifecycle(
  { host, ui }: Context,
  verb: Verb,
  names: readonly string[],
  { all, newLogin = false, retryLogin = false }: LifecycleOptions,
): Promise<number> {
  const flags = [
    ...(newLogin ? ['--new-login'] : []),
    ...(retryLogin ? ['--retry-login'] : []),
    ...(all ? ['--all'] : []),
  ];
  const command = [verb, ...flags, ...names].join(' ');
  requireLive(host, verb);
  const selected = selectDeployed(host, names, { all, verb });
  requireRoot(host);
  if (selected.length === 0) {
    ui.note('nothing is deployed: run "sudo ibq deploy"');
    return ExitCode.done;
  }
  const units = selected.map(instanceService);
  return withLock(host, command, async () => {
    if (verb !== 'stop') seeToRefusals();
    const { together } = verb === 'stop' ? { together: [] } : await seeToNeeds();
    if (verb === 'restart') {
      await warnOfRefusals();
      await sayCosts();
    }
    writeLostRecords(host, selected);
    if (newLogin) demandNewLogin(host, selected);
    forgetEnds(host, selected);
    if (verb === 'stop') await stopUnits(host, units);
    else if (verb === 'start') await startUnits(host, units);
    else await restart(together);
    return verb === 'stop' ? reportStopped() : reportStarted();
  });

  /** Before anything stops that would not come back: what is lacking is told, what ibq itself can make again is made. */
  async function seeToNeeds(): Promise<{ together: string[] }> {
    const manifest = readCurrentManifest(host.files);
    if (manifest === null) return { together: [] };
    const states = await showUnits(host, units);
    const up = new Set(
      selected.filter((name) => {
        const { active, sub = '' } = states.get(instanceService(name)) ?? {};
        return !hasStopped(active) && !sub.startsWith('auto-restart');
      }),
    );
    const coming = verb === 'start' ? selected.filter((name) => !up.has(name)) : selected;
    const found = await findStartLacks(host, manifest, coming, states, up);
    refuseLacks(found.lacks, `nothing was ${verb}ed`);
    for (const name of found.networks) {
      ui.note(`making network ${name} again: Podman has it no more`);
      await restartAlone(host, `${name}-network.service`);
    }
    for (const name of lostVolumes(host.files, coming)) ui.warn(volumeLost(name));
    return found;
  }

  async function restart(together: readonly string[]): Promise<void> {
    const others = selected.filter((name) => !together.includes(name));
    if (others.length > 0) await restartUnits(host, others.map(instanceService));
    if (together.length > 0) await restartTogether(host, together);
  }

  /** The unit would not start either; nothing is stopped for it. */
  function seeToRefusals(): void {
    const refusals = selected.flatMap((name) => {
      const refused = readRefusedLogin(host.files, name);
      return refused === null ? [] : [{ name, refused }];
    });
    if (retryLogin) {
      for (const name of selected) forgetRefusedLogin(host, name);
    } else if (refusals.length > 0) {
      const lines = refusals.map(
        ({ name, refused }) =>
          `${name}: ${describeRefusedLogin(refused)}; ${mendOfRefusedLogin(name)}`,
      );
      throw new UserError(`${lines.join('\n')}\nnothing was ${verb}ed`);
    }
  }

  /** Each restart with the same password is one more attempt at IBKR, and counts for the cap. */
  async function warnOfRefusals(): Promise<void> {
    const states = await showUnits(host, units);
    const { instances = {} } = readCurrentManifest(host.files) ?? {};
    await Promise.all(
      selected.map(async (name) => {
        const unit = states.get(instanceService(name));
        const instance = instances[name];
        if (unit?.active !== 'active' || instance === undefined) return;
        if (awaitsNewLogin(host.files, name)) return;
        const logs = followRunLogs(host);
        await logs.read(unit);
        const { stage, detail } = logs.stage(unit, instance.profile);
        if (stage !== 'login-failed' && stage !== 'locked-out') return;
        ui.warn(
          `${name}: ${detail}; with the same password this is one more attempt, and too many lock the user: sudo ibq secret set ${name} password`,
        );
      }),
    );
  }

  async function sayCosts(): Promise<void> {
    const byLog = await loggedInByLog(host, selected);
    const restarts = foretellRestarts(host.files, selected, { newLogin, byLog });
    for (const name of selected) {
      ui.note(`restarting ${name}: ${describeRestart(restarts.get(name) ?? NOT_RUNNING)}`);
    }
  }

  function reportStopped(): number {
    for (const name of selected) {
      const end = endOf(host.files, name);
      ui.note(end === null ? `stopped ${name}` : `stopped ${name}: ${end}`);
    }
    return ExitCode.done;
  }

  async function reportStarted(): Promise<number> {
    const states = await showUnits(host, units);
    const failed = selected.filter(
      (name) => states.get(instanceService(name))?.active !== 'active',
    );
    const started = selected.filter((name) => !failed.includes(name));
    if (started.length > 0) {
      ui.note(`${verb}ed ${started.join(', ')}; logged in? "sudo ibq wait ${started.join(' ')}"`);
    }
    for (const name of failed) {
      ui.warn(`${name} did not start:`);
      const unit = states.get(instanceService(name));
      const log = unit ? await unitLog(host, unit, LOG_LINES) : [];
      for (const line of lastWords(log, LOG_LINES_SHOWN)) ui.note(`  | ${line}`);
      ui.note(`  more: sudo ibq logs ${name}`);
    }
    return failed.length === 0 ? ExitCode.done : ExitCode.failed;
  }
}
