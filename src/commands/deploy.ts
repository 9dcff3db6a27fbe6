/** `ibq deploy`: puts the configuration into force. */

import type { Config } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { STAGES } from '../gateway/stages.ts';
import { applyPlan } from '../host/apply.ts';
import { dryRunCheck } from '../host/check-generation.ts';
import type { Interrupt } from '../host/interrupt.ts';
import { withInterrupt } from '../host/interrupt.ts';
import { withLock } from '../host/lock.ts';
import type { Observation } from '../host/observe.ts';
import { observeInstances } from '../host/observe.ts';
import { type Prepared, preparePlan } from '../host/prepare.ts';
import { forgetRefusedLogin } from '../host/refused-logins.ts';
import { requireRoot } from '../host/root.ts';
import { foretellRestarts, loggedInByLog } from '../host/sessions.ts';
import { undoLeftovers } from '../host/undo.ts';
import { waitForInstances } from '../host/wait.ts';
import { buildManifest, type ManifestInstance } from '../plan/manifest.ts';
import { describeStep, type Plan, restartedBy } from '../plan/plan.ts';
import { driftLines, renderPlan } from '../plan/render.ts';
import { describeRestart, NOT_RUNNING } from '../plan/session.ts';
import { configForDeploy, NOTHING_CONFIGURED } from './deploy-config.ts';
import { reportTunnels } from './tunnel-output.ts';
import { reportUnhealthy, tellChange, tellWaiting } from './wait-output.ts';

export interface DeployOptions {
  dryRun: boolean;
  yes: boolean;
  start: boolean;
  wait: boolean;
  timeoutSeconds: number;
  restartChanged: boolean;
  /** Start also where IBKR refused the login. */
  retryLogin: boolean;
  replaceDrift: boolean;
  /** `open-api`: the configuration may let everybody in. */
  risksAccepted: readonly string[];
}

/** @returns 0; 3 when an instance does not answer; 130/143 when interrupted between two steps */
export async function deploy(context: Context, options: DeployOptions): Promise<number> {
  const { host, ui } = context;
  requireRoot(host);
  if (options.dryRun) return dryRun(context, options);
  return withInterrupt(
    () => ui.note('stopping after the step in hand (once more: at once)'),
    (interrupt) => withLock(host, 'deploy', () => run(context, options, interrupt)),
  );
}

async function dryRun(context: Context, options: DeployOptions): Promise<number> {
  const { host, ui, configFile } = context;
  const config = await configForDeploy(context, {
    ask: false,
    assumeYes: false,
    risksAccepted: options.risksAccepted,
  });
  const prepared = await preparePlan(host, config, configFile, planOptions(options));
  ui.print(
    renderPlan(prepared.plan, {
      style: ui.style,
      steps: true,
      diffs: false,
      instances: config.instances.length,
    }),
  );
  if (host.root === null && prepared.plan.generation !== null) {
    for (const warning of await dryRunCheck(host, prepared.desired)) ui.warn(warning);
    ui.note("checked with Podman's Quadlet generator; nothing was changed");
  }
  return ExitCode.done;
}

function planOptions(options: DeployOptions) {
  return {
    noStart: !options.start,
    noWait: !options.wait,
    restartChanged: options.restartChanged,
    askLan: !options.dryRun,
  };
}

async function run(
  context: Context,
  options: DeployOptions,
  interrupt: Interrupt,
): Promise<number> {
  const { host, ui, configFile, version } = context;
  await undoLeftovers(host);
  const config = await configForDeploy(context, {
    ask: true,
    assumeYes: options.yes,
    risksAccepted: options.risksAccepted,
  });
  if (options.retryLogin) for (const { name } of config.instances) forgetRefusedLogin(host, name);
  const prepared = await preparePlan(host, config, configFile, planOptions(options));
  const { plan, desired, installed } = prepared;
  for (const warning of plan.warnings) ui.warn(warning);
  if (config.instances.length === 0 && installed.manifest === null) {
    ui.note(NOTHING_CONFIGURED);
    return ExitCode.done;
  }
  refuseDrift(prepared, options);
  await askBeforeStopping(context, prepared, options);
  if (plan.changes.length > 0) {
    ui.note(
      renderPlan(plan, {
        style: (_, text) => text,
        steps: false,
        diffs: false,
        instances: config.instances.length,
      }),
    );
  }

  const instances = buildManifest(desired, {
    ibq: version,
    generation: plan.generation?.to ?? 0,
    createdAt: '',
    configFile: null,
    images: {},
  }).instances;
  const observations = new Map<string, Observation>();
  const wait = async (names: readonly string[]): Promise<boolean> => {
    const waited = await waitForInstances(host, pick(instances, names), {
      timeoutMs: options.timeoutSeconds * 1000,
      interrupt,
      onChange: (observation) => tellChange(ui, observation),
      onWaiting: (open, seconds) => tellWaiting(ui, open, seconds),
    });
    for (const observation of waited) observations.set(observation.name, observation);
    return waited.every(({ verdict }) => verdict.ready);
  };
  const restarted = plan.steps.flatMap(restartedBy);
  const byLog = await loggedInByLog(host, restarted);
  const applied = await applyPlan(plan, host, {
    images: prepared.images,
    desired,
    configFile: host.files.exists(configFile) ? configFile : null,
    version,
    interrupt,
    onStep(step, number, total) {
      ui.note(`[${number}/${total}] ${describeStep(step)}`);
      const names = restartedBy(step);
      const restarts = foretellRestarts(host.files, names, { newLogin: false, byLog });
      for (const name of names) {
        ui.note(`  ${name}: ${describeRestart(restarts.get(name) ?? NOT_RUNNING)}`);
      }
    },
    onProgress: (line) => ui.note(`  ${line}`),
    onWarning: (line) => ui.warn(line),
    wait,
  });
  if (applied.stopped !== null) ui.warn(applied.stopped);
  if (interrupt.exitCode !== null) {
    ui.note('the next "sudo ibq deploy" goes on from here');
    return interrupt.exitCode;
  }
  return conclude(context, config, prepared, options, { instances, observations, wait });
}

