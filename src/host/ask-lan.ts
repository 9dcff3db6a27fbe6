/** Asks the LAN whether addresses are in use: one ARP request each, made by the host's own kernel. */

import { createSocket } from 'node:dgram';
import { type Cidr, cidrContains, type Ipv4 } from '../network/ipv4.ts';
import { parseNeighbours } from '../network/proc.ts';
import type { HostReader } from './host.ts';

/** A machine that is awake answers in some milliseconds. */
const PATIENCE_MS = 500;
const PAUSE_MS = 25;
/** The discard service: whoever has the address does nothing with what arrives. */
const DISCARD_PORT = 9;

/**
 * An answer is always somebody else's: a macvlan or ipvlan never answers the interface it hangs on.
 * Silence proves nothing for tomorrow; it is why a range outside the DHCP server's is asked for.
 *
 * @param subnet connected on the host; addresses outside it are not asked for
 * @returns MAC by address, of those that answered within half a second
 */
export async function askLan(
  host: HostReader,
  subnet: Cidr,
  addresses: readonly Ipv4[],
): Promise<Map<Ipv4, string>> {
  const asked = addresses.filter((address) => cidrContains(subnet, address));
  const found = new Map<Ipv4, string>();
  if (asked.length === 0) return found;
  const socket = createSocket('udp4');
  // Unreachable is an answer too, and no reason to stop.
  socket.on('error', () => {});
  try {
    for (const address of asked) socket.send('', DISCARD_PORT, address, () => {});
    const deadline = host.now() + PATIENCE_MS;
    while (host.now() < deadline && found.size < asked.length) {
      await host.sleep(PAUSE_MS);
      const { entries } = parseNeighbours(host.files.readText('/proc/net/arp') ?? '');
      for (const { address, mac } of entries) {
        if (asked.includes(address) && mac !== null) found.set(address, mac);
      }
    }
  } finally {
    socket.close();
  }
  return found;
}
