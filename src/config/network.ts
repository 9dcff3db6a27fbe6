/** The network of the configuration: each value from its layer, then all of them checked together. */

import {
  broadcastOf,
  type Cidr,
  cidrContains,
  cidrCovers,
  type Ipv4,
  ipv4ToNumber,
  isPrivate,
  makeCidr,
  networkOf,
  prefixOf,
  sizeOf,
} from '../network/ipv4.ts';
import { hasLan } from '../network/modes.ts';
import { growRange } from '../network/range.ts';
import {
  complain,
  type Effective,
  isBroken,
  type Layer,
  lookup,
  makeLayer,
  placeOf,
} from './layer.ts';
import { readAllow, readAllowNetworks } from './publish.ts';
import type { Report } from './report.ts';
import { KEYS } from './schema.ts';
import { show } from './text.ts';
import type { Config, Lan, LanDriver, NetworkConfig, NetworkMode } from './types.ts';
import { readValue } from './values.ts';

/** Overrides of the environment, one by one, by key id. */
const ENVIRONMENT_OVERRIDES: Readonly<Record<string, string>> = {
  NETWORK_INTERFACE: 'network.interface',
  NETWORK_SUBNET: 'network.subnet',
  NETWORK_GATEWAY: 'network.gateway',
};

const LAN_KEYS = [
  'network.interface',
  'network.subnet',
  'network.gateway',
  'network.range',
] as const;
const PIN = 'run "sudo ibq network detect --write"';

/** A layer for each variable that is set, so that a problem names it. An empty one counts as unset. */
export function environmentLayers(
  env: Readonly<Record<string, string | undefined>>,
  report: Report,
): Layer[] {
  return Object.entries(ENVIRONMENT_OVERRIDES).flatMap(([variable, id]) => {
    const text = env[variable];
    const spec = KEYS.get(id);
    if (text === undefined || text === '' || spec === undefined) return [];
    const layer = makeLayer('environment', variable);
    const value = readValue(spec.type, text, (message) =>
      report.problem({ file: variable, message }),
    );
    if (value === undefined) layer.broken.add(id);
    else layer.values.set(id, value);
    return [layer];
  });
}

/**
 * @param layers the environment's, then ibq.toml, then network.toml
 * @param instances how many addresses the range has to hold
 */
export function resolveNetwork(
  layers: readonly Layer[],
  instances: number,
  report: Report,
  risksAccepted: readonly string[],
): NetworkConfig {
  const found = new Map(LAN_KEYS.map((id) => [id, lookup(id, layers)]));
  const missing = LAN_KEYS.filter((id) => !found.get(id));
  const broken = LAN_KEYS.some((id) => isBroken(id, layers));
  const lan = missing.length === 0 ? makeLan(found, layers) : null;
  // The pinned values are checked in `bridge` too: they are there to be used later.
  const sound = lan !== null && checkLan(lan, found, report);
  const mode = chooseMode(layers, missing, broken, report);
  if (sound && hasLan(mode) && roomIn(lan) < instances) {
    const message =
      `should have room for ${instances} instances and an address of the host's own, ` +
      `got ${lan.range} with room for ${roomIn(lan)}; ` +
      growRange(lan, [makeCidr(ipv4ToNumber(lan.gateway), 32)], instances);
    complain(found.get('network.range'), message, report);
  }
  return {
    mode,
    egress: chooseEgress(layers, mode, report),
    hostAccess: readHostAccess(layers, mode, report),
    hostServices: readHostServices(layers, mode, report),
    linkLocal: lookup('network.link_local', layers)?.value === true,
    lan: hasLan(mode) ? lan : null,
    allow: readAllow(layers, report, risksAccepted),
    allowNetworks: readAllowNetworks(layers),
    routed: readRouted(layers, mode, lan, report),
  };
}

function chooseEgress(
  layers: readonly Layer[],
  mode: NetworkMode,
  report: Report,
): NetworkConfig['egress'] {
  const set = lookup('network.egress', layers);
  const only = mode === 'lan' ? 'lan' : mode === 'dual' ? null : 'host';
  if (set !== null && only !== null && set.value !== only) {
    const message = `should be ${show(only)} in mode ${show(mode)}, got ${show(set.value)}`;
    complain(set, message + whyBridge(layers), report);
  }
  return only ?? ((set?.value ?? 'host') as NetworkConfig['egress']);
}

function readHostAccess(layers: readonly Layer[], mode: NetworkMode, report: Report): boolean {
  const set = lookup('network.host_access', layers);
  if (set?.value === true && !hasLan(mode)) {
    const message = `should be false in mode ${show(mode)}: there are no LAN addresses to reach`;
    complain(set, message + whyBridge(layers), report);
  }
  return set?.value === true;
}

function readHostServices(
  layers: readonly Layer[],
  mode: NetworkMode,
  report: Report,
): NetworkConfig['hostServices'] {
  const set = lookup('network.host_services', layers);
  const names = (set?.value ?? []) as readonly string[];
  if (set !== null && names.length > 0 && mode === 'host') {
    const message = `should be empty in mode ${show(mode)}: there gateways are programs of the host`;
    complain(set, message, report);
  }
  if (names.includes('all')) return 'all';
  return [...new Set(names.map(Number))].sort((a, b) => a - b);
}

