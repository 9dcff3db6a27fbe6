/** Where a file that is replaced is kept. */

import type { Host } from '../host/host.ts';

/** @returns the path, or with `.2` and so on where that is taken */
export function freeName(host: Host, wanted: string): string {
  let name = wanted;
  for (let n = 2; host.files.exists(name); n++) name = `${wanted}.${n}`;
  return name;
}
