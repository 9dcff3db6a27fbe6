/** What must hold before a plan is carried out: Podman would find out only after the switch. */

import { statfsSync } from 'node:fs';
import type { Config } from '../config/types.ts';
import { ExitCode, UserError } from '../errors.ts';
import { listenerInTheWay, nameOfHolder, parseListeners } from '../network/listeners.ts';
import type { Desired, DesiredInstance } from '../plan/desired.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Manifest } from '../plan/manifest.ts';
import { publishedOf, type Reachable } from '../plan/services.ts';
import type { HostReader } from './host.ts';
import { readListeners } from './listeners.ts';
import type { PodmanFacts } from './podman.ts';

/** A gateway that is stopped for a restart would not come back. */
export function requireParentUp({ network }: Config, { interfaces }: HostFacts): void {
  if (network.lan === null) return;
  const name = network.lan.interface;
  if (interfaces.get(name)?.up !== false) return;
  throw new UserError(
    `interface ${name}, which carries the LAN of the instances, is down; run "sudo ip link set ${name} up"; nothing was changed`,
    ExitCode.missingPart,
  );
}

export interface PortsInUse {
  /** Instances that the plan starts, and those that run. */
  starting: readonly string[];
  running: ReadonlySet<string>;
  /** Ports of instances that the plan stops first: a renamed one takes over its own. */
  freed: ReadonlySet<string>;
  manifest: Pick<Manifest, 'instances'> | null;
}

/**
 * Of what starts, and of what is new to a gateway that runs: stopped for its restart, it would not come
 * back. There another gateway may have the port, until that is restarted too.
 */
export function requirePortsFree(
  host: HostReader,
  instances: readonly (Reachable & Pick<DesiredInstance, 'name' | 'inputs'>)[],
  { starting, running, freed, manifest }: PortsInUse,
): void {
  const wanted = instances.flatMap((instance) => {
    const starts = starting.includes(instance.name);
    if (!starts && !running.has(instance.name)) return [];
    // In another container's network it is that one which publishes, and it may well run.
    if (instance.inputs['network.via'] !== undefined) return [];
    const old = manifest?.instances[instance.name];
    const own = new Set(old && !starts ? publishedOf(old).map(({ publish }) => publish) : []);
    return publishedOf(instance).flatMap(({ title, publish }) => {
      if (freed.has(publish) || own.has(publish)) return [];
      const [address = '', port = ''] = publish.split(':');
      return [{ name: instance.name, starts, title, publish, address, port: Number(port) }];
    });
  });
  const listeners = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    parseListeners(host.files.readText(path) ?? ''),
  );
  const inTheWay = wanted.filter(({ address, port }) => listenerInTheWay(listeners, address, port));
  if (inTheWay.length === 0) return;
  const holders = readListeners(host.files, new Set(inTheWay.map(({ port }) => port)));
  const strangers = holders.filter(({ unit }) => !unit.startsWith('ib-gateway@'));
  const taken = inTheWay.flatMap((it) => {
    const holder = listenerInTheWay(it.starts ? holders : strangers, it.address, it.port);
    return holder === undefined ? [] : [{ ...it, holder }];
  });
  if (taken.length === 0) return;
  const lines = taken.map(
    ({ name, title, publish, holder }) =>
      `instance ${name}: its ${title} ${publish} is taken by ${nameOfHolder(holder)}; stop that, or set another port`,
  );
  throw new UserError(`${lines.join('\n')}\nnothing was changed`);
}

/** Podman makes no directory of the host, and fails the start. */
export function requireHostPaths(
  host: HostReader,
  instances: readonly Pick<DesiredInstance, 'name' | 'hostPaths'>[],
): void {
  const missing = instances.flatMap(({ name, hostPaths }) =>
    hostPaths
      .filter((path) => !host.files.exists(path))
      .map(
        (path) =>
          `instance ${name}: ${path}, which its volumes name, is not there; make it ("sudo mkdir -p ${path}"), or correct volumes`,
      ),
  );
  if (missing.length === 0) return;
  throw new UserError(`${missing.join('\n')}\nnothing was changed`, ExitCode.badConfiguration);
}

/** File systems whose mounts can't be idmapped, by what statfs(2) calls them (linux/magic.h); Linux 6.12. */
const WITHOUT_IDMAPS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff53_4d42, 'CIFS'],
  [0xfe53_4d42, 'SMB'],
  [0x794c_7630, 'overlay'],
  [0x6573_5546, 'FUSE'],
  [0x0102_1997, '9p'],
]);

/** @param type `type` of statfs @returns the name of the file system; null: idmapped mounts are possible, or nobody knows */
export function withoutIdmaps(type: number): string | null {
  return WITHOUT_IDMAPS.get(type >>> 0) ?? null;
}

/** A gateway with users of its own would not come back from its restart: its volumes are idmapped. */
export function requireIdmaps(
  instances: readonly Pick<DesiredInstance, 'name' | 'hostPaths' | 'idBase'>[],
): void {
  const unfit = instances
    .filter(({ idBase }) => idBase !== null)
    .flatMap(({ name, hostPaths }) =>
      hostPaths.flatMap((path) => {
        const system = withoutIdmaps(statfsSync(path).type);
        return system === null
          ? []
          : `instance ${name}: ${path}, which its volumes name, is on a file system (${system}) whose owners can't be shown to users of its own; set user_namespace = false for it (docs/security.md), or another directory`;
      }),
    );
  if (unfit.length === 0) return;
  throw new UserError(`${unfit.join('\n')}\nnothing was changed`, ExitCode.badConfiguration);
}

export function requireSecrets(desired: Desired, podman: PodmanFacts): void {
  const missing = desired.instances.flatMap(({ name, secrets }) =>
    secrets
      .filter((secret) => secret.required && !podman.secrets.has(secret.name))
      .map(({ key, mend }) => `instance ${name}: its ${key} is not set; run "${mend}"`),
  );
  if (missing.length > 0) throw new UserError(missing.join('\n'), ExitCode.badConfiguration);
}

/** Images under `localhost/` are built on the host: no registry has them. */
export function requirePullable(missingImages: readonly string[]): void {
  const local = missingImages.filter((reference) => reference.startsWith('localhost/'));
  if (local.length === 0) return;
  throw new UserError(
    `image ${local.join(', ')} is not on this host; build or load it first ("podman images" lists what is there)`,
    ExitCode.missingPart,
  );
}
