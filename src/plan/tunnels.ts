/**
 * SSH tunnels in a plan. A tunnel follows its configuration at once: who is no longer named gets nothing any
 * more. That costs the connections through it, never a login; one whose definition stays is not touched.
 */

import type { Desired, DesiredInstance } from './desired.ts';
import { diffText } from './diff.ts';
import type { Installed, InstalledTunnel, Runtime } from './installed.ts';
import type { Change, Step } from './plan.ts';
import { hasStopped, isActive, isOutdated } from './state.ts';

export interface TunnelOptions {
  noStart: boolean;
  restartChanged: boolean;
}

/** `tunnel/4001/settings` → `4001`. */
export function tunnelOfPath(path: string): string | null {
  return /^tunnel\/(\w+)\//.exec(path)?.[1] ?? null;
}

/** A change for each tunnel whose files change, or that is not as its files say. */
export function tunnelChanges(
  desired: Desired,
  installed: Installed,
  options: TunnelOptions,
): Change[] {
  const { runtime, files } = installed;
  const wanted = new Map(
    desired.files
      .filter(({ path }) => tunnelOfPath(path) !== null)
      .map(({ path, text }) => [path, text]),
  );
  const paths = [...new Set([...wanted.keys(), ...files.keys()])];
  const moves = runtime === null ? null : tunnelMoves(desired, runtime, options);
  const names = new Set([
    ...paths.flatMap((path) => tunnelOfPath(path) ?? []),
    ...(moves?.start ?? []),
    ...(moves?.stop ?? []),
  ]);
  return [...names].sort().flatMap((name): Change[] => {
    const own = paths.filter((path) => tunnelOfPath(path) === name);
    const diff = own
      .map((path) => diffText(path, files.get(path) ?? '', wanted.get(path) ?? ''))
      .filter(Boolean)
      .join('\n');
    const moved = moves?.start.includes(name) || moves?.stop.includes(name);
    if (diff === '' && !moved) return [];
    const before = own.some((path) => files.has(path));
    const after = own.some((path) => wanted.has(path));
    const kind = !after ? 'remove' : before ? 'change' : 'add';
    const cut = moved && !hasStopped(runtime?.tunnels.get(name)?.active);
    const because =
      diff === '' ? [cut ? 'not as deployed' : 'not running'] : reasons(name, desired, installed);
    return [{ kind, file: `tunnel/${name}`, cost: cut ? 'connections' : 'none', because, diff }];
  });
}

/** Keys of the tunnel and of what it leads to. */
function reasons(name: string, desired: Desired, { manifest }: Installed): string[] {
  const before = manifest?.instances[name]?.inputs;
  const after = desired.instances.find((it) => it.name === name)?.inputs;
  if (before === undefined) return ['new'];
  if (after === undefined) return ['no longer configured'];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...keys].filter((key) => CONCERNED.test(key) && before[key] !== after[key]);
  return changed.length > 0 ? changed.sort() : ['ibq version'];
}

const CONCERNED =
  /^(?:ssh\.|vnc\.|rdp\.|port$|port\.|mode$|address$|network\.mode$|publish\.address$)/;

/** Before gateways start: theirs come up with them. */
export function tunnelSteps(desired: Desired, runtime: Runtime, options: TunnelOptions): Step[] {
  const { start, stop } = tunnelMoves(desired, runtime, options);
  return [
    ...(stop.length > 0 ? [{ kind: 'stop-tunnels' as const, instances: stop }] : []),
    ...(start.length > 0 ? [{ kind: 'start-tunnels' as const, instances: start }] : []),
  ];
}

/** What systemd has in memory of who brings up tunnels is what the wanted files say. */
export function tunnelsLoaded(desired: Desired, runtime: Runtime): boolean {
  return desired.instances.every(
    (instance) =>
      (runtime.tunnels.get(instance.name)?.wanted === true) === (held(instance) !== null),
  );
}

function tunnelMoves(
  desired: Desired,
  runtime: Runtime,
  options: TunnelOptions,
): { start: string[]; stop: string[] } {
  const wanted = desired.instances.filter((instance) => held(instance) !== null);
  const names = new Set<string>(wanted.map(({ name }) => name));
  return {
    stop: [...runtime.tunnels]
      .filter(([name, { active }]) => !names.has(name) && !hasStopped(active))
      .map(([name]) => name)
      .sort(),
    start: wanted
      .filter((instance) => shouldStart(instance, runtime, options))
      .map(({ name }) => name),
  };
}

function shouldStart(
  instance: DesiredInstance,
  runtime: Runtime,
  { noStart, restartChanged }: TunnelOptions,
): boolean {
  const wanted = held(instance);
  const running = runtime.tunnels.get(instance.name);
  if (wanted === null || !isActive(runtime, instance.name)) return false;
  const outdated = isOutdated(instance, runtime);
  // A restart of the gateway is one of its tunnels.
  if (outdated && restartChanged) return false;
  if (running === undefined || hasStopped(running.active)) return !noStart;
  if (running.definition === wanted.definition) return false;
  // Just now being made, by the start of its gateway.
  if (running.definition === null && running.active === 'activating') return false;
  return !(outdated && movesLater(running, wanted));
}

/**
 * The gateway is not yet where the tunnel is to lead: it moves together with it, at its restart. Not where a
 * machine is to get nothing any more.
 */
function movesLater(
  { leadsTo, targets }: InstalledTunnel,
  wanted: NonNullable<DesiredInstance['tunnel']>,
): boolean {
  const named = new Set(wanted.targets.map(({ target }) => target));
  return leadsTo !== null && leadsTo !== wanted.leadsTo && targets.every((it) => named.has(it));
}

/** The tunnel that this host is to hold; the image's own is the image's. */
function held({ tunnel }: DesiredInstance): DesiredInstance['tunnel'] {
  return tunnel?.via === 'host' ? tunnel : null;
}
