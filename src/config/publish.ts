/** Who may open the API port over the network, and on which address of the host it is published. */

import {
  type Cidr,
  cidrContains,
  cidrCovers,
  cidrsOverlap,
  type Ipv4,
  ipv4ToNumber,
  isPrivate,
  parseCidr,
  prefixOf,
  sizeOf,
} from '../network/ipv4.ts';
import { hasBridge, hasLan } from '../network/modes.ts';
import { roomOf } from '../network/publish-network.ts';
import { complain, type Layer, lookup } from './layer.ts';
import type { Report } from './report.ts';
import { KEYS } from './schema.ts';
import type { NetworkConfig } from './types.ts';

const LOOPBACK = '127.0.0.0/8' as Cidr;

/** Names of joined networks in `allow`. */
export function readAllowNetworks(layers: readonly Layer[]): string[] {
  const entries = (lookup('network.allow', layers)?.value ?? []) as string[];
  return [...new Set(entries.filter((text) => parseCidr(text) === null))];
}

/** Without entries that others cover: nftables refuses intervals that overlap. */
export function readAllow(
  layers: readonly Layer[],
  report: Report,
  risksAccepted: readonly string[],
): Cidr[] {
  const accepted = [...risksAccepted, lookup('publish.accept_risk', layers)?.value];
  const set = lookup('network.allow', layers);
  const entries = ((set?.value ?? []) as string[]).flatMap((text) => parseCidr(text) ?? []);
  for (const entry of entries) {
    if (prefixOf(entry) === 0) {
      if (accepted.includes('open-api')) continue;
      complain(
        set,
        'should name who is allowed, got everybody (0.0.0.0/0): the IB API has no password; if you ' +
          'know that nobody else reaches the ports, set publish.accept_risk = "open-api"',
        report,
      );
    } else if (!isPrivate(entry) && set) {
      report.warn({ file: set.file, key: 'network.allow', message: `${entry} is not private` });
    }
  }
  const unique = [...new Set(entries)];
  const kept = unique.filter(
    (entry) => !unique.some((other) => other !== entry && cidrCovers(other, entry)),
  );
  // Everybody in pieces, such as 0.0.0.0/1 and 128.0.0.0/1, is everybody.
  const together = kept.reduce((sum, entry) => sum + sizeOf(entry), 0);
  const whole = kept.some((entry) => prefixOf(entry) === 0);
  if (together > 2 ** 31 && !whole && !accepted.includes('open-api')) {
    complain(
      set,
      'should name who is allowed, got more than half of all addresses together: the IB API has no ' +
        'password; if you know that nobody else reaches the ports, set publish.accept_risk = "open-api"',
      report,
    );
  }
  return kept;
}

/** The address that ports are published on. Another than loopback is reachable over the network. */
export function resolvePublishAddress(
  layers: readonly Layer[],
  network: NetworkConfig,
  report: Report,
): Ipv4 {
  const set = lookup('publish.address', layers);
  const address = (set?.value ?? KEYS.get('publish.address')?.default) as Ipv4;
  if (cidrContains(LOOPBACK, address)) {
    if (!hasLan(network.mode) && network.allow.length > 0 && set) {
      const message = `has no effect on ports published on ${address}`;
      report.warn({ file: set.file, key: 'network.allow', message });
    }
    return address;
  }
  const first = ipv4ToNumber(address) >>> 24;
  if ((first === 0 && address !== '0.0.0.0') || first >= 224) {
    complain(set, `should be an address of the host, got ${address}`, report);
  } else if (network.mode === 'lan') {
    complain(
      set,
      `should be left out in mode "lan", which publishes nothing, got ${address}`,
      report,
    );
  } else if (network.allow.length === 0) {
    complain(
      set,
      `${address} needs network.allow, the clients that may open the ports; or write "127.0.0.1"`,
      report,
    );
  }
  return address;
}

/** Subnet of the bridge as the user chose it. Whether it is in use is for the host to say. */
export function resolvePublishSubnet(
  layers: readonly Layer[],
  network: NetworkConfig,
  instances: number,
  report: Report,
): Cidr | null {
  const set = lookup('publish.subnet', layers);
  const subnet = set ? parseCidr(String(set.value)) : null;
  if (subnet === null) return null;
  const room = roomOf(subnet);
  if (!isPrivate(subnet)) {
    complain(set, `should be private (10/8, 172.16/12, 192.168/16), got ${subnet}`, report);
  } else if (room < instances) {
    complain(
      set,
      `should have room for ${instances} instances, got ${subnet} with room for ${Math.max(0, room)}`,
      report,
    );
  } else if (network.lan !== null && cidrsOverlap(subnet, network.lan.subnet)) {
    complain(set, `should lie outside network.subnet ${network.lan.subnet}, got ${subnet}`, report);
  } else if (!hasBridge(network.mode)) {
    const message = `has no effect in mode "${network.mode}", which has no bridge`;
    report.warn({ file: set?.file ?? '', key: 'publish.subnet', message });
  }
  return subnet;
}
