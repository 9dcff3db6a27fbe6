/** Where this host sends what is for an instance: rules and tables of everybody count, so the kernel is asked. */

import { cidrContains, type Ipv4 } from '../network/ipv4.ts';
import { field, listOf, parseJson, textOf } from '../network/json.ts';
import { parseLocalAddresses } from '../network/proc.ts';
import type { FileReader, HostReader } from './host.ts';
import { podmanSubnets } from './podman-networks.ts';

/** What is for its address on the bridge leaves by another link: a VPN's rule goes before the host's own routes. */
export interface Astray {
  address: Ipv4;
  subnet: string;
  device: string;
}

/** @param pid a process in its network @returns null where the way is right, or nobody tells */
export async function findAstray(host: HostReader, pid: number): Promise<Astray | null> {
  const place = onBridge(host.files, pid);
  if (place === null) return null;
  const result = await host.run(['ip', '-json', 'route', 'get', place.address]);
  const device = textOf(field(listOf(parseJson(result.stdout))[0], 'dev'));
  return device === null || device.startsWith('ibq') ? null : { ...place, device };
}

function onBridge(files: FileReader, pid: number): { address: Ipv4; subnet: string } | null {
  const { entries } = parseLocalAddresses(files.readText(`/proc/${pid}/net/fib_trie`) ?? '');
  for (const subnet of podmanSubnets(files, 'ibq-publish-')) {
    const address = entries.find((it) => cidrContains(subnet, it));
    if (address !== undefined) return { address, subnet };
  }
  return null;
}

export function describeAstray({ address, device }: Astray): string {
  return `this host sends what is for ${address} to ${device}: a rule goes before its own routes ("ip rule", a VPN's)`;
}

/** Before Tailscale's rules (5210 and up), and after those of the kernel and of people. */
export function mendAstray({ subnet }: Astray): string {
  return `sudo ip rule add pref 5200 to ${subnet} lookup main`;
}
