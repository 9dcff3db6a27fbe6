/** SSH tunnels on this host: how each is, and what they need to be made. */

import { ExitCode, UserError } from '../errors.ts';
import type { Desired } from '../plan/desired.ts';
import type { ManifestInstance } from '../plan/manifest.ts';
import { type Part, TUNNEL_PARTS } from '../plan/parts.ts';
import { tunnelService } from '../plan/paths.ts';
import { KNOWN_HOSTS } from '../ssh/render.ts';
import { judgeTunnel, type TunnelState } from '../ssh/state.ts';
import type { FileReader, HostReader } from './host.ts';
import { unitLog } from './run-log.ts';
import { showUnits, type UnitState } from './systemd.ts';

/** Of a unit that does not run: the last words say why. */
const LOG_LINES = 20;

/**
 * One `systemctl show` for all; none where no instance has a tunnel.
 *
 * @param running instances whose gateway runs: a tunnel without one is not missing
 */
export async function observeTunnels(
  host: HostReader,
  instances: Readonly<Record<string, ManifestInstance>>,
  running: (name: string) => boolean,
): Promise<Map<string, TunnelState[]>> {
  const own = Object.entries(instances).filter(([, { tunnel }]) => tunnel !== null);
  if (own.length === 0) return new Map();
  const units = await showUnits(
    host,
    own.map(([name]) => tunnelService(name)),
  );
  const states = own.map(async ([name, { tunnel }]): Promise<[string, TunnelState[]]> => {
    if (tunnel === null) return [name, []];
    const unit = units.get(tunnelService(name)) ?? null;
    const log = unit && needsWhy(unit) ? await unitLog(host, unit, LOG_LINES) : [];
    return [name, judgeTunnel(tunnel, { unit, log, gatewayRuns: running(name) })];
  });
  return new Map(await Promise.all(states));
}

function needsWhy({ active, sub }: UnitState): boolean {
  return active === 'failed' || sub.startsWith('auto-restart');
}

/**
 * Before anything is switched: a tunnel that could not be made is told with what mends it.
 *
 * @throws UserError: 69 for a missing program, 78 for a host key that is not pinned
 */
export async function requireTunnels(host: HostReader, { instances }: Desired): Promise<void> {
  const own = instances.flatMap(({ name, tunnel }) =>
    tunnel?.via === 'host' ? [{ name, hostKeys: tunnel.hostKeys }] : [],
  );
  if (own.length === 0) return;
  const lacking = missingTunnelParts(host.files);
  if (lacking.length > 0) {
    const lines = lacking.map(
      (part) => `this host lacks ${part.id}, ${part.use}; install the package ${part.package}`,
    );
    throw new UserError(lines.join('\n'), ExitCode.missingPart);
  }
  const missing = await Promise.all(
    own.map(async ({ name, hostKeys }) => {
      const names = await unpinned(host, hostKeys);
      return names.length === 0
        ? []
        : [
            `instance ${name}: the host key of ${names.join(', ')} is not pinned; run "sudo ibq tunnel trust ${name}"`,
          ];
    }),
  );
  const lines = missing.flat();
  if (lines.length > 0) throw new UserError(lines.join('\n'), ExitCode.badConfiguration);
}

export function missingTunnelParts(files: FileReader): Part[] {
  return TUNNEL_PARTS.filter(({ paths }) => !paths.some((path) => files.exists(path)));
}

/** Names that known_hosts has no key for; ssh-keygen reads its patterns and hashes. */
export async function unpinned(host: HostReader, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const argv = ['ssh-keygen', '-F', name, '-f', KNOWN_HOSTS] as const;
      return (await host.run(argv)).exitCode === 0;
    }),
  );
  return names.filter((_, index) => !found[index]);
}
