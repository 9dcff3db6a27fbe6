/** What commands say of tunnels. */

import type { Context } from '../context.ts';
import type { Observation } from '../host/observe.ts';
import { observeTunnels } from '../host/tunnels.ts';
import type { ManifestInstance } from '../plan/manifest.ts';
import { describeTunnel, isWell, type TunnelState } from '../ssh/state.ts';

/** Longer than ssh takes to say why it gets no connection (render.ts, ConnectTimeout). */
const CONNECTING_MS = 20_000;
/** One that was made anew may find its port still taken by its own old connection: the next try comes soon. */
const DOWN_MS = 10_000;
const PAUSE_MS = 250;

/** A line for each that is not up, with where to look. */
export function tellTunnels(
  ui: Context['ui'],
  name: string,
  tunnels: readonly TunnelState[],
): void {
  const down = tunnels.filter((it) => !isWell(it));
  for (const tunnel of down) ui.tell(`${name}: ${describeTunnel(tunnel)}`);
  if (down.some(({ state }) => state === 'down')) {
    ui.tell(`${name}: → journalctl -u ibq-tunnel@${name}; docs/ssh-tunnels.md, "When it is down"`);
  }
}

/**
 * Tells of tunnels that are not up.
 *
 * @param patient something was done: waits until each is up, or says again and again why not
 * @returns whether one is down
 */
export async function reportTunnels(
  { host, ui }: Pick<Context, 'host' | 'ui'>,
  instances: Readonly<Record<string, ManifestInstance>>,
  observations: readonly Observation[],
  { patient }: { patient: boolean },
): Promise<boolean> {
  const active = new Set(
    observations.filter(({ unit }) => unit.active === 'active').map(({ name }) => name),
  );
  const start = host.now();
  for (;;) {
    const tunnels = await observeTunnels(host, instances, (name) => active.has(name));
    const all = [...tunnels.values()].flat();
    const waited = host.now() - start;
    const waits = all.some(
      ({ state }) =>
        (state === 'connecting' && waited < CONNECTING_MS) ||
        (state === 'down' && waited < DOWN_MS),
    );
    if (patient && waits) {
      await host.sleep(PAUSE_MS);
      continue;
    }
    for (const [name, states] of tunnels) tellTunnels(ui, name, states);
    return !all.every(isWell);
  }
}
