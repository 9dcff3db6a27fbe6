/** `manifest.json` of a generation: what it was made from, so that the next plan can compare. */

import { createHash } from 'node:crypto';
import type { SideService } from '../config/types.ts';
import type { Desired } from './desired.ts';

/** An instance as a generation holds it. */
export interface ManifestInstance {
  /** Hash of everything that a restart would put into force. */
  definition: string;
  mode: string;
  profile: string;
  image: string;
  /** `127.0.0.1:4001`; null where nothing is published. */
  publish: string | null;
  /** LAN address and MAC; null where its mode gives it none. */
  lan: ManifestLan | null;
  /** Port that the container listens on. */
  relayPort: number;
  /** What else can be reached: in mode `both` the paper API, and ways to the screen. */
  sideServices: readonly ManifestService[];
  /** Ports of IBC's command server in the container; none: it is off. */
  commandPorts: readonly number[];
  /** Machines that it is carried to by SSH; null: none. */
  tunnel: ManifestTunnel | null;
  /** Where the numbers of its users begin on the host; null: it has no user namespace. */
  idBase: number | null;
  /** Every input by its key, as text: tells which keys a change came from. */
  inputs: Readonly<Record<string, string>>;
}

interface ManifestService {
  service: SideService;
  /** Port that the container listens on. */
  relayPort: number;
  /** `127.0.0.1:5901`; null where it is not published. */
  publish: string | null;
}

interface ManifestTunnel {
  via: 'host' | 'image';
  /** Each with the places where it listens, `127.0.0.1:4001`. */
  targets: readonly { target: string; listens: readonly string[] }[];
}

interface ManifestLan {
  address: string;
  /** Null with ipvlan, which has its parent's. */
  mac: string | null;
}

export interface Manifest {
  schemaVersion: 1;
  /** Version of the ibq that wrote it. */
  ibq: string;
  generation: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** The ibq.toml that it was made from; null: there was none. */
  configFile: string | null;
  /** Subnet of the publish bridge. */
  publishSubnet: string | null;
  instances: Readonly<Record<string, ManifestInstance>>;
  /**
   * LAN addresses by instance. They are read back from here, so an instance keeps its own for life,
   * through a time in mode `bridge` too.
   */
  addresses: Readonly<Record<string, ManifestLan>>;
  /** Where the numbers of an instance's users begin on the host, by instance; read back from here, as addresses are. */
  idBases: Readonly<Record<string, number>>;
  /** Ports of the host that instances in its own network listen on, by instance. */
  hostPorts: Readonly<Record<string, readonly number[]>>;
  /** Podman networks of the generation. */
  networks: readonly string[];
  /** SHA-256 of each file, by path relative to the generation; the manifest itself is not among them. */
  files: Readonly<Record<string, string>>;
  /** Digest of each image at the time of the deploy, by reference. */
  images: Readonly<Record<string, string>>;
}

export function buildManifest(
  desired: Desired,
  made: {
    ibq: string;
    generation: number;
    createdAt: string;
    configFile: string | null;
    images: Record<string, string>;
  },
): Manifest {
  return {
    schemaVersion: 1,
    ibq: made.ibq,
    generation: made.generation,
    createdAt: made.createdAt,
    configFile: made.configFile,
    publishSubnet: desired.publishSubnet,
    instances: Object.fromEntries(
      desired.instances.map((instance) => [
        instance.name,
        {
          definition: instance.definition,
          mode: instance.mode,
          profile: instance.profile,
          image: instance.image,
          publish: instance.publish,
          lan: instance.lan,
          relayPort: instance.relayPort,
          sideServices: instance.sideServices,
          commandPorts: instance.commandPorts,
          tunnel: instance.tunnel && {
            via: instance.tunnel.via,
            targets: instance.tunnel.targets,
          },
          idBase: instance.idBase,
          inputs: instance.inputs,
        },
      ]),
    ),
    addresses: Object.fromEntries(desired.addresses),
    idBases: Object.fromEntries(desired.idBases),
    hostPorts: desired.hostPorts,
    networks: desired.networks.map((network) => network.name),
    files: Object.fromEntries(desired.files.map(({ path, text }) => [path, sha256(text)])),
    images: made.images,
  };
}

