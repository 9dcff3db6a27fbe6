/** `assembleDesired(config, facts)`: the generation that the configuration asks for. Pure. */

import { listeningPorts, openPorts } from '../config/host-network.ts';
import { SETTING_KEYS } from '../config/settings.ts';
import type { Config, Instance, NetworkConfig, Place } from '../config/types.ts';
import { ConfigError } from '../errors.ts';
import { profileFor } from '../images/index.ts';
import { type AddressPlan, type LanAddress, planAddresses } from '../network/address-plan.ts';
import { type Cidr, cidrsOverlap, parseCidr, parseIpv4, prefixOf } from '../network/ipv4.ts';
import { type Mac, stableMac } from '../network/mac.ts';
import { hasBridge } from '../network/modes.ts';
import { choosePublishSubnet, takers, type UsedSubnet } from '../network/publish-network.ts';
import { publishAddressOf } from '../quadlet/endpoints.ts';
import { type Rendered, type RenderedInstance, renderGeneration } from '../quadlet/render.ts';
import { type RenderedNetwork, renderPublishNetwork } from '../quadlet/render-network.ts';
import { resolveAttachments } from './attachments.ts';
import type { HostFacts } from './facts.ts';
import { gatewayProblem, placeOfLan } from './host-problems.ts';
import { planIdBases } from './id-bases.ts';
import { type Manifest, sha256 } from './manifest.ts';
import { type FileSecret, ownFilesOf } from './own-files.ts';
import { instanceOf } from './paths.ts';

export interface DesiredInstance extends RenderedInstance {
  mode: string;
  profile: string;
  /** Its own files of the generation. */
  files: readonly { path: string; text: string }[];
  /** Every input by its key, as text. */
  inputs: Readonly<Record<string, string>>;
}

export interface Desired {
  /** All files, paths relative to the generation. */
  files: Rendered['files'];
  links: Rendered['links'];
  instances: DesiredInstance[];
  networks: RenderedNetwork[];
  /** LAN addresses of the instances, those included that their mode does not use now. */
  addresses: ReadonlyMap<string, LanAddress>;
  /** Paths in `files` that belong to one instance. */
  instanceFiles: ReadonlySet<string>;
  publishSubnet: Cidr | null;
  /** Where the numbers of each instance's users begin on the host, those included that have no user namespace now. */
  idBases: ReadonlyMap<string, number>;
  /** Ports of the host by instance in its network, those included that have not moved away yet. */
  hostPorts: Readonly<Record<string, readonly number[]>>;
  hostRules: string | null;
  /** The host's own address among the instances; null: none is wanted. */
  shim: string | null;
  staticUnits: HostFacts['staticUnits'];
  /** Image references, each once. */
  images: string[];
  /** Files of the user's that Podman has to keep. */
  fileSecrets: FileSecret[];
  /** What their names were made with. */
  fileKey: string;
}