/** A running gateway that left the configuration is stopped only when somebody says so. */
async function askBeforeStopping(
  { ui }: Context,
  { plan, installed }: Prepared,
  { yes }: DeployOptions,
): Promise<void> {
  const running = plan.steps.flatMap((step) =>
    step.kind === 'stop'
      ? step.instances.filter((name) => installed.runtime?.running.has(name))
      : [],
  );
  if (running.length === 0) return;
  const agreed = await ui.confirm(
    `${running.join(', ')}: no longer configured, and ${running.length === 1 ? 'it runs' : 'they run'}; stop and remove ${running.length === 1 ? 'it' : 'them'}?`,
    { assumeYes: yes, flag: '-y', unlessTyped: 'no' },
  );
  if (!agreed) throw new UserError('aborted, no changes made');
}

/** Tells what is in force now: of the instances that were waited for, and of all others at a glance. */
async function conclude(
  { host, ui }: Context,
  config: Config,
  { plan }: Prepared,
  options: DeployOptions,
  outcome: {
    instances: Readonly<Record<string, ManifestInstance>>;
    observations: Map<string, Observation>;
    wait: (names: readonly string[]) => Promise<boolean>;
  },
): Promise<number> {
  const { instances, observations } = outcome;
  if (host.root !== null) {
    ui.note(plan.generation ? `wrote generation ${plan.generation.to}` : 'nothing to do');
    return ExitCode.done;
  }
  tellPending(plan, options, (line) => ui.note(line));
  const started = options.wait && options.start;
  if (started) {
    const others = config.instances.map(({ name }) => name).filter((it) => !observations.has(it));
    for (const observation of await observeInstances(host, pick(instances, others))) {
      observations.set(observation.name, observation);
    }
    // A deploy that was killed while it waited, or a restart just before this one.
    const starting = others.filter((name) => isStarting(observations.get(name)));
    if (starting.length > 0) await outcome.wait(starting);
  }
  const all = [...observations.values()];
  const unhealthy = reportUnhealthy(ui, all);
  const patient = plan.steps.length > 0;
  const cutOff = started && (await reportTunnels({ host, ui }, instances, all, { patient }));
  const ready = all.filter(({ verdict }) => verdict.ready).length;
  const summary = started
    ? `${ready} of ${config.instances.length} ready`
    : 'see "sudo ibq status"';
  ui.note(plan.steps.length === 0 ? `nothing to do; ${summary}` : `done; ${summary}`);
  return unhealthy || cutOff ? ExitCode.unhealthy : ExitCode.done;
}

function isStarting(observation: Observation | undefined): boolean {
  const apis = observation?.apis ?? [];
  return apis.some(
    ({ verdict, stage }) =>
      !verdict.ready &&
      (verdict.word === 'starting' ||
        STAGES[stage.stage].waitsFor === 'time' ||
        stage.stage === 'waiting-for-two-factor'),
  );
}

/** Running instances that keep what they have until somebody restarts them. */
function tellPending(plan: Plan, options: DeployOptions, tell: (line: string) => void): void {
  if (options.restartChanged) return;
  const pending = plan.changes.flatMap((change) =>
    'instance' in change && change.cost === 'new-login' ? [change.instance] : [],
  );
  if (pending.length === 0) return;
  tell(
    `changed, but still running as before: ${pending.join(', ')}; a restart puts it into force: sudo ibq restart ${pending.join(' ')} (it says first whether the session is kept)`,
  );
}

function refuseDrift(prepared: Prepared, { replaceDrift }: DeployOptions): void {
  const files = driftLines(prepared.plan, prepared.installed);
  if (files.length === 0 || replaceDrift) return;
  files.push(
    'nothing was changed; write them anew with "sudo ibq deploy --replace-drift" (settings of your own for a unit belong into a drop-in in /etc/containers/systemd/ib-gateway@.container.d/)',
  );
  throw new UserError(files.join('\n'));
}

function pick<T>(all: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = all[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
