/** `assemblePlan(desired, installed)`: pure, so that a dry run can't leak. */

import { KEYS } from '../config/schema.ts';
import { guardForRunning, sameButForElements } from '../network/guard.ts';
import { asText, type Desired, type DesiredInstance } from './desired.ts';
import { diffText } from './diff.ts';
import type { Installed, RunningInstance, Runtime } from './installed.ts';
import { type ManifestInstance, sha256 } from './manifest.ts';
import { instanceLink, instanceOf, instanceService, TARGET_UNIT, TEMPLATE_UNIT } from './paths.ts';
import type { Change, Plan, Step } from './plan.ts';
import { restartGroups } from './start-needs.ts';
import { isActive, isOutdated, isStopped, isUnrecorded } from './state.ts';
import { tunnelChanges, tunnelOfPath, tunnelSteps, tunnelsLoaded } from './tunnels.ts';

/** How many generations stay on disk beside the current one. */
const GENERATIONS_KEPT = 20;

export interface PlanOptions {
  /** Leave what does not run as it is. */
  noStart: boolean;
  /** Don't wait for the API of what was started. */
  noWait: boolean;
  /** Restart running instances whose definition changed: each costs a login. */
  restartChanged: boolean;
  /** Instances whose login IBKR refused until they were ended: they are not started. */
  refusedLogins: readonly string[];
  /** Of instances that are restarted, those whose ports each takes over; empty where nobody looked. */
  portBlockers: ReadonlyMap<string, ReadonlySet<string>>;
  /** Wanted images that are not on the host; empty where nobody looked. */
  missingImages: readonly string[];
  /** Files of the user's that Podman does not keep yet, by the names of their secrets; empty where nobody looked. */
  missingFileSecrets: readonly string[];
  /** Those that no generation needs any more. */
  surplusFileSecrets: readonly string[];
}

export function assemblePlan(desired: Desired, installed: Installed, options: PlanOptions): Plan {
  const drift = findDrift(installed);
  const changed = drift.length > 0 || !sameFiles(desired, installed);
  const from = installed.manifest?.generation ?? null;
  const generation = changed ? { from, to: (installed.generations.at(-1) ?? 0) + 1 } : null;
  const changes = [
    ...instanceChanges(desired, installed, options),
    ...tunnelChanges(desired, installed, options),
    ...fileChanges(desired, installed),
  ];
  return {
    generation,
    changes,
    steps: assembleSteps(desired, installed, options, generation?.to ?? null),
    drift,
    warnings: [],
  };
}

/** Files and links of the current generation that are not what their generation's manifest says. */
export function findDrift({
  manifest,
  files,
  links,
}: Pick<Installed, 'manifest' | 'files' | 'links'>): string[] {
  if (manifest === null) return [];
  const changed = Object.entries(manifest.files).filter(([path, digest]) => {
    const text = files.get(path) ?? null;
    return text === null || sha256(text) !== digest;
  });
  const unlinked = Object.keys(manifest.instances)
    .map(instanceLink)
    .filter((path) => links.get(path) !== TEMPLATE_UNIT);
  return [...changed.map(([path]) => path), ...unlinked];
}

function sameFiles(desired: Desired, { manifest }: Installed): boolean {
  if (manifest === null) return desired.files.length === 0;
  const known = manifest.files;
  return (
    Object.keys(known).length === desired.files.length &&
    desired.files.every(({ path, text }) => known[path] === sha256(text))
  );
}