/** @throws ConfigError for what can't be rendered or has no address, UserError for a bad template */
export function assembleDesired(
  config: Config,
  facts: HostFacts,
  manifest: Manifest | null,
): Desired {
  requireInterface(config, facts);
  requireOneDriver(config, facts);
  const problem = gatewayProblem(config, facts);
  if (problem !== null) throw new ConfigError([problem]);
  const publishSubnet = !hasBridge(config.network.mode) ? null : subnetFor(config, facts, manifest);
  const attachments = resolveAttachments(config, facts);
  if (attachments.problems.length > 0) throw new ConfigError(attachments.problems);
  const hostPorts = hostPortsOf(config, facts, manifest);
  const ownFiles = ownFilesOf(config, facts.ownFiles, facts.fileKey, profileFor);
  const idBases = idBasesFor(config, facts, manifest);
  const rendered = renderGeneration({
    config,
    addresses: addressesFor(config, facts, manifest),
    held: [...facts.held.values()].flat(),
    publishSubnet,
    attachments,
    shimMac: shimMacOf(config, facts),
    hostPorts: {
      all: [...new Set(Object.values(hostPorts).flat())].sort((a, b) => a - b),
      open:
        config.network.mode === 'host'
          ? config.instances.flatMap((it) => openPorts(it, publishAddressOf(config, it)))
          : [],
    },
    templates: facts.templates,
    userDropIns: facts.userDropIns,
    libDir: facts.libDir,
    profileFor,
    ownFiles,
    idBases,
  });
  const texts = new Map(rendered.files.map((file) => [file.path, file]));
  const byName = new Map(config.instances.map((instance) => [instance.name, instance]));
  const known = knownAddresses(manifest);
  const shared = sharedInputs(config.network, config.publish.address, facts);
  const filesOf = new Map<string, Rendered['files']>();
  for (const file of rendered.files) {
    const owner = instanceOf(file.path);
    if (owner !== null) filesOf.set(owner, [...(filesOf.get(owner) ?? []), file]);
  }
  const instances = rendered.instances.flatMap((instance): DesiredInstance[] => {
    const configured = byName.get(instance.name);
    if (!configured) return [];
    const own = ownFiles.get(instance.name);
    const ownDropIns = facts.userDropIns.instances.get(instance.name) ?? [];
    return [
      {
        ...instance,
        mode: configured.mode,
        profile: configured.profile,
        files: filesOf.get(instance.name) ?? [],
        inputs: {
          ...shared,
          ...instanceInputs(configured),
          // Their names tell of their text.
          ...(own?.jts ? { 'custom_config.jts': own.jts.name } : {}),
          ...(own?.ibc ? { 'custom_config.ibc': own.ibc.name } : {}),
          ...(ownDropIns.length > 0 ? { 'own drop-ins': sha256(JSON.stringify(ownDropIns)) } : {}),
          ...(instance.lan ? { address: instance.lan.address } : {}),
          networks: instance.networks.join(' '),
        },
      },
    ];
  });
  return {
    files: rendered.files,
    links: rendered.links,
    instances,
    networks: rendered.networks,
    addresses: addressesToKeep(instances, known),
    instanceFiles: new Set(instances.flatMap(({ files }) => files.map(({ path }) => path))),
    publishSubnet,
    idBases,
    hostPorts,
    hostRules: texts.get('host.nft')?.text ?? null,
    shim: texts.get('shim.conf')?.text ?? null,
    staticUnits: facts.staticUnits,
    images: [...new Set(instances.map(({ image }) => image))],
    fileSecrets: [...ownFiles.values()].flatMap(({ jts, ibc }) => [
      ...(jts ? [jts] : []),
      ...(ibc ? [ibc] : []),
    ]),
    fileKey: facts.fileKey,
  };
}

/** By ipvlan it has that of the interface below. No instance can have its name. */
function shimMacOf({ network }: Config, facts: HostFacts): string {
  const { lan } = network;
  const below = lan?.driver === 'ipvlan' ? facts.interfaces.get(lan.interface)?.mac : null;
  return below ?? stableMac(facts.machineId, '@shim', new Set());
}

/** Of those that have left too, until somebody else needs it: who comes back is found where it was. */
function addressesToKeep(
  instances: readonly Pick<DesiredInstance, 'name' | 'lan'>[],
  known: ReadonlyMap<string, LanAddress>,
): Desired['addresses'] {
  const own = instances.flatMap(({ name, lan }) => {
    const address = lan ?? known.get(name);
    return address ? [[name, address] as const] : [];
  });
  const used = new Set(own.map(([, { address }]) => address));
  const names = new Set<string>(instances.map(({ name }) => name));
  const left = [...known].filter(([name, { address }]) => !names.has(name) && !used.has(address));
  return new Map<string, LanAddress>([...own, ...left]);
}

/** One that left mode `host` and still runs there has to stay closed until its restart. */
function hostPortsOf(
  { network, instances }: Config,
  { sharing }: HostFacts,
  manifest: Manifest | null,
): Desired['hostPorts'] {
  const remaining = Object.entries(manifest?.hostPorts ?? {}).filter(([name]) => sharing.has(name));
  const wanted = network.mode === 'host' ? instances : [];
  const ports = new Map(remaining);
  for (const instance of wanted) {
    const before = ports.get(instance.name) ?? [];
    ports.set(
      instance.name,
      [...new Set([...listeningPorts(instance), ...before])].sort((a, b) => a - b),
    );
  }
  return Object.fromEntries(ports);
}

/** What is pinned rules: another interface is never taken in its place. */
function requireInterface(config: Config, facts: HostFacts): void {
  const { network, lanPlaces } = config;
  const { interfaces } = facts;
  if (network.lan === null || interfaces.size === 0) return;
  if (interfaces.has(network.lan.interface)) return;
  const present = [...interfaces.keys()].filter((name) => name !== 'lo').join(', ');
  throw new ConfigError([
    {
      ...placeOfLan(config, facts, 'interface'),
      message: `should be an interface of this host (${present}), ${network.lan.interface} is gone; bring it back, or ${otherInterface(lanPlaces?.interface)}`,
    },
  ]);
}

