/** Which way the kernel sends what, with the routes and rules of everybody: it is asked, not guessed from a table. */

import { type Ipv4, parseIpv4 } from '../network/ipv4.ts';
import { field, listOf, parseJson, textOf } from '../network/json.ts';
import { parseLocalAddresses } from '../network/proc.ts';
import type { HostReader } from './host.ts';

export interface Way {
  /** Null: there is none. */
  interface: string | null;
  gateway: Ipv4 | null;
  /** Name or number of its table; null: the main one. */
  table: string | null;
}

/** @returns null: nobody could tell */
export async function wayTo(host: HostReader, address: string): Promise<Way | null> {
  const result = await host.run(['ip', '-json', '-4', 'route', 'get', address]);
  if (result.failure !== null) return null;
  const route = listOf(parseJson(result.stdout))[0];
  // Without a route the kernel refuses to tell one.
  if (route === undefined && !/unreachable|prohibit|denied|Invalid/i.test(result.stderr))
    return null;
  const table = textOf(field(route, 'table'));
  return {
    interface: textOf(field(route, 'dev')),
    gateway: parseIpv4(textOf(field(route, 'gateway')) ?? ''),
    table: table === 'main' ? null : table,
  };
}

export interface Astray extends Way {
  address: Ipv4;
}

/**
 * An address of an instance on a bridge for which this host sends elsewhere: by the rule of a VPN that comes before
 * the main table (Tailscale's 52, with a subnet router that has such a subnet). Its published ports lead nowhere then.
 *
 * @param pid a process of the instance @param lan its address on the LAN, which is on no bridge
 */
export async function findAstray(
  host: HostReader,
  pid: number,
  lan: string | null,
): Promise<Astray | null> {
  const { entries } = parseLocalAddresses(host.files.readText(`/proc/${pid}/net/fib_trie`) ?? '');
  const onBridges = entries.filter((it) => it !== lan && !it.startsWith('127.'));
  const ways = await Promise.all(
    onBridges.map(async (address) => ({ address, way: await wayTo(host, address) })),
  );
  for (const { address, way } of ways) {
    if (way === null) continue;
    const bridge = way.interface !== null && isBridge(host, way.interface);
    if (!bridge) return { address, ...way };
  }
  return null;
}

function isBridge(host: HostReader, name: string): boolean {
  return host.files.exists(`/sys/class/net/${name}/bridge`);
}

/** `10.89.0.3 leaves by tailscale0 (table 52)`. */
export function describeAstray({ address, interface: by, table }: Astray): string {
  const how = by === null ? 'has no way' : `leaves by ${by}`;
  return `${address} ${how}${table === null ? '' : ` (table ${table})`}`;
}