function instanceChanges(desired: Desired, installed: Installed, options: PlanOptions): Change[] {
  const before = installed.manifest?.instances ?? {};
  const { runtime } = installed;
  const wanted = desired.instances.flatMap((instance): Change[] => {
    const old = before[instance.name];
    const active = isActive(runtime, instance.name);
    const outdated = isOutdated(instance, runtime);
    const stays = options.noStart || options.refusedLogins.includes(instance.name);
    const startCost = stays || runtime === null ? 'none' : 'start';
    const diff = instanceDiff(instance, installed);
    const change = { instance: instance.name, diff };
    if (!old) return [{ ...change, kind: 'add', cost: startCost, because: ['new'] }];
    // An input that shows in no file of the instance changes nothing for it.
    const changed = diff !== '' || old.definition !== instance.definition;
    if (changed || outdated) {
      const unchanged = isUnrecorded(runtime, instance.name)
        ? 'nothing shows that its guard was loaded'
        : 'not restarted since its last change';
      const because = changed ? reasons(old, instance, installed) : [unchanged];
      const cost = active ? (outdated ? 'new-login' : 'none') : startCost;
      return [{ ...change, kind: 'change', cost, because }];
    }
    if (runtime !== null && !active && !stays) {
      return [{ ...change, kind: 'change', cost: 'start', because: ['not running'] }];
    }
    return [];
  });
  const removed = removedInstances(desired, installed).map(
    (name): Change => ({
      kind: 'remove',
      instance: name,
      cost: isActive(runtime, name) ? 'stop' : 'none',
      because: ['no longer configured'],
      diff: removedFilesDiff(name, installed),
    }),
  );
  return [...wanted, ...removed];
}

/** The keys that a change comes from; without one it is ibq's own doing, or somebody's who edited a file, or the guard follows the others. */
function reasons(
  old: ManifestInstance,
  { definition, inputs, files, guard, name }: DesiredInstance,
  installed: Installed,
): string[] {
  const keys = new Set([...Object.keys(old.inputs), ...Object.keys(inputs)]);
  const changed = [...keys]
    .filter((key) => old.inputs[key] !== inputs[key] && !isNewKey(key, old, inputs))
    .sort();
  if (changed.length > 0) return changed;
  const drift = findDrift(installed);
  if (files.some(({ path }) => drift.includes(path))) return ['edited by hand'];
  const before = installed.files.get(`guard/${name}.nft`) ?? '';
  const onlyElements = old.definition === definition && sameButForElements(before, guard);
  return [onlyElements ? 'addresses of other instances' : 'ibq version'];
}

/** A key that the ibq of before did not know, and that nobody has set: what it stands for was so before as well. */
function isNewKey(
  key: string,
  old: Pick<ManifestInstance, 'inputs'>,
  inputs: DesiredInstance['inputs'],
): boolean {
  if (key in old.inputs || CHANGES_BY_DEFAULT.has(key)) return false;
  const unset = KEYS.get(key)?.default;
  return unset !== undefined && unset !== null && inputs[key] === asText(unset);
}

/** What came with a later ibq and makes another container of it although nobody set it. */
const CHANGES_BY_DEFAULT: ReadonlySet<string> = new Set(['user_namespace']);

/** Of the last generation, and those left over from a deploy that was killed after its switch. */
function removedInstances(desired: Desired, { manifest, runtime }: Installed): string[] {
  const wanted = new Set<string>(desired.instances.map(({ name }) => name));
  const known = new Set(Object.keys(manifest?.instances ?? {}));
  for (const [name, unit] of runtime?.instances ?? []) {
    if (unit.definition !== null && unit.active !== 'inactive') known.add(name);
  }
  return [...known].filter((name) => !wanted.has(name)).sort();
}

