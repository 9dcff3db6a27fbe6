/**
 * A MAC address that stays with an instance: a new one at each start leaves stale ARP entries behind
 * (containers/podman#15164).
 */

import { createHash } from 'node:crypto';

/** Lower case, `02:…`. */
export type Mac = string & { readonly __brand: 'Mac' };

/**
 * Locally administered unicast address from the host's machine-id and the instance's name. Where
 * it is taken already, the next one of the same row is used.
 */
export function stableMac(machineId: string, instance: string, taken: ReadonlySet<string>): Mac {
  for (let round = 0; ; round++) {
    const bytes = createHash('sha256').update(`${machineId}\0${instance}\0${round}`).digest();
    // 02: bit 0 clear is unicast, bit 1 set is locally administered (IEEE 802).
    const mac = `02${bytes.toString('hex', 0, 5).replace(/../g, ':$&')}` as Mac;
    if (!taken.has(mac)) return mac;
  }
}
