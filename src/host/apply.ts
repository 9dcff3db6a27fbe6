/** `applyPlan(plan, host)`: the one executor of steps. Every step may be done twice. */

import { ExitCode, UserError } from '../errors.ts';
import { liveGuard } from '../plan/assemble.ts';
import type { Desired } from '../plan/desired.ts';
import { buildManifest, formatManifest } from '../plan/manifest.ts';
import {
  CURRENT,
  FILE_KEY,
  GENERATIONS,
  generationPath,
  HOST_RULES_UNIT,
  instanceService,
  QUADLET_DIRECTORY,
  QUADLET_LINK,
  QUADLET_LINK_TARGET,
  RUNNING,
  SHIM_UNIT,
  STATIC_UNITS,
  TARGET_UNIT,
  tunnelService,
} from '../plan/paths.ts';
import { describeStep, type Plan, type Step } from '../plan/plan.ts';
import { checkGeneration } from './check-generation.ts';
import type { Host } from './host.ts';
import { readRunning } from './installed.ts';
import type { Interrupt } from './interrupt.ts';
import { makeLan } from './make-lan.ts';
import { imageDigests, pullImage, removeNetwork, removeSecret, writeSecret } from './podman.ts';
import { forgetEnds, restartTogether } from './sessions.ts';
import {
  enableUnit,
  reloadUnits,
  requireDone,
  restartAlone,
  restartUnits,
  showUnits,
  startUnits,
  stopUnits,
} from './systemd.ts';

/** Nothing shows it; the next deploy removes what a killed one left there. */
const STAGING = `${GENERATIONS}/.staging`;

export interface ApplyOptions {
  desired: Desired;
  /** Digests of the wanted images that were on this host before the first step, by reference. */
  images: ReadonlyMap<string, string>;
  /** The ibq.toml that was read; null: there is none. */
  configFile: string | null;
  /** Version of this ibq, for the manifest. */
  version: string;
  interrupt: Interrupt;
  onStep: (step: Step, number: number, total: number) => void;
  onProgress: (line: string) => void;
  onWarning: (line: string) => void;
  /** Waits until the instances answer the API; false when one of them will not. */
  wait: (instances: readonly string[]) => Promise<boolean>;
}

export interface Applied {
  done: Step[];
  /** Set when it was stopped between two steps. */
  stopped: string | null;
  /** False when an instance does not answer. */
  healthy: boolean;
}

/** @throws UserError from a step; what was done before it stays done, and the next deploy goes on from there */
export async function applyPlan(plan: Plan, host: Host, options: ApplyOptions): Promise<Applied> {
  const applied: Applied = { done: [], stopped: null, healthy: true };
  for (const [index, step] of plan.steps.entries()) {
    if (options.interrupt.exitCode !== null) {
      applied.stopped = `stopped after ${index} of ${plan.steps.length}; next would be: ${describeStep(step)}`;
      break;
    }
    options.onStep(step, index + 1, plan.steps.length);
    if (step.kind === 'wait') {
      applied.healthy = (await options.wait(step.instances)) && applied.healthy;
      if (!applied.healthy && options.interrupt.exitCode !== null) {
        applied.stopped = `stopped after ${index} of ${plan.steps.length}; still to do: ${describeStep(step)}`;
        break;
      }
      // One that does not come back is reason enough to leave the others logged in.
      const restarted = plan.steps[index - 1]?.kind.startsWith('restart') ?? false;
      if (!applied.healthy && restarted && index + 1 < plan.steps.length) {
        applied.stopped = `stopped after ${index + 1} of ${plan.steps.length}: ${step.instances.join(', ')} did not come back, the rest was left as it is`;
        break;
      }
    } else {
      await applyStep(step, host, options);
    }
    applied.done.push(step);
  }
  return applied;
}

async function applyStep(
  step: Exclude<Step, { kind: 'wait' }>,
  host: Host,
  options: ApplyOptions,
): Promise<void> {
  const { desired } = options;
  switch (step.kind) {
    case 'pull-image':
      return pullImage(host, step.reference, options.onProgress);
    case 'write-file-secret': {
      const file = desired.fileSecrets.find(({ name }) => name === step.name);
      return file && writeSecret(host, file.name, file.text);
    }
    case 'write-generation':
      return writeGeneration(step.number, host, options);
    case 'write-static': {
      const unit = desired.staticUnits.find(({ path }) => path === step.path);
      if (!unit) return;
      host.files.makeDirectory(STATIC_UNITS);
      host.files.writeText(unit.path, unit.text);
      return;
    }
    case 'stop':
      forgetEnds(host, step.instances);
      await stopUnits(host, step.instances.map(instanceService));
      for (const name of step.instances) host.files.remove(`${RUNNING}/${name}`);
      return;
    case 'activate':
      return host.files.symlink(`generations/${step.number}`, CURRENT);
    case 'link-quadlets':
      host.files.makeDirectory(QUADLET_DIRECTORY);
      return host.files.symlink(QUADLET_LINK_TARGET, QUADLET_LINK);
    case 'prune':
      for (const number of step.numbers) {
        // First out of sight: killed in the middle, no half of a generation is taken for a whole one.
        host.files.remove(STAGING);
        host.files.rename(generationPath(number), STAGING);
        host.files.remove(STAGING);
      }
      return;
    case 'reload':
      return reload(host, desired);
    case 'enable':
      return enableUnit(host, step.unit);
    case 'remove-file-secrets':
      for (const name of step.names) await removeSecret(host, name);
      return;
    case 'load-host-rules':
      return requireDone(
        await restartUnits(host, [HOST_RULES_UNIT]),
        `systemctl restart ${HOST_RULES_UNIT}`,
      );
    case 'make-network':
      return restartAlone(host, `${step.name}-network.service`);
    case 'load-shim':
      return requireDone(await restartUnits(host, [SHIM_UNIT]), `systemctl restart ${SHIM_UNIT}`);
    case 'stop-tunnels':
      return stopUnits(host, step.instances.map(tunnelService));
    case 'start-tunnels':
      // Why one does not come up is told at the end, with all others.
      await restartUnits(host, step.instances.map(tunnelService));
      return;
    case 'remove-network':
      return dropNetwork(step.name, host, options.onWarning);
    case 'update-guard':
      return updateGuard(step.instance, host, desired);
    case 'make-lan':
      return makeLan(host, step.instance, desired);
    case 'start':
      // How each one ended is told by the wait that follows, with its last log lines.
      await startUnits(host, [TARGET_UNIT, ...step.instances.map(instanceService)]);
      return;
    case 'restart':
      await restartUnits(host, [instanceService(step.instance)]);
      return;
    case 'restart-together':
      return restartTogether(host, step.instances);
  }
}

