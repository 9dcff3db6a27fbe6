/** What the configuration wants of the host's addresses and the host does not have. Pure. */

import type { Config, Place } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import { type Cidr, cidrContains } from '../network/ipv4.ts';
import type { HostFacts } from './facts.ts';

const LOOPBACK = '127.0.0.0/8' as Cidr;

/** Where a key of the LAN was set: what network.toml pins, unless something else said so. */
export function placeOfLan(
  { lanPlaces = {} }: Config,
  { rangeFile }: Pick<HostFacts, 'rangeFile'>,
  key: keyof NonNullable<Config['lanPlaces']>,
): Place {
  return lanPlaces[key] ?? { file: rangeFile, key: `network.${key}` };
}

/** Podman can publish on an address of this host only. It would find out when an instance starts. */
export function publishAddressProblem(
  { network, publish, instances }: Config,
  { hostAddresses, nonlocalBind, configFile }: HostFacts,
): Problem | null {
  const { address } = publish;
  if (network.mode === 'lan' || instances.length === 0 || hostAddresses.length === 0) return null;
  if (nonlocalBind || address === '0.0.0.0' || cidrContains(LOOPBACK, address)) return null;
  if (hostAddresses.includes(address)) return null;
  const others = hostAddresses.filter((it) => !cidrContains(LOOPBACK, it));
  return {
    file: configFile,
    key: 'publish.address',
    message: `should be an address of this host (it has ${others.join(', ')}), got ${address}`,
  };
}

/** Instances that go out over the LAN need a router there that is not this host: macvlan never reaches its own host. */
export function gatewayProblem(config: Config, facts: HostFacts): Problem | null {
  const { lan, egress } = config.network;
  const { instances } = config;
  const { hostAddresses } = facts;
  if (lan === null || egress !== 'lan' || instances.length === 0) return null;
  if (!hostAddresses.includes(lan.gateway)) return null;
  return {
    ...placeOfLan(config, facts, 'gateway'),
    message: `should be a router of the LAN, got ${lan.gateway}, which is this host itself: instances would have no way out; set the router, or network.egress = "host" in mode "dual"`,
  };
}