/** What gives it another name: a new detection does so only where network.toml is what counts. */
function otherInterface(place: Place | undefined): string {
  if (place === undefined) return 'run "sudo ibq network detect --write"';
  return place.key === undefined
    ? `name another in ${place.file}, or unset it`
    : 'name another there';
}

/**
 * The kernel gives an interface to macvlan or to ipvlan (EBUSY): an instance that is stopped for its
 * restart could not come back while others run by the other one.
 */
function requireOneDriver(config: Config, facts: HostFacts): void {
  const { lan } = config.network;
  const { lanNetworks, held } = facts;
  const others = lanNetworks.filter(
    (it) => it.parent === lan?.interface && it.driver !== lan.driver,
  );
  const running = [...held].filter(([, addresses]) => addresses.length > 0).map(([name]) => name);
  const other = others[0]?.driver;
  if (lan === null || other === undefined || running.length === 0) return;
  throw new ConfigError([
    {
      ...placeOfLan(config, facts, 'driver'),
      message: `should be ${other} while instances run with it, got ${lan.driver}: they can't share ${lan.interface}; run "sudo ibq stop ${running.join(' ')}" first`,
    },
  ]);
}

function subnetFor(config: Config, facts: HostFacts, manifest: Manifest | null): Cidr {
  const nameFor = (candidate: Cidr) =>
    renderPublishNetwork(facts.templates['ibq-publish.network'], candidate, {
      wayOut: config.network.egress === 'host',
    }).name;
  const previous =
    manifest === null
      ? // What was deployed is lost; a bridge of this very definition is the one that instances run on.
        facts.usedSubnets.find(
          ({ name, subnet, kind }) => kind === 'podman' && nameFor(subnet) === name,
        )
      : bridgeOf(manifest);
  const { lan } = config.network;
  const used: UsedSubnet[] = lan
    ? [...facts.usedSubnets, { subnet: lan.subnet, kind: 'connected', name: lan.interface }]
    : [...facts.usedSubnets];
  if (config.publish.subnet) {
    requireFree(config.publish.subnet, used, facts);
    requireOneBridge(config.publish.subnet, previous ?? null, nameFor, facts);
    return config.publish.subnet;
  }
  const chosen = choosePublishSubnet({
    used,
    pools: facts.subnetPools,
    previous: previous ?? null,
    nameFor,
    instances: config.instances.length,
  });
  if (chosen !== null) return chosen;
  const inTheWay = used.filter((it) => it.kind !== 'route' && prefixOf(it.subnet) > 0);
  throw new ConfigError([
    {
      file: facts.configFile,
      key: 'publish.subnet',
      message: `should be set: no private subnet is free for the bridge of the published ports beside ${namesOf(inTheWay)}; or use network.mode "lan"`,
    },
  ]);
}

function bridgeOf({ networks, publishSubnet }: Manifest): { name: string; subnet: Cidr } | null {
  const name = networks.find((network) => network.startsWith('ibq-publish-'));
  const subnet = publishSubnet ? parseCidr(publishSubnet) : null;
  return name && subnet ? { name, subnet } : null;
}

function requireFree(subnet: Cidr, used: readonly UsedSubnet[], facts: HostFacts): void {
  const connected = used.filter(
    (it) => it.kind !== 'route' && !it.name.startsWith('ibq') && cidrsOverlap(it.subnet, subnet),
  );
  const others = [...new Set([...takers(subnet, used), ...connected])];
  if (others.length === 0) return;
  throw new ConfigError([
    {
      file: facts.configFile,
      key: 'publish.subnet',
      message: `should be a subnet that nothing else uses, got ${subnet}, which clashes with ${namesOf(others)}`,
    },
  ]);
}

/** Two bridges with one subnet can't exist side by side while instances move over. */
function requireOneBridge(
  subnet: Cidr,
  previous: { name: string; subnet: Cidr } | null,
  nameFor: (subnet: Cidr) => string,
  { held, configFile }: HostFacts,
): void {
  if (previous === null || held.size === 0 || !cidrsOverlap(previous.subnet, subnet)) return;
  if (nameFor(subnet) === previous.name) return;
  throw new ConfigError([
    {
      file: configFile,
      key: 'publish.subnet',
      message: `should lie outside ${previous.subnet} while instances run on the bridge that has it, got ${subnet}; run "sudo ibq stop ${[...held.keys()].join(' ')}" first`,
    },
  ]);
}

