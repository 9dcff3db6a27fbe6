/** `network.toml`: a detection that a person agreed to, and from then on what counts. */

import { parse, stringify } from 'smol-toml';
import type { LanDriver } from '../config/types.ts';
import type { Detection, Selected } from './detect.ts';
import type { Cidr, Ipv4 } from './ipv4.ts';

export interface NetworkPin {
  interface: string;
  driver: LanDriver;
  subnet: Cidr;
  gateway: Ipv4;
  /** `null`: no free block was found, so instances get no LAN address. */
  range: Cidr | null;
  /** Written only where it is `bridge`: `dual` is the default wherever a range is pinned. */
  mode: 'dual' | 'bridge';
  source: {
    interface: 'detected' | 'override' | 'chosen';
    subnet: 'detected' | 'override';
    gateway: Selected['gatewaySource'];
    /** Milliseconds since the epoch. */
    detectedAt: number;
  };
}

/** Keys of `[network]` that a pin sets, in the order they are written and shown. */
const KEYS = ['mode', 'interface', 'driver', 'subnet', 'gateway', 'range'] as const;
type PinKey = (typeof KEYS)[number];
/** What a `network.toml` says, unchecked (the configuration's loader checks it); null: not set. */
export type PinnedValues = Record<PinKey, string | null>;

/**
 * @param detectedAt milliseconds since the epoch
 * @param options.chosen a person has chosen the interface among several
 */
export function pinOf(
  selected: Selected,
  overrides: Detection['overrides'],
  detectedAt: number,
  { chosen = false }: { chosen?: boolean } = {},
): NetworkPin {
  const { driver, subnet, gateway, range, mode } = selected;
  return {
    interface: selected.interface,
    driver,
    subnet,
    gateway,
    range,
    mode,
    source: {
      interface: overrides.NETWORK_INTERFACE !== null ? 'override' : chosen ? 'chosen' : 'detected',
      subnet: overrides.NETWORK_SUBNET === null ? 'detected' : 'override',
      gateway: selected.gatewaySource,
      detectedAt,
    },
  };
}

/** The text of `network.toml`. */
export function renderPin(pin: NetworkPin): string {
  const values = valuesOf(pin);
  const notes = notesOf(pin);
  const lines = KEYS.flatMap((key) => {
    const value = values[key];
    if (value === null && key !== 'range') return [];
    const setting = value === null ? '# range =' : stringify({ [key]: value }).trimEnd();
    return [`# ${notes[key]}`, setting];
  });
  const date = new Date(pin.source.detectedAt).toISOString().slice(0, 10);
  return `# The network of this host, written by "ibq network detect --write" on ${date}. This file decides,
# not what a later detection finds; that command replaces the whole of it. To set something
# else, write it under [network] in ibq.toml, which wins over this file.
[network]
${lines.join('\n')}
`;
}

/** The answer no to the question of the first deploy. */
export function declinedPin(answeredAt: number): string {
  const date = new Date(answeredAt).toISOString().slice(0, 10);
  return `# Written on ${date}, when "ibq deploy" asked whether instances get addresses on the LAN and the answer
# was no. "ibq network detect --write" replaces it.
[network]
mode = "bridge"
`;
}

function notesOf({ mode, driver, source }: NetworkPin): Record<PinKey, string> {
  return {
    mode:
      mode === 'bridge'
        ? 'no LAN addresses: the cloud drops them, or no range is free (ibq network detect says which)'
        : '',
    interface: {
      override: 'from NETWORK_INTERFACE',
      chosen: 'chosen among several private interfaces',
      detected: 'detected: the first interface with a private subnet',
    }[source.interface],
    driver:
      driver === 'ipvlan'
        ? 'Wi-Fi takes one MAC address only'
        : 'each instance has a MAC address of its own',
    subnet:
      source.subnet === 'override' ? 'from NETWORK_SUBNET' : 'detected: connected to the interface',
    gateway: {
      override: 'from NETWORK_GATEWAY',
      route: "detected: from the host's routes",
      assumed: 'assumed: no route names one, so the first address of the subnet',
    }[source.gateway],
    range:
      mode === 'bridge'
        ? 'not used in mode "bridge"; in mode "dual" or "lan" ibq would give out these addresses'
        : 'addresses ibq may give out: keep them outside the DHCP range of this network',
  };
}

/** The values of a pin as its file states them. */
export function valuesOf(pin: NetworkPin): PinnedValues {
  const { driver, subnet, gateway, range } = pin;
  const mode = pin.mode === 'bridge' ? 'bridge' : null;
  return { mode, interface: pin.interface, driver, subnet, gateway, range };
}

/** @throws TomlError (smol-toml) with line and column */
export function parsePin(text: string): PinnedValues {
  const { network } = parse(text);
  const table: Record<string, unknown> = typeof network === 'object' ? { ...network } : {};
  const values = KEYS.map((key) => {
    const value = table[key];
    return [key, typeof value === 'string' ? value : null];
  });
  return Object.fromEntries(values) as PinnedValues;
}

/** `gateway: 10.0.0.1 -> 10.0.0.254` for each key that differs; empty where none does. */
export function pinChanges(from: PinnedValues, to: PinnedValues): string[] {
  return KEYS.filter((key) => from[key] !== to[key]).map(
    (key) => `${key}: ${from[key] ?? '(not set)'} -> ${to[key] ?? '(not set)'}`,
  );
}
