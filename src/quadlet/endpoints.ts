/** What of a container can be reached, and where the host publishes it. */

import type { Config, Instance, Port, SideService } from '../config/types.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import type { Cidr, Ipv4 } from '../network/ipv4.ts';
import { publishesBeyondLoopback } from '../network/modes.ts';

type Service = 'api' | SideService;

export interface Endpoint {
  service: Service;
  /** Port that the container listens on. */
  inside: number;
  /** Address and port of the host; null: nothing is published, as in mode `lan`. */
  published: { address: Ipv4; port: Port } | null;
}

/** What allowed clients of the LAN may open; the rest is for the host. */
export const LAN_SERVICES: readonly Service[] = ['api', 'paper', 'vnc'];

const LOOPBACK = '127.0.0.1' as Ipv4;

/** The API first; in mode `both` that is the live one. Ways to the screen are published on loopback alone. */
export function endpointsOf(config: Config, instance: Instance, profile: Profile): Endpoint[] {
  const { port, sidePorts, mode } = instance;
  const ports = profile.ports(instance);
  const [first, second] = halvesOf(mode);
  if (config.network.mode === 'host') return hostEndpoints(config, instance, profile);
  const address = publishAddressOf(config, instance);
  const all: [Service, number | null, Port | undefined, Ipv4][] = [
    ['api', first ? ports.api[first] : null, port, address],
    ['paper', second ? ports.api[second] : null, sidePorts.paper, address],
    ['vnc', ports.vnc, sidePorts.vnc, LOOPBACK],
    ['rdp', ports.rdp, sidePorts.rdp, LOOPBACK],
    ['supervisor', ports.supervisor, sidePorts.supervisor, LOOPBACK],
  ];
  return all.flatMap(([service, inside, number, at]): Endpoint[] => {
    if (inside === null || number === undefined) return [];
    const kept = !instance.settings.network.publish && (service === 'api' || service === 'paper');
    const published = kept || config.network.mode === 'lan' ? null : { address: at, port: number };
    return [{ service, inside, published }];
  });
}

/** Where the API is published: on loopback alone, where a tunnel is the only way in. */
export function publishAddressOf(
  { publish }: Pick<Config, 'publish'>,
  { settings }: Pick<Instance, 'settings'>,
): Ipv4 {
  return settings.ssh.mode === 'yes' ? LOOPBACK : publish.address;
}

/** Clients of the network that may open it: none, where a tunnel is the only way in. */
export function allowOf(
  { network }: Pick<Config, 'network'>,
  { settings }: Pick<Instance, 'settings'>,
): readonly Cidr[] {
  return settings.ssh.mode === 'yes' ? [] : network.allow;
}

/**
 * In the host's own network nothing is published: what listens is reached. On loopback that is the gateway
 * itself, from elsewhere its relay.
 */
function hostEndpoints(config: Config, instance: Instance, profile: Profile): Endpoint[] {
  const { api, gateway } = profile.ports(instance);
  const address = publishAddressOf(config, instance);
  const beyond = publishesBeyondLoopback(address);
  const services: readonly Service[] = ['api', 'paper'];
  const apis = halvesOf(instance.mode).map((half, index): Endpoint => {
    const inside = beyond ? api[half] : gateway[half];
    const published = { address, port: inside as Port };
    return { service: services[index] ?? 'api', inside, published };
  });
  const { paper: _, ...screens } = instance.sidePorts;
  return [
    ...apis,
    ...Object.entries(screens).map(([service, port]): Endpoint => {
      const published = { address: LOOPBACK, port };
      return { service: service as SideService, inside: port, published };
    }),
  ];
}

/** `127.0.0.1:4001`. */
export function publishText({ published }: Endpoint): string | null {
  return published && `${published.address}:${published.port}`;
}

/** Ports by who may open them, for the guard. */
export function guardedPorts(endpoints: readonly Endpoint[]): {
  host: number[];
  published: number[];
  lan: number[];
} {
  const inside = (services: readonly Service[]) =>
    endpoints.filter(({ service }) => services.includes(service)).map((it) => it.inside);
  return {
    // The host comes to what is published, and asks the rest from inside.
    host: endpoints.filter((it) => it.published !== null).map((it) => it.inside),
    published: inside(['api', 'paper']),
    lan: inside(LAN_SERVICES),
  };
}