/** Everything that belongs to no single instance: template, networks, host rules, plain units. */
function fileChanges(desired: Desired, installed: Installed): Change[] {
  const shared = desired.files.filter(
    ({ path }) => !desired.instanceFiles.has(path) && tunnelOfPath(path) === null,
  );
  const wanted = new Map(shared.map(({ path, text }) => [path, text]));
  const changes: Change[] = [];
  const compare = (file: string, before: string | null, after: string | null) => {
    if (before === after) return;
    const kind = before === null ? 'add' : after === null ? 'remove' : 'change';
    const diff = diffText(file, before ?? '', after ?? '');
    changes.push({ kind, file, cost: 'none', because: [], diff });
  };
  for (const [path, text] of wanted) compare(path, installed.files.get(path) ?? null, text);
  for (const [path, text] of installed.files) {
    const ofInstance = desired.instanceFiles.has(path) || instanceOf(path) !== null;
    const apart = ofInstance || tunnelOfPath(path) !== null;
    if (!wanted.has(path) && !apart) compare(path, text, null);
  }
  for (const { path, text } of desired.staticUnits) {
    compare(path, installed.staticUnits.get(path) ?? null, text);
  }
  return changes;
}

function instanceDiff(instance: DesiredInstance, { files }: Installed): string {
  return instance.files
    .map(({ path, text }) => diffText(path, files.get(path) ?? '', text))
    .filter(Boolean)
    .join('\n');
}

function removedFilesDiff(name: string, { files }: Installed): string {
  return [...files]
    .filter(([path]) => instanceOf(path) === name)
    .map(([path, text]) => diffText(path, text ?? '', ''))
    .filter(Boolean)
    .join('\n');
}

function assembleSteps(
  desired: Desired,
  installed: Installed,
  options: PlanOptions,
  generation: number | null,
): Step[] {
  const { runtime } = installed;
  const steps: Step[] = options.missingImages.map((reference) => ({
    kind: 'pull-image',
    reference,
  }));
  for (const { name, instance, path } of desired.fileSecrets) {
    if (!options.missingFileSecrets.includes(name)) continue;
    steps.push({ kind: 'write-file-secret', name, instance, path });
  }
  if (generation !== null) steps.push({ kind: 'write-generation', number: generation });
  for (const { path, text } of desired.staticUnits) {
    if (installed.staticUnits.get(path) !== text) steps.push({ kind: 'write-static', path });
  }
  const removed = removedInstances(desired, installed).filter((name) => !isStopped(runtime, name));
  // Before the switch: a unit that no longer generates has lost its ExecStop.
  if (removed.length > 0) steps.push({ kind: 'stop', instances: removed });
  const shown = generation ?? (installed.currentLost ? installed.manifest?.generation : null);
  if (shown) steps.push({ kind: 'activate', number: shown });
  if (!installed.quadletLinked) steps.push({ kind: 'link-quadlets' });
  // As it will be after the switch: the next deploy should find nothing to do.
  const current = generation ?? installed.manifest?.generation;
  const old = installed.generations.filter((it) => it !== current);
  const surplus = old.slice(0, Math.max(0, old.length - GENERATIONS_KEPT));
  if (surplus.length > 0) steps.push({ kind: 'prune', numbers: surplus });
  if (runtime !== null) steps.push(...runtimeSteps(desired, runtime, options, steps));
  return steps;
}

