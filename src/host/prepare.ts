/** From a valid configuration to a plan that can be carried out on this host, or a refusal. */

import type { Config } from '../config/types.ts';
import { ConfigError, ExitCode, type Problem, UserError } from '../errors.ts';
import { shimAddress } from '../network/address-plan.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import { listenerInTheWay, parseListeners } from '../network/listeners.ts';
import { assemblePlan, type PlanOptions } from '../plan/assemble.ts';
import { assembleDesired, type Desired } from '../plan/desired.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Installed } from '../plan/installed.ts';
import type { Manifest } from '../plan/manifest.ts';
import type { Plan } from '../plan/plan.ts';
import { readFacts } from './facts.ts';
import type { HostReader } from './host.ts';
import { readCurrentManifest, readInstalled } from './installed.ts';
import { askLan } from './lan-ask.ts';
import { memoryWarning } from './memory.ts';
import { type PodmanFacts, readPodman } from './podman.ts';

/** A machine that is awake answers for its address in some milliseconds. */
const ANSWER_MS = 400;

export interface Prepared {
  desired: Desired;
  installed: Installed;
  plan: Plan;
  /** Digest of each wanted image that is on this host, by reference; empty where Podman was not asked. */
  images: ReadonlyMap<string, string>;
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
  options: Omit<PlanOptions, 'missingImages'>,
): Promise<Prepared> {
  const manifest = readCurrentManifest(host.files);
  const facts = readFacts(host, config, configFile);
  const live = host.root === null;
  const { desired, skipped } = live
    ? await withFreeAddresses(host, config, facts, manifest)
    : { desired: assembleDesired(config, facts, manifest), skipped: [] };
  const askHost = (starts: boolean) =>
    Promise.all([
      readPodman(host, desired.images),
      starts ? memoryWarning(config.instances) : null,
    ]);
  const [installed, early] = await Promise.all([
    readInstalled(host, {
      instances: desired.instances.map(({ name }) => name),
      networks: desired.networks.map(({ name }) => name),
      staticUnits: desired.staticUnits.map(({ path }) => path),
    }),
    // A first deploy has something to do for sure: it need not wait for systemd's answer.
    live && manifest === null && desired.instances.length > 0 ? askHost(!options.noStart) : null,
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

/**
 * Before an address is given out the LAN is asked whether somebody has it. One that ibq would have
 * given is then skipped, and the next one asked for; one that the user chose is refused.
 *
 * @throws ConfigError naming whose MAC has a chosen address
 */
async function withFreeAddresses(
  host: HostReader,
  config: Config,
  facts: HostFacts,
  manifest: Manifest | null,
): Promise<{ desired: Desired; skipped: string[] }> {
  const { lan } = config.network;
  const asked = new Set<Ipv4>();
  const taken = new Map<Ipv4, string>();
  for (;;) {
    const answered = [...taken.keys()];
    const desired = assembleDesired(config, { ...facts, answered }, manifest);
    const addresses = newAddresses(config, desired, facts, manifest).filter((it) => !asked.has(it));
    // On an interface that is down nobody can ask; what needs it up says so itself.
    const down = lan !== null && facts.interfaces.get(lan.interface)?.up === false;
    if (lan === null || down || addresses.length === 0) {
      const skipped = [...taken].map(
        ([address, mac]) => `${address} is in use on the LAN by ${mac}; it is not given out`,
      );
      return { desired, skipped };
    }
    const answers = await askLan(host, { device: lan.interface, addresses, waitMs: ANSWER_MS });
    refuseTaken(config, answers, facts);
    for (const address of addresses) asked.add(address);
    for (const [address, mac] of answers) taken.set(address, mac);
  }
}

/** Of instances that had another one or none, and the host's among them. */
function newAddresses(
  { network }: Config,
  desired: Desired,
  facts: HostFacts,
  manifest: Manifest | null,
): Ipv4[] {
  const fresh = desired.instances.flatMap(({ name, lan }) =>
    lan &&
    manifest?.instances[name]?.lan?.address !== lan.address &&
    !facts.held.get(name)?.includes(lan.address)
      ? lan.address
      : [],
  );
  if (network.lan === null || desired.shim === null) return fresh;
  const shim = shimAddress(network.lan);
  return facts.hostAddresses.includes(shim) ? fresh : [...fresh, shim];
}

/** A chosen address is not replaced by another. */
function refuseTaken(
  { instances, network }: Config,
  answers: ReadonlyMap<Ipv4, string>,
  { rangeFile }: HostFacts,
): void {
  const inUse = (address: Ipv4) => `${address} is in use on the LAN by ${answers.get(address)}`;
  const problems = instances.flatMap(({ file, settings }): Problem[] => {
    const { address } = settings;
    if (address === null || !answers.has(address)) return [];
    return [{ file, key: 'address', message: `should be free, ${inUse(address)}` }];
  });
  const shim = network.lan && network.hostAccess ? shimAddress(network.lan) : null;
  if (shim !== null && answers.has(shim)) {
    const message = `its last address should be free for the host (network.host_access), ${inUse(shim)}`;
    problems.push({ file: rangeFile, key: 'network.range', message });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/** A gateway that is stopped for a restart would not come back. */
function requireParentUp({ network }: Config, { interfaces }: HostFacts): void {
  if (network.lan === null || network.mode === 'bridge') return;
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
