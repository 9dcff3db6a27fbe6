/** Facts about SSH tunnels. No machine is asked: each tunnel has its own word for how it is. */

import { stat } from 'node:fs/promises';
import type { Config } from '../../config/types.ts';
import type { TunnelsFacts } from '../../doctor/facts.ts';
import type { Manifest } from '../../plan/manifest.ts';
import { KNOWN_HOSTS } from '../../ssh/render.ts';
import { machinesOf } from '../../ssh/tunnel.ts';
import type { HostReader } from '../host.ts';
import type { Observation } from '../observe.ts';
import { missingTunnelParts, observeTunnels, unpinned } from '../tunnels.ts';

/** Those that the image holds have no needs here. */
export async function readTunnels(
  host: HostReader,
  { instances }: Config,
  manifest: Manifest | null,
  observed: readonly Observation[],
): Promise<TunnelsFacts> {
  const own = instances.filter(({ settings: { ssh } }) => ssh.mode !== 'no' && ssh.via === 'host');
  const runs = (name: string) =>
    observed.some((it) => it.name === name && it.unit.active === 'active');
  const states = await observeTunnels(host, manifest?.instances ?? {}, runs);
  return {
    instances: await Promise.all(
      own.map(async (instance) => {
        const machines = machinesOf(instance).map(({ name }) => name);
        return { name: instance.name, unpinned: await unpinned(host, machines) };
      }),
    ),
    missingParts: missingTunnelParts(host.files),
    knownHosts: host.files.exists(KNOWN_HOSTS) ? await stat(KNOWN_HOSTS) : null,
    states: [...states].flatMap(([instance, all]) => all.map((state) => ({ instance, state }))),
  };
}
