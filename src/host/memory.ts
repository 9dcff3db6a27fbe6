/** Whether the gateways fit into the host's memory. */

import type { Instance } from '../config/types.ts';
import { halvesOf } from '../images/profile.ts';

/**
 * Heaps alone, against all memory of the host: more than that is certain to swap or be killed.
 * What a JVM needs beside its heap comes on top and is not guessed at. Mode `both` has two.
 *
 * @returns a warning, or null
 */
export async function memoryWarning(instances: readonly Instance[]): Promise<string | null> {
  const gateways = instances.flatMap(({ mode, settings }) =>
    halvesOf(mode).map(() => settings.java_heap),
  );
  const heapMiB = gateways.reduce((sum, heap) => sum + heap, 0);
  const { mem } = (await import('systeminformation')).default;
  const totalMiB = Math.floor((await mem()).total / 1024 ** 2);
  if (heapMiB <= totalMiB) return null;
  return `${gateways.length} gateways may take ${heapMiB} MB for their Java heaps alone, this host has ${totalMiB} MB; lower java_heap or run fewer`;
}