/** The host as a router: only what goes by the bridge is masqueraded at all. */
function readRouted(
  layers: readonly Layer[],
  mode: NetworkMode,
  lan: Lan | null,
  report: Report,
): Cidr | null {
  const set = lookup('network.masquerade', layers);
  if (set?.value !== false) return null;
  if (mode !== 'bridge') {
    const message = `should be true in mode ${show(mode)}: only mode "bridge" goes to the LAN by the host`;
    complain(set, message, report);
  } else if (lan === null) {
    complain(set, `needs network.subnet, the LAN that is meant; ${PIN}`, report);
  }
  return lan?.subnet ?? null;
}

/** How an instance comes to a LAN, where nobody asked for a network without one. */
export function whyBridge(layers: readonly Layer[]): string {
  return lookup('network.mode', layers) === null ? `; for a LAN ${PIN}` : '';
}

function makeLan(found: ReadonlyMap<string, Effective | null>, layers: readonly Layer[]): Lan {
  const text = (id: (typeof LAN_KEYS)[number]) => String(found.get(id)?.value);
  return {
    driver: (lookup('network.driver', layers)?.value ??
      KEYS.get('network.driver')?.default) as LanDriver,
    interface: text('network.interface'),
    subnet: text('network.subnet') as Cidr,
    gateway: text('network.gateway') as Ipv4,
    range: text('network.range') as Cidr,
  };
}

/** Whether the values fit one another. The one that is further from the interface is blamed. */
function checkLan(lan: Lan, found: ReadonlyMap<string, Effective | null>, report: Report): boolean {
  const subnet = found.get('network.subnet');
  const inSubnet = `${lan.subnet} (${subnet ? whereIs(subnet) : 'subnet'})`;
  const prefix = prefixOf(lan.subnet);
  if (prefix < 8 || prefix > 30) {
    complain(subnet, `should have a prefix from /8 to /30, got ${lan.subnet}`, report);
    return false;
  }
  let sound = true;
  const blame = (id: string, message: string) => {
    complain(found.get(id), message, report);
    sound = false;
  };
  if (!cidrContains(lan.subnet, lan.gateway)) {
    blame('network.gateway', `should lie in ${inSubnet}, got ${lan.gateway}`);
  } else if (isEdge(lan.subnet, lan.gateway)) {
    blame(
      'network.gateway',
      `should be a host's address, ${lan.gateway} is the network or broadcast address of ${inSubnet}`,
    );
  }
  if (!cidrCovers(lan.subnet, lan.range)) {
    blame('network.range', `should lie in ${inSubnet}, got ${lan.range}`);
  } else if (cidrContains(lan.range, lan.gateway)) {
    blame('network.range', `should not hold the gateway ${lan.gateway}, got ${lan.range}`);
  }
  if (sound && !isPrivate(lan.subnet)) {
    if (subnet)
      report.warn({ ...placeOf(subnet), message: `${lan.subnet} is not a private subnet` });
  }
  return sound;
}

/** Of the keys that the host can contradict; nothing where network.toml has set all of them. */
export function lanPlaces(layers: readonly Layer[]): Pick<Config, 'lanPlaces'> {
  const keys = ['interface', 'gateway', 'range', 'driver'] as const;
  const places = keys.flatMap((key) => {
    const set = lookup(`network.${key}`, layers);
    return set === null || set.origin === 'pin' ? [] : [[key, placeOf(set)] as const];
  });
  return places.length === 0 ? {} : { lanPlaces: Object.fromEntries(places) };
}

/** The mode that is set, or the best that the values allow. */
function chooseMode(
  layers: readonly Layer[],
  missing: readonly string[],
  broken: boolean,
  report: Report,
): NetworkMode {
  const set = lookup('network.mode', layers);
  if (set === null) {
    if (missing.length === 0) return 'dual';
    const given = LAN_KEYS.map((id) => lookup(id, layers)).find((value) => value !== null);
    if (given && !broken) {
      const message = `${missing.join(', ')} not set: no LAN addresses, bridge mode; ${PIN}`;
      report.warn({ file: given.file, message });
    }
    return 'bridge';
  }
  const mode = set.value as NetworkMode;
  if (hasLan(mode) && missing.length > 0 && !broken) {
    complain(set, `${show(mode)} needs ${missing.join(', ')}; ${PIN}`, report);
  }
  return mode;
}

function whereIs(value: Effective): string {
  const { file, key } = placeOf(value);
  return key ?? file;
}

function isEdge(subnet: Cidr, address: Ipv4): boolean {
  const value = ipv4ToNumber(address);
  return value === networkOf(subnet) || value === broadcastOf(subnet);
}

/** Addresses for instances: without the one kept for the host, and those that no host can have. */
function roomIn({ subnet, range }: Lan): number {
  const edges = [networkOf(subnet), broadcastOf(subnet)];
  const lost = edges.filter(
    (edge) => edge >= networkOf(range) && edge <= broadcastOf(range),
  ).length;
  return Math.max(0, sizeOf(range) - lost - 1);
}