function runtimeSteps(
  desired: Desired,
  runtime: Runtime,
  options: PlanOptions,
  fileSteps: readonly Step[],
): Step[] {
  const steps: Step[] = [];
  const filesMove = fileSteps.some(({ kind }) =>
    ['activate', 'write-static', 'link-quadlets'].includes(kind),
  );
  if (!runtime.targetEnabled) steps.push({ kind: 'enable', unit: TARGET_UNIT });
  const stale = runtime.staticUnitsStale || !loadedAsWanted(desired, runtime);
  if (filesMove || stale || !runtime.targetEnabled) steps.push({ kind: 'reload' });
  if (options.surplusFileSecrets.length > 0) {
    steps.push({ kind: 'remove-file-secrets', names: [...options.surplusFileSecrets] });
  }
  if (desired.hostRules !== null && runtime.hostRules !== desired.hostRules) {
    steps.push({ kind: 'load-host-rules' });
  }
  for (const instance of desired.instances) {
    const running = runtime.running.get(instance.name);
    if (!running || !isActive(runtime, instance.name)) continue;
    const lost = runtime.unguarded.has(instance.name) || running.foundAgain !== undefined;
    if (lost || running.guard !== liveGuard(instance, running)) {
      steps.push({ kind: 'update-guard', instance: instance.name });
    }
  }
  // Behind its guard, whose rules name it.
  for (const { name, definition } of desired.instances) {
    const settled = runtime.running.get(name)?.definition === definition;
    if (settled && runtime.lanLost.has(name)) steps.push({ kind: 'make-lan', instance: name });
  }
  for (const name of lostNetworks(desired, runtime)) steps.push({ kind: 'make-network', name });
  // After the guards: who may not get in counts, even where the host can't have its address.
  if (runtime.shim !== desired.shim) steps.push({ kind: 'load-shim' });
  steps.push(...tunnelSteps(desired, runtime, options));
  if (options.restartChanged) {
    const outdated = desired.instances.filter((it) => isOutdated(it, runtime));
    const names = outdated.map(({ name }) => name);
    for (const instances of restartGroups(names, options.portBlockers)) {
      const [instance = '', ...others] = instances;
      steps.push(
        others.length === 0
          ? { kind: 'restart', instance }
          : { kind: 'restart-together', instances },
      );
      if (!options.noWait) steps.push({ kind: 'wait', instances });
    }
  }
  // An instance that has not moved yet still uses the network of its old definition.
  if (options.restartChanged || !desired.instances.some((it) => isOutdated(it, runtime))) {
    steps.push(...removedNetworks(desired, runtime));
  }
  const idle = desired.instances
    .map(({ name }) => name)
    .filter((name) => !isActive(runtime, name) && !options.refusedLogins.includes(name));
  if (idle.length > 0 && !options.noStart) {
    steps.push({ kind: 'start', instances: idle });
    if (!options.noWait) steps.push({ kind: 'wait', instances: idle });
  }
  return steps;
}

/** What systemd has in memory is what the wanted files say. */
function loadedAsWanted(desired: Desired, runtime: Runtime): boolean {
  const instances = desired.instances.every(({ name, definition }) => {
    const unit = runtime.instances.get(name);
    return unit?.load === 'loaded' && unit.definition === definition;
  });
  const networks = desired.networks.every(
    ({ name }) => runtime.networks.get(name)?.load === 'loaded',
  );
  const wanted = new Set(desired.instances.map(({ name }) => instanceService(name)));
  const target = runtime.targetWants.filter((unit) => unit.startsWith('ib-gateway@'));
  return (
    instances &&
    networks &&
    tunnelsLoaded(desired, runtime) &&
    target.every((unit) => wanted.has(unit))
  );
}

/**
 * Wanted networks that Podman has no more while their units say that they were made: no start would make them, and
 * each would fail. A unit that is not active makes its own at the next start.
 */
function lostNetworks(desired: Desired, { networks, definedNetworks }: Runtime): string[] {
  const wanted = desired.networks.map(({ name }) => name);
  return wanted.filter(
    (name) => networks.get(name)?.active === 'active' && !definedNetworks.includes(name),
  );
}

/**
 * Networks of ibq's that no wanted instance names. Traces that a killed deploy leaves: the network's definition, or its unit still active.
 */
function removedNetworks(desired: Desired, runtime: Runtime): Step[] {
  const wanted = new Set(desired.networks.map(({ name }) => name));
  const active = [...runtime.networks]
    .filter(([, unit]) => unit.active === 'active')
    .map(([name]) => name);
  return [...new Set([...runtime.definedNetworks, ...active])]
    .filter((name) => !wanted.has(name))
    .sort()
    .map((name) => ({ kind: 'remove-network', name }));
}

/** The rules that a running instance should have before any restart. */
export function liveGuard(
  { definition, guard }: Pick<DesiredInstance, 'definition' | 'guard'>,
  running: RunningInstance,
): string {
  return running.definition === definition ? guard : guardForRunning(running.guard, guard);
}