/** `10.8.0.0/24 (tun0), 10.89.0.0/24 (Podman network web)`. */
function namesOf(used: readonly UsedSubnet[]): string {
  return used
    .map(
      ({ subnet, kind, name }) =>
        `${subnet} (${kind === 'podman' ? 'Podman network ' : ''}${name})`,
    )
    .join(', ');
}

function addressesFor(
  config: Config,
  facts: HostFacts,
  manifest: Manifest | null,
): AddressPlan['assignments'] {
  const { lan } = config.network;
  if (lan === null) return new Map();
  const { assignments, problems } = planAddresses({
    lan,
    instances: config.instances
      .filter(({ settings }) => settings.network.via === null)
      .map(({ name, file, settings }) => ({ name, file, fixed: settings.address })),
    hostAccess: config.network.hostAccess,
    previous: knownAddresses(manifest),
    retired: new Set(
      Object.keys(manifest?.addresses ?? {}).filter((name) => !manifest?.instances[name]),
    ),
    held: facts.held,
    hostAddresses: facts.hostAddresses,
    seen: facts.seen,
    answered: facts.answered,
    machineId: facts.machineId,
    file: placeOfLan(config, facts, 'range').file,
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return assignments;
}

function idBasesFor(
  { instances }: Config,
  { takenIds, heldIds, rangeFile }: HostFacts,
  manifest: Manifest | null,
): Desired['idBases'] {
  const known = new Map(Object.entries(manifest?.idBases ?? {}));
  const wanted = instances.filter(
    ({ name, settings }) => settings.user_namespace || known.has(name),
  );
  const bases = planIdBases({
    instances: wanted.map(({ name }) => name),
    previous: known,
    held: heldIds,
    taken: takenIds,
  });
  const without = wanted.find(({ name }) => !bases.has(name));
  if (without === undefined) return bases;
  throw new ConfigError([
    {
      file: without.file ?? rangeFile,
      key: 'user_namespace',
      message:
        'no numbers of users are free for it (/etc/subuid and /etc/subgid have them all); free some, or set it to false',
    },
  ]);
}

/** Of the installed generation, instances that have left the configuration included. */
function knownAddresses(manifest: Manifest | null): Map<string, LanAddress> {
  const known = Object.entries(manifest?.addresses ?? {}).flatMap(([name, entry]) => {
    const address = parseIpv4(entry.address);
    return address ? [[name, { address, mac: entry.mac as Mac | null }] as const] : [];
  });
  return new Map(known);
}

function sharedInputs(
  network: NetworkConfig,
  publishAddress: string,
  facts: HostFacts,
): Record<string, string> {
  const lan = Object.entries(network.lan ?? {}).map(([key, value]) => [`network.${key}`, value]);
  const { template: dropIns } = facts.userDropIns;
  return {
    'network.mode': network.mode,
    'network.allow': [...network.allow, ...network.allowNetworks].join(' '),
    'network.masquerade': String(network.routed === null),
    'network.egress': network.egress,
    'network.host_access': String(network.hostAccess),
    ...Object.fromEntries(lan),
    'publish.address': publishAddress,
    template: sha256(facts.templates['ib-gateway@.container']),
    ...(dropIns.length > 0 ? { 'drop-ins': sha256(JSON.stringify(dropIns)) } : {}),
  };
}

/** As text, without what is not set. */
function instanceInputs(instance: Instance): Record<string, string> {
  const { mode, user, paperUser, port, sidePorts, profile, image, settings, environment } =
    instance;
  const { address: _, ibc, jts, ...others } = settings;
  const inputs: Record<string, string> = { mode };
  const add = (prefix: string, values: object) => {
    for (const [key, value] of Object.entries(values)) {
      if (value !== null) inputs[prefix + key] = asText(value);
    }
  };
  if (user !== null) inputs.user = user;
  if (paperUser !== null) inputs.paper_user = paperUser;
  inputs.port = String(port);
  add('port.', sidePorts);
  inputs['image.profile'] = profile;
  inputs['image.reference'] = image;
  for (const [key, value] of Object.entries(others)) {
    if (TABLES.has(key)) add(`${key}.`, value as object);
    else add('', { [key]: value });
  }
  add('ibc.', ibc);
  for (const [section, lines] of Object.entries(jts)) add(`jts.${section}.`, lines);
  add('environment.', environment);
  return inputs;
}

/** Settings that are tables of keys. */
const TABLES: ReadonlySet<string> = new Set(
  SETTING_KEYS.flatMap((id) => (id.includes('.') ? (id.split('.')[0] ?? []) : [])),
);

/** A value of the configuration as the manifest keeps it. */
export function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
