/** Whether the gateways fit into the host's memory. */

import type { Instance } from '../config/types.ts';

/**
 * Heaps alone, against all memory of the host: more than that is certain to swap or be killed.
 * What a JVM needs beside its heap comes on top and is not guessed at.
 *
 * @returns a warning, or null
 */
export async function memoryWarning(instances: readonly Instance[]): Promise<string | null> {
  const heapMiB = instances.reduce((sum, { settings }) => sum + settings.java_heap, 0);
  const { mem } = (await import('systeminformation')).default;
  const totalMiB = Math.floor((await mem()).total / 1024 ** 2);
  if (heapMiB <= totalMiB) return null;
  return `${instances.length} gateways may take ${heapMiB} MB for their Java heaps alone, this host has ${totalMiB} MB; lower java_heap or run fewer`;
}
