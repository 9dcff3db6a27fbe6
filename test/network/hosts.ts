/** The fixtures of test/fixtures/hosts, read as `--root DIR` reads them. */

import { readdirSync, readFileSync } from 'node:fs';
import type { FileReader } from '../../src/host/host.ts';
import { readNetworkFacts, readPodmanSubnets } from '../../src/host/network-facts.ts';
import { openHost } from '../../src/host/open.ts';
import { type Detection, detectNetwork } from '../../src/network/detect.ts';
import type { NetworkFacts } from '../../src/network/facts.ts';
import { type Cidr, parseCidr } from '../../src/network/ipv4.ts';
import type { Overrides } from '../../src/network/overrides.ts';
import { parsePin } from '../../src/network/pin.ts';

const HOSTS = new URL('../fixtures/hosts/', import.meta.url).pathname;

export const NO_OVERRIDES: Overrides = {
  NETWORK_INTERFACE: null,
  NETWORK_SUBNET: null,
  NETWORK_GATEWAY: null,
};

export function hostNames(): string[] {
  return readdirSync(HOSTS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

export function hostPath(name: string): string {
  return `${HOSTS}${name}`;
}

function factsOf(name: string): NetworkFacts {
  return readNetworkFacts(filesOf(name));
}

function filesOf(name: string): FileReader {
  return openHost({ root: hostPath(name), verbose: () => {} }).files;
}

/** What is detected on a host; a range that it has pinned is kept. */
export function detectHost(
  name: string,
  overrides: Partial<Overrides> = {},
  options: { instances?: number; pinnedRange?: Cidr | null } = {},
): Detection {
  const files = filesOf(name);
  const pin = files.readText('/etc/ibq/network.toml');
  const pinned = pin === null ? null : parseCidr(parsePin(pin).range ?? '');
  return detectNetwork(
    factsOf(name),
    { ...NO_OVERRIDES, ...overrides },
    { instances: 0, usedSubnets: readPodmanSubnets(files), pinnedRange: pinned, ...options },
  );
}

export function expectedOf(name: string): Detection {
  return JSON.parse(readFileSync(`${hostPath(name)}/expected.json`, 'utf8'));
}

/** Fails loudly where a test's own text is wrong. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`${text} is no subnet`);
  return parsed;
}
