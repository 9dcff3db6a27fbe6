/** What is told of services of this host that gateways can't reach. Pure. */

import type { Config } from '../config/types.ts';
import type { HostFacts } from './facts.ts';

/** @param before host.nft as it is deployed; null: nothing is */
export function hostServicesWarnings(
  { network, instances }: Config,
  { hostAddresses }: Pick<HostFacts, 'hostAddresses'>,
  before: string | null,
): string[] {
  const { hostServices, mode } = network;
  if (mode === 'host' || hostServices === 'all') return [];
  const closes = before !== null && !before.includes('chain from_gateways');
  const first = closes
    ? [
        'from this deploy on gateways reach no service of this host but name servers, and not 169.254.0.0/16: what they need of it is named in network.host_services and network.link_local (docs/networking.md)',
      ]
    : [];
  if (hostServices.length > 0) return first;
  const named = instances.flatMap(({ file, settings }) =>
    Object.entries(settings.hosts)
      .filter(([, address]) => hostAddresses.some((own) => own === address))
      .map(
        ([name, address]) =>
          `${file}: hosts.${name}: ${address} is this host, whose services are closed to gateways; name the port in network.host_services`,
      ),
  );
  return [...first, ...named];
}
