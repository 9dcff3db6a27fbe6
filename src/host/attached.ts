/** Looks up the networks and sidecars that instances name: in the user's Quadlet files, and in Podman's own. */

import type { Config } from '../config/types.ts';
import type { AttachedNetwork, Found, Sidecar } from '../network/attached.ts';
import { type Cidr, ipv4FromNumber, networkOf, parseCidr, parseIpv4 } from '../network/ipv4.ts';
import { field, listOf, parseJson, textOf } from '../network/json.ts';
import type { HostFacts } from '../plan/facts.ts';
import { QUADLET_DIRECTORY } from '../plan/paths.ts';
import { get, getAll, parseUnit, type UnitFile } from '../quadlet/unit-file.ts';
import type { FileReader } from './host.ts';
import { readPodmanNetwork } from './podman-networks.ts';

/** Podman's default network has no file until somebody changes it (containers/common, libnetwork/netavark). */
const DEFAULT_NETWORK: AttachedNetwork = {
  bridge: 'podman0',
  subnet: '10.88.0.0/16' as Cidr,
  gateway: '10.88.0.1' as AttachedNetwork['gateway'],
};

export function readAttached(
  files: FileReader,
  { instances }: Config,
): Pick<HostFacts, 'attached' | 'sidecars'> {
  const joins = new Set(instances.flatMap(({ settings }) => settings.network.join));
  const units = new Set(instances.flatMap(({ settings }) => settings.network.via ?? []));
  return {
    attached: new Map([...joins].map((name) => [name, findNetwork(files, name)])),
    sidecars: new Map([...units].map((unit) => [unit, findSidecar(files, unit)])),
  };
}

/** @param name a Quadlet network of the user's (`trader.network`), or a network's name in Podman */
function findNetwork(files: FileReader, name: string): Found<AttachedNetwork> {
  if (!name.endsWith('.network'))
    return lookUpInPodman(files, name, `podman network create ${name}`);
  const unit = readUnit(files, name);
  if (unit === null) return unusable(`should be a file in ${QUADLET_DIRECTORY}, is not there`);
  const stem = name.slice(0, -'.network'.length);
  const inPodman = get(unit, 'Network', 'NetworkName') ?? `systemd-${stem}`;
  return lookUpInPodman(files, inPodman, `systemctl start ${stem}-network.service`);
}

function lookUpInPodman(files: FileReader, name: string, make: string): Found<AttachedNetwork> {
  const text = readPodmanNetwork(files, name);
  if (text === null && name === 'podman') return { kind: 'found', value: DEFAULT_NETWORK };
  if (text === null) {
    return unusable(`should be there, Podman has no network ${name} yet; run "sudo ${make}" first`);
  }
  const network = parseJson(text);
  const driver = textOf(field(network, 'driver'));
  if (driver !== 'bridge') return unusable(`should be a bridge, network ${name} is ${driver}`);
  const first = listOf(field(network, 'subnets'))
    .map((it) => ({
      subnet: parseCidr(textOf(field(it, 'subnet')) ?? ''),
      gateway: parseIpv4(textOf(field(it, 'gateway')) ?? ''),
    }))
    .find(({ subnet }) => subnet !== null);
  if (!first?.subnet) return unusable(`should have an IPv4 subnet, network ${name} has none`);
  // Without one, as in an internal network, the host has the first address.
  const gateway = first.gateway ?? ipv4FromNumber(networkOf(first.subnet) + 1);
  const bridge = textOf(field(network, 'network_interface')) ?? '';
  return { kind: 'found', value: { bridge, subnet: first.subnet, gateway } };
}

/** @param unit a Quadlet container of the user's, `wireguard.container` */
function findSidecar(files: FileReader, unit: string): Found<Sidecar> {
  const text = readUnit(files, unit);
  if (text === null) return unusable(`should be a file in ${QUADLET_DIRECTORY}, is not there`);
  const wanted = getAll(text, 'Container', 'Network').map((value) => value.split(':')[0] ?? '');
  const names = wanted.length === 0 ? ['podman'] : wanted;
  const networks: AttachedNetwork[] = [];
  for (const name of names) {
    const found = findNetwork(files, name);
    if (found.kind === 'unusable') return unusable(`its network ${name} ${found.reason}`);
    networks.push(found.value);
  }
  const published = getAll(text, 'Container', 'PublishPort');
  return { kind: 'found', value: { networks, published } };
}

/** A unit of the user's with its drop-ins, as one text; null: there is none. */
function readUnit(files: FileReader, name: string): UnitFile | null {
  const text = files.readText(`${QUADLET_DIRECTORY}/${name}`);
  if (text === null) return null;
  const directory = `${QUADLET_DIRECTORY}/${name}.d`;
  const dropIns = files
    .list(directory)
    .filter((file) => file.endsWith('.conf'))
    .sort()
    .map((file) => files.readText(`${directory}/${file}`) ?? '');
  return parseUnit([text, ...dropIns].join('\n'));
}

function unusable(reason: string): { kind: 'unusable'; reason: string } {
  return { kind: 'unusable', reason };
}
