/** Facts about firewalld, and about what netavark has told it. */

import type { FactValues } from '../../doctor/facts.ts';
import type { Manifest } from '../../plan/manifest.ts';
import type { HostReader } from '../host.ts';
import type { UnitState } from '../systemd.ts';

export const FIREWALLD_UNIT = 'firewalld.service';
/** Tells firewalld again of Podman's networks and ports, after each of its reloads (netavark ≥ 1.9). */
export const FIREWALLD_LISTENER = 'netavark-firewalld-reload.service';

export async function readFirewalld(
  host: HostReader,
  manifest: Manifest | null,
  units: ReadonlyMap<string, UnitState>,
): Promise<FactValues['firewalld']> {
  if (units.get(FIREWALLD_UNIT)?.active !== 'active') return null;
  const subnet = manifest?.publishSubnet ?? null;
  const [type, zone, lasting] = await Promise.all([
    host.run(['systemctl', 'show', '--property=Type', '--value', FIREWALLD_UNIT]),
    subnet === null ? null : zoneOf(host, subnet, []),
    subnet === null ? null : zoneOf(host, subnet, ['--permanent']),
  ]);
  const settings = host.files.readText('/etc/firewalld/firewalld.conf') ?? '';
  return {
    strict: /^\s*StrictForwardPorts\s*=\s*yes\b/im.test(settings),
    subnet,
    zone,
    lasting,
    // Of another type it counts as started before it can be told anything.
    listener: units.get(FIREWALLD_LISTENER)?.active === 'active' && type.stdout.trim() === 'dbus',
  };
}

/** The zone to which packets from a subnet belong; null: that of the interface, whichever it is. */
async function zoneOf(
  host: HostReader,
  subnet: string,
  options: readonly string[],
): Promise<string | null> {
  const result = await host.run(['firewall-cmd', ...options, `--get-zone-of-source=${subnet}`]);
  return result.exitCode === 0 ? result.stdout.trim() : null;
}
