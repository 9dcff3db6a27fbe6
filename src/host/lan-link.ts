/**
 * The interface of a running instance on the LAN. The kernel takes it away with its parent: a network card that is
 * plugged in anew, a VLAN or bond that is made again. The gateway runs on, and nobody of the LAN reaches it.
 */

import { lanInterface } from '../network/guard.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { ManifestInstance } from '../plan/manifest.ts';
import type { FileReader } from './host.ts';

/** @param instance as it runs */
export function hasLostLan(
  files: FileReader,
  instance: Pick<ManifestInstance, 'lan' | 'inputs'>,
  { pid }: Pick<RunningInstance, 'pid'>,
): boolean {
  if (instance.lan === null || instance.inputs['network.via'] !== undefined) return false;
  const devices = files.readText(`/proc/${pid}/net/dev`);
  return devices !== null && !new RegExp(`^\\s*${lanInterface}:`, 'm').test(devices);
}

export function lanLost(instance: Pick<ManifestInstance, 'inputs'>): string {
  const parent = instance.inputs['network.interface'] ?? 'the interface below it';
  return `its interface on the LAN is gone (${parent} was removed, or made anew): no client of the LAN reaches it; sudo ibq deploy makes it again, and costs no login`;
}