/** Beside the others under a name that nothing reads, checked, then renamed: whole or not at all. */
async function writeGeneration(number: number, host: Host, options: ApplyOptions): Promise<void> {
  const { desired, version } = options;
  const images = new Map(options.images);
  if (host.root === null) {
    const pulled = desired.images.filter((reference) => !images.has(reference));
    for (const [reference, digest] of await imageDigests(host, pulled)) {
      images.set(reference, digest);
    }
  }
  const manifest = buildManifest(desired, {
    ibq: version,
    generation: number,
    createdAt: new Date(host.now()).toISOString(),
    configFile: options.configFile,
    images: Object.fromEntries(images),
  });
  host.files.remove(STAGING);
  host.files.makeDirectory(GENERATIONS);
  // Before what is named with it.
  if (desired.fileSecrets.length > 0 && !host.files.exists(FILE_KEY)) {
    host.files.writeText(FILE_KEY, desired.fileKey, 0o600);
  }
  const files = [...desired.files, { path: 'manifest.json', text: formatManifest(manifest) }];
  try {
    host.files.writeTree(STAGING, files, desired.links);
    if (host.root === null) {
      for (const warning of await checkGeneration(host, STAGING, desired)) {
        options.onWarning(warning);
      }
    }
  } catch (error) {
    host.files.remove(STAGING);
    throw error;
  }
  host.files.remove(generationPath(number));
  host.files.rename(STAGING, generationPath(number));
}

async function reload(host: Host, desired: Desired): Promise<void> {
  await reloadUnits(host);
  const wanted = [
    ...desired.instances.map(({ service, definition }) => ({ service, definition })),
    ...desired.networks.map(({ service }) => ({ service, definition: null })),
  ];
  if (wanted.length === 0) return;
  const units = await showUnits(
    host,
    wanted.map(({ service }) => service),
  );
  // A service whose own files were refused is still there, made of the template alone.
  const missing = wanted
    .filter(({ service, definition }) => {
      const unit = units.get(service);
      return unit?.load !== 'loaded' || (definition && !unit.environment.includes(definition));
    })
    .map(({ service }) => service);
  if (missing.length === 0) return;
  const log = await host.run([
    'journalctl',
    '--quiet',
    '--boot',
    '--no-pager',
    '--output=cat',
    '--lines=10',
    '--identifier=quadlet-generator',
  ]);
  throw new UserError(
    `systemd did not load ${missing.join(', ')} although the generator made them before the switch; ${log.stdout.trim() || 'see "journalctl -b -t quadlet-generator"'}`,
  );
}

/**
 * The network first, its unit last: the unit is the trace by which a killed removal is found again. Starts come
 * after it, and what is only left over is no reason to leave gateways down.
 */
async function dropNetwork(
  name: string,
  host: Host,
  onWarning: ApplyOptions['onWarning'],
): Promise<void> {
  try {
    if (await removeNetwork(host, name)) return await stopUnits(host, [`${name}-network.service`]);
    onWarning(
      `network ${name} is no longer wanted but a container uses it: "podman ps --filter network=${name}"`,
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    onWarning(`network ${name} is no longer wanted, and could not be removed: ${error.message}`);
  }
}

/** A new table takes the place of the old one in one transaction; open connections stay open. */
async function updateGuard(name: string, host: Host, desired: Desired): Promise<void> {
  const instance = desired.instances.find((wanted) => wanted.name === name);
  const running = readRunning(host.files, [name]).get(name);
  // It ended in the meantime: its next start loads the new rules.
  if (!instance || !running) return;
  const guard = liveGuard(instance, running);
  const argv = ['nsenter', '-t', String(running.pid), '-n', 'nft', '-f', '-'] as const;
  const result = await host.run(argv, { input: guard });
  if (result.exitCode !== 0) {
    throw new UserError(
      `the guard of ${name} could not be updated: ${result.stderr.trim()}; the old rules are still in force`,
      ExitCode.failed,
    );
  }
  host.files.makeDirectory(`${RUNNING}/${name}`);
  host.files.writeText(`${RUNNING}/${name}/guard.nft`, guard, 0o600);
  if (running.foundAgain) host.files.writeText(`${RUNNING}/${name}/state`, running.foundAgain);
}
