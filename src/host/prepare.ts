/** From a valid configuration to a plan that can be carried out on this host, or a refusal. */

import type { Config } from '../config/types.ts';
import { ExitCode, UserError } from '../errors.ts';
import { listenerInTheWay, parseListeners } from '../network/listeners.ts';
import { assemblePlan, type PlanOptions } from '../plan/assemble.ts';
import { assembleDesired, type Desired } from '../plan/desired.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Installed } from '../plan/installed.ts';
import type { Plan } from '../plan/plan.ts';
import { readFacts } from './facts.ts';
import { withFreeAddresses } from './free-addresses.ts';
import type { HostReader } from './host.ts';
import { readCurrentManifest, readInstalled } from './installed.ts';
import { memoryWarning } from './memory.ts';
import { type PodmanFacts, readPodman } from './podman.ts';

export interface Prepared {
  desired: Desired;
  installed: Installed;
  plan: Plan;
  /** Digest of each wanted image that is on this host, by reference; empty where Podman was not asked. */
  images: ReadonlyMap<string, string>;
}

export interface PrepareOptions extends Omit<PlanOptions, 'missingImages'> {
  /**
   * Ask the LAN whether new addresses are free. That leaves a trace in the kernel's table of
   * neighbours: a deploy does it, a plan that is only shown does not.
   */
  askLan: boolean;
}

/**
 * Podman is asked only when there is something to do: a deploy without changes costs one
 * `systemctl show`.
 *
 * @throws ConfigError; UserError (69) for a missing part, (78) for a missing secret
 */
export async function preparePlan(
  host: HostReader,
  config: Config,
  configFile: string,
  options: PrepareOptions,
): Promise<Prepared> {
  const manifest = readCurrentManifest(host.files);
  const facts = readFacts(host, config, configFile);
  const live = host.root === null;
  const first = assembleDesired(config, facts, manifest);
  const askHost = (starts: boolean) =>
    Promise.all([readPodman(host, first.images), starts ? memoryWarning(config.instances) : null]);
  const [installed, early, { desired, skipped }] = await Promise.all([
    readInstalled(host, {
      instances: first.instances.map(({ name }) => name),
      networks: first.networks.map(({ name }) => name),
      staticUnits: first.staticUnits.map(({ path }) => path),
    }),
    // A first deploy has something to do for sure: it need not wait for systemd's answer.
    live && manifest === null && first.instances.length > 0 ? askHost(!options.noStart) : null,
    live && options.askLan
      ? withFreeAddresses(host, { config, facts, manifest, desired: first })
      : { desired: first, skipped: [] },
  ]);
  const plan = assemblePlan(desired, installed, { ...options, missingImages: [] });
  if (!live || plan.steps.length === 0) return { desired, installed, plan, images: new Map() };

  const starting = plan.steps.flatMap((step) => (step.kind === 'start' ? step.instances : []));
  const starts = starting.length > 0 || plan.steps.some(({ kind }) => kind === 'restart');
  const shim = plan.steps.some(({ kind }) => kind === 'load-shim') && desired.shim !== null;
  if (starts || shim) requireParentUp(config, facts);
  const stopping = plan.steps.flatMap((step) => (step.kind === 'stop' ? step.instances : []));
  const freed = stopping.map((name) => manifest?.instances[name]?.publish);
  requirePortsFree(host, desired, starting, new Set(freed));
  const [podman, memory] = early ?? (await askHost(starts));
  requireSecrets(desired, podman);
  const missingImages = desired.images.filter((reference) => !podman.images.has(reference));
  requirePullable(missingImages);
  return {
    desired,
    installed,
    images: podman.images,
    plan: {
      ...assemblePlan(desired, installed, { ...options, missingImages }),
      warnings: [...skipped, ...(memory === null ? [] : [memory])],
    },
  };
}

/** A gateway that is stopped for a restart would not come back. */
function requireParentUp({ network }: Config, { interfaces }: HostFacts): void {
  if (network.lan === null) return;
  const name = network.lan.interface;
  if (interfaces.get(name)?.up !== false) return;
  throw new UserError(
    `interface ${name}, which carries the LAN of the instances, is down; run "sudo ip link set ${name} up"; nothing was changed`,
    ExitCode.missingPart,
  );
}

/**
 * Podman would find out only after the switch.
 *
 * @param freed ports of instances that the plan stops first: a renamed one takes over its own
 */
function requirePortsFree(
  host: HostReader,
  desired: Desired,
  starting: readonly string[],
  freed: ReadonlySet<string | null | undefined>,
): void {
  const listeners = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    parseListeners(host.files.readText(path) ?? ''),
  );
  const taken = desired.instances.flatMap(({ name, publish }) => {
    if (publish === null || freed.has(publish) || !starting.includes(name)) return [];
    const [address = '', port = ''] = publish.split(':');
    if (!listenerInTheWay(listeners, address, Number(port))) return [];
    return `instance ${name}: its port ${publish} is taken by another program ("sudo ss -ltnp sport = :${port}" names it); end that, or set another port`;
  });
  if (taken.length > 0) throw new UserError(`${taken.join('\n')}\nnothing was changed`);
}

function requireSecrets(desired: Desired, podman: PodmanFacts): void {
  const missing = desired.instances.flatMap(({ name, secrets }) =>
    secrets
      .filter((secret) => secret.required && !podman.secrets.has(secret.name))
      .map(
        ({ key }) =>
          `instance ${name}: its ${key} is not set; run "sudo ibq secret set ${name} ${key}"`,
      ),
  );
  if (missing.length > 0) throw new UserError(missing.join('\n'), ExitCode.badConfiguration);
}

/** Images under `localhost/` are built on the host: no registry has them. */
function requirePullable(missingImages: readonly string[]): void {
  const local = missingImages.filter((reference) => reference.startsWith('localhost/'));
  if (local.length === 0) return;
  throw new UserError(
    `image ${local.join(', ')} is not on this host; build or load it first ("podman images" lists what is there)`,
    ExitCode.missingPart,
  );
}