export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * Reads strictly what `formatManifest` wrote.
 *
 * @throws Error saying what is wrong; the caller knows the file
 */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`should be JSON (${error instanceof Error ? error.message : error})`);
  }
  if (!isRecord(value)) throw new Error('should be an object');
  if (value.schemaVersion !== 1) {
    const newer =
      Number(value.schemaVersion) > 1 ? ', which a newer ibq wrote: install that again' : '';
    throw new Error(
      `schemaVersion should be 1, got ${JSON.stringify(value.schemaVersion)}${newer}`,
    );
  }
  const instances = Object.entries(record(value, 'instances')).map(([name, entry]) => {
    const where = `instances.${name}`;
    if (!isRecord(entry)) throw new Error(`${where} should be an object`);
    return [
      name,
      {
        definition: string(entry, 'definition', where),
        mode: string(entry, 'mode', where),
        profile: string(entry, 'profile', where),
        image: string(entry, 'image', where),
        publish: stringOrNull(entry, 'publish', where),
        lan: parseLan(entry, where),
        relayPort: number(entry, 'relayPort', where),
        // A manifest of before there were any has none.
        sideServices: entry.sideServices === undefined ? [] : parseServices(entry, where),
        // One of before there were any has none.
        commandPorts:
          entry.commandPorts === undefined
            ? []
            : ports(entry.commandPorts, join(where, 'commandPorts')),
        tunnel: parseTunnel(entry, where),
        // One of before user namespaces has none.
        idBase: entry.idBase == null ? null : number(entry, 'idBase', where),
        inputs: strings(entry, 'inputs', where),
      },
    ] as const;
  });
  const networks = value.networks;
  if (!Array.isArray(networks) || !networks.every((name) => typeof name === 'string')) {
    throw new Error('networks should be a list of names');
  }
  return {
    schemaVersion: 1,
    ibq: string(value, 'ibq'),
    generation: number(value, 'generation'),
    createdAt: string(value, 'createdAt'),
    // Older manifests lack it.
    configFile: value.configFile === undefined ? null : stringOrNull(value, 'configFile'),
    publishSubnet: stringOrNull(value, 'publishSubnet'),
    instances: Object.fromEntries(instances),
    addresses:
      value.addresses === undefined
        ? addressesOf(instances)
        : parseAddresses(record(value, 'addresses')),
    // One of before user namespaces has none.
    idBases: value.idBases === undefined ? {} : parseNumbers(record(value, 'idBases'), 'idBases'),
    // A manifest of before mode `host` has none.
    hostPorts: value.hostPorts === undefined ? {} : parsePorts(record(value, 'hostPorts')),
    networks,
    files: strings(value, 'files'),
    images: strings(value, 'images'),
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

type JsonRecord = Record<string, unknown>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param where key of `parent`, for messages; empty for the manifest itself */
function record(parent: JsonRecord, key: string, where = ''): JsonRecord {
  const value = parent[key];
  if (!isRecord(value)) throw new Error(`${join(where, key)} should be an object`);
  return value;
}

function string(parent: JsonRecord, key: string, where = ''): string {
  const value = parent[key];
  if (typeof value !== 'string') throw new Error(`${join(where, key)} should be text`);
  return value;
}

/** A whole number from 1: generations and ports. */
function number(parent: JsonRecord, key: string, where = ''): number {
  const value = parent[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new Error(`${join(where, key)} should be a whole number from 1`);
  }
  return value;
}

const SIDE_SERVICES: readonly string[] = ['paper', 'vnc', 'rdp', 'supervisor'];

function parseServices(parent: JsonRecord, where: string): ManifestService[] {
  const inside = join(where, 'sideServices');
  if (!Array.isArray(parent.sideServices)) throw new Error(`${inside} should be a list`);
  return parent.sideServices.map((entry: unknown) => {
    if (!isRecord(entry)) throw new Error(`${inside} should hold objects`);
    const service = string(entry, 'service', inside);
    if (!SIDE_SERVICES.includes(service)) {
      throw new Error(`${inside}.service should be one of ${SIDE_SERVICES.join(', ')}`);
    }
    return {
      service: service as SideService,
      relayPort: number(entry, 'relayPort', inside),
      publish: stringOrNull(entry, 'publish', inside),
    };
  });
}

/** A manifest of before there were any has none. */
function parseTunnel(parent: JsonRecord, where: string): ManifestTunnel | null {
  if (parent.tunnel === undefined || parent.tunnel === null) return null;
  const tunnel = record(parent, 'tunnel', where);
  const inside = join(where, 'tunnel');
  const { via, targets } = tunnel;
  if (via !== 'host' && via !== 'image') throw new Error(`${inside}.via should be host or image`);
  if (!Array.isArray(targets)) throw new Error(`${inside}.targets should be a list`);
  return {
    via,
    targets: targets.map((entry: unknown) => {
      if (!isRecord(entry)) throw new Error(`${inside}.targets should hold objects`);
      const { listens } = entry;
      const legal = Array.isArray(listens) && listens.every((it) => typeof it === 'string');
      if (!legal) throw new Error(`${inside}.targets.listens should be a list of text`);
      return { target: string(entry, 'target', inside), listens };
    }),
  };
}

function parseLan(parent: JsonRecord, where: string): ManifestLan | null {
  return parent.lan === null ? null : parseAddress(parent, 'lan', where);
}

/** Of a manifest from before addresses stood apart. */
function addressesOf(
  instances: readonly (readonly [string, ManifestInstance])[],
): Record<string, ManifestLan> {
  return Object.fromEntries(
    instances.flatMap(([name, { lan }]) => (lan === null ? [] : [[name, lan]])),
  );
}

function parseNumbers(parent: JsonRecord, where: string): Record<string, number> {
  return Object.fromEntries(Object.keys(parent).map((name) => [name, number(parent, name, where)]));
}

function parsePorts(parent: JsonRecord): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(parent).map(([name, list]) => [name, ports(list, `hostPorts.${name}`)]),
  );
}

function ports(list: unknown, where: string): number[] {
  const legal = Array.isArray(list) && list.every((port) => Number.isInteger(port));
  if (!legal) throw new Error(`${where} should be a list of ports`);
  return list;
}

function parseAddresses(parent: JsonRecord): Record<string, ManifestLan> {
  return Object.fromEntries(
    Object.keys(parent).map((name) => [name, parseAddress(parent, name, 'addresses')]),
  );
}

function parseAddress(parent: JsonRecord, key: string, where: string): ManifestLan {
  const entry = record(parent, key, where);
  const inside = join(where, key);
  return { address: string(entry, 'address', inside), mac: stringOrNull(entry, 'mac', inside) };
}

function stringOrNull(parent: JsonRecord, key: string, where = ''): string | null {
  return parent[key] === null ? null : string(parent, key, where);
}

function strings(parent: JsonRecord, key: string, where = ''): Record<string, string> {
  const values = record(parent, key, where);
  const inside = join(where, key);
  return Object.fromEntries(
    Object.keys(values).map((name) => [name, string(values, name, inside)]),
  );
}

function join(where: string, key: string): string {
  return where === '' ? key : `${where}.${key}`;
}
