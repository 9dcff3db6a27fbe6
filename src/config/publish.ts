/** Who may open the API port over the network, and on which address of the host it is published. */

import {
  type Cidr,
  cidrContains,
  cidrCovers,
  type Ipv4,
  ipv4ToNumber,
  isPrivate,
  parseCidr,
  prefixOf,
} from '../network/ipv4.ts';
import { complain, type Layer, lookup } from './layer.ts';
import type { Report } from './report.ts';
import { KEYS } from './schema.ts';
import type { NetworkConfig } from './types.ts';

const LOOPBACK = '127.0.0.0/8' as Cidr;

/** Without entries that others cover: nftables refuses intervals that overlap. */
export function readAllow(layers: readonly Layer[], report: Report): Cidr[] {
  const set = lookup('network.allow', layers);
  const entries = ((set?.value ?? []) as string[]).flatMap((text) => parseCidr(text) ?? []);
  for (const entry of entries) {
    if (prefixOf(entry) === 0) {
      complain(
        set,
        'should name who is allowed, got everybody (0.0.0.0/0): the IB API has no password',
        report,
      );
    } else if (!isPrivate(entry) && set) {
      report.warn({ file: set.file, key: 'network.allow', message: `${entry} is not private` });
    }
  }
  const unique = [...new Set(entries)];
  return unique.filter(
    (entry) => !unique.some((other) => other !== entry && cidrCovers(other, entry)),
  );
}

/**
 * The address that ports are published on. Another than loopback is reachable over the network, and
 * in `dual` the answer to a LAN client would leave by the instance's LAN interface (podman's
 * netavark masquerades only what comes from loopback and the bridge): it would never arrive.
 */
export function resolvePublishAddress(
  layers: readonly Layer[],
  network: NetworkConfig,
  report: Report,
): Ipv4 {
  const set = lookup('publish.address', layers);
  const address = (set?.value ?? KEYS.get('publish.address')?.default) as Ipv4;
  if (cidrContains(LOOPBACK, address)) {
    if (network.mode === 'bridge' && network.allow.length > 0 && set) {
      const message = `has no effect on ports published on ${address}`;
      report.warn({ file: set.file, key: 'network.allow', message });
    }
    return address;
  }
  const first = ipv4ToNumber(address) >>> 24;
  if (address === '0.0.0.0') {
    complain(
      set,
      'should name one address of the host, got 0.0.0.0 (all of them, the public ones too)',
      report,
    );
  } else if (first === 0 || first >= 224) {
    complain(set, `should be an address of the host, got ${address}`, report);
  } else if (network.mode === 'dual') {
    complain(
      set,
      `should be 127.0.0.1 in mode "dual", got ${address}: answers to LAN clients would leave by the ` +
        "LAN interface of the instance and get lost; let them use the instance's own LAN address, or " +
        'set network.mode = "bridge"',
      report,
    );
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
