/** A generation: everything that one deploy puts into force, as text. Pure; `src/plan` reads and writes. */

import type { Config, Instance, InstanceName, Lan, SideService } from '../config/types.ts';
import { ConfigError, type Problem } from '../errors.ts';
import type { Profile } from '../images/profile.ts';
import { type AddressPlan, type LanAddress, shimAddress } from '../network/address-plan.ts';
import { type Attachments, joinedInterface, type Sidecar } from '../network/attached.ts';
import { type GuardInput, renderGuard } from '../network/guard.ts';
import { type OtherBridge, renderHostRules } from '../network/host-rules.ts';
import { type Cidr, cidrContains, cidrCovers, type Ipv4 } from '../network/ipv4.ts';
import { hasBridge, hasLan } from '../network/modes.ts';
import { neededSecrets } from '../ssh/secrets.ts';
import {
  allowOf,
  type Endpoint,
  endpointsOf,
  guardedPorts,
  publishAddressOf,
  publishText,
} from './endpoints.ts';
import { quoteWord } from './escape.ts';
import {
  definitionHash,
  instanceProblems,
  renderDropIn,
  withDefinition,
} from './render-instance.ts';
import { renderLogin } from './render-login.ts';
import { type RenderedNetwork, renderLanNetwork, renderPublishNetwork } from './render-network.ts';
import { NO_OWN_FILES, type OwnFileNames, renderSettings } from './render-settings.ts';
import { stopLines } from './render-stop.ts';
import { type RenderedTunnel, renderTunnel } from './render-tunnel.ts';
import { hostPathsOf } from './resources.ts';
import { checkContainerTemplate, fillTemplate, type TemplateName } from './template.ts';
import { assignments, parseUnit } from './unit-file.ts';

/** A drop-in of the user's, which ibq reads and never writes. */
export interface UserDropIn {
  path: string;
  text: string;
}

export interface RenderInput {
  config: Config;
  addresses: AddressPlan['assignments'];
  /** LAN addresses that running instances have, some of them by an older definition. */
  held: readonly Ipv4[];
  /** `null` without a bridge. */
  publishSubnet: Cidr | null;
  /** MAC of the host's interface among its instances. */
  shimMac: string;
  /** Networks and containers of the user's that instances are attached to. */
  attachments: Attachments;
  /** Ports of the host that instances in its network listen on: wanted ones, and those that have not moved away yet. */
  hostPorts: { all: readonly number[]; open: readonly number[] };
  templates: Readonly<Record<TemplateName, string>>;
  userDropIns: {
    /** `ib-gateway@.container.d/*.conf`. */
    template: readonly UserDropIn[];
    /** `ib-gateway@NAME.container.d/*.conf`. */
    instances: ReadonlyMap<string, readonly UserDropIn[]>;
  };
  /** Where the hook is installed, `/usr/local/lib/ibq`. */
  libDir: string;
  profileFor: (instance: Instance) => Profile;
  /** Files of the user's, by instance. */
  ownFiles: ReadonlyMap<string, OwnFileNames>;
  /** Where the numbers of an instance's users begin on the host; one without has no user namespace. */
  idBases: ReadonlyMap<string, number>;
}

export interface RenderedInstance {
  name: InstanceName;
  /** Hash of all that makes a running container differ from a new one; the guard is not part of it. */
  definition: string;
  /** `ib-gateway@NAME.service`. */
  service: string;
  /** `ib-gateway-NAME`. */
  container: string;
  /** Names of its networks in Podman. */
  networks: string[];
  /** Its nftables rules, the text of `guard/NAME.nft`. */
  guard: string;
  /** Port that the container's API listens on. */
  relayPort: number;
  lan: LanAddress | null;
  /** `ADDRESS:PORT` on the host, of the API. */
  publish: string | null;
  /** What else can be reached. */
  sideServices: { service: SideService; relayPort: number; publish: string | null }[];
  /** Ports of IBC's command server in the container, of mode `both` one for each half; none: it is off. */
  commandPorts: readonly number[];
  /** The SSH tunnels that carry it to other machines. */
  tunnel: RenderedTunnel | null;
  /** Its Podman secrets, with what sets each. */
  secrets: { name: string; key: string; required: boolean; mend: string }[];
  /** Directories and files of the host that it mounts. */
  hostPaths: string[];
  image: string;
  /** Where the numbers of its users begin on the host; null: they are the host's own. */
  idBase: number | null;
}

export interface Rendered {
  /** Paths relative to the generation. */
  files: { path: string; text: string }[];
  links: { path: string; target: string }[];
  instances: RenderedInstance[];
  networks: RenderedNetwork[];
}

const template = 'ib-gateway@.container';

/**
 * @throws ConfigError for values that a unit can't carry
 * @throws UserError for a template of the user's that lacks something
 */
export function renderGeneration(input: RenderInput): Rendered {
  const { config, templates, publishSubnet, libDir } = input;
  const container = fillTemplate(template, templates[template], { LIB_DIR: quoteWord(libDir) });
  checkContainerTemplate(container, libDir);
  const problems = config.instances.flatMap((instance): Problem[] =>
    instanceProblems(input.profileFor(instance), instance, config),
  );
  if (problems.length > 0) throw new ConfigError(problems);

  const { mode, lan, allow, egress, hostAccess } = config.network;
  const publishNetwork =
    hasBridge(mode) && publishSubnet
      ? renderPublishNetwork(templates['ibq-publish.network'], publishSubnet, {
          wayOut: egress === 'host',
        })
      : null;
  const lanNetwork =
    hasLan(mode) && lan
      ? renderLanNetwork(templates['ibq-lan.network'], lan, { wayOut: egress === 'lan' })
      : null;
  const shared = definitionHash([
    meaning(container),
    ...input.userDropIns.template.map(dropInMeaning),
  ]);

  const siblings = siblingsOf(lan, addressesOf(input));
  const files: Rendered['files'] = [{ path: `units/${template}`, text: container }];
  const links: Rendered['links'] = [];
  const instances: RenderedInstance[] = [];
  for (const instance of config.instances) {
    const { name } = instance;
    const profile = input.profileFor(instance);
    const sidecar = sidecarOf(instance, input);
    const address = sidecar === null ? lanNetwork && input.addresses.get(name) : null;
    const own = sidecar === null ? [publishNetwork, lanNetwork] : [];
    const networks = own.flatMap((network) => network?.name ?? []);
    const endpoints = endpointsOf(config, instance, profile);
    const joined = joinedBy(instance, input);
    const ownFiles = input.ownFiles.get(name) ?? NO_OWN_FILES;
    const settings = renderSettings(profile, instance, mode, ownFiles);
    const idBase = instance.settings.user_namespace ? (input.idBases.get(name) ?? null) : null;
    const dropIn = renderDropIn({
      config,
      instance,
      profile,
      endpoints,
      ownFiles,
      publish: sidecar === null ? publishNetwork : null,
      lan: lanNetwork && address ? { ...address, network: lanNetwork } : null,
      publishSubnet,
      idBase,
      libDir,
    });
    const definition = definitionHash([
      shared,
      dropIn,
      settings.files,
      ...(input.userDropIns.instances.get(name) ?? []).map(dropInMeaning),
    ]);
    const { commandPorts } = settings;
    const stop = stopLines({ profile, instance, network: mode, ownFiles, commandPorts });
    const guard = renderGuard({
      instance: name,
      mode,
      ports: guardedPorts(endpoints),
      allow: allowOf(config, instance),
      siblings,
      shim: lan && hostAccess ? { address: shimAddress(lan), mac: input.shimMac } : null,
      publishSubnet: publishNetwork && publishSubnet,
      sidecar,
      joined,
      publishAddress: publishAddressOf(config, instance),
    });
    const tunnel = renderTunnel(instance, profile, endpoints, address?.address ?? null);
    const unit = `ib-gateway@${name}.container`;
    files.push({
      path: `units/${unit}.d/10-ibq.conf`,
      text: withDefinition(instance, dropIn, { hash: definition, stop }),
    });
    files.push(
      { path: `guard/${name}.nft`, text: guard },
      { path: `login/${name}`, text: renderLogin(profile, instance, ownFiles) },
      ...settings.files,
      ...(tunnel?.files ?? []),
    );
    links.push({ path: `units/${unit}`, target: template });
    instances.push({
      name,
      definition,
      service: `ib-gateway@${name}.service`,
      container: `ib-gateway-${name}`,
      networks,
      guard,
      ...servicesOf(endpoints),
      commandPorts,
      lan: address ?? null,
      tunnel,
      secrets: neededSecrets(profile, instance),
      hostPaths: hostPathsOf(instance),
      image: instance.image,
      idBase,
    });
  }

  // Without an instance nothing uses them.
  const networks =
    instances.length === 0
      ? []
      : [publishNetwork, lanNetwork].filter((network) => network !== null);
  for (const network of networks)
    files.push({ path: `units/${network.file}`, text: network.definition });
  const hostRules = renderHostRules({
    hostPorts: input.hostPorts,
    allow,
    siblings,
    publishAddress: config.publish.address,
    lanSubnet: mode === 'dual' && lan ? lan.subnet : null,
    routed: config.network.routed &&
      publishSubnet && { from: publishSubnet, to: config.network.routed },
    otherBridges: config.instances.flatMap((instance) => otherBridgesOf(instance, input)),
    egress,
    gateways: egress === 'lan' ? addressesOf(input) : [],
    hostServices: config.network.hostServices,
    linkLocal: config.network.linkLocal,
  });
  files.push({ path: 'host.nft', text: hostRules });
  if (lan && hostAccess && instances.length > 0) {
    files.push({ path: 'shim.conf', text: renderShim(lan, siblings, input.shimMac) });
  }
  return { files, links, instances, networks };
}

function sidecarOf({ settings }: Instance, { attachments }: RenderInput): Sidecar | null {
  const { via } = settings.network;
  return via === null ? null : (attachments.sidecars.get(via) ?? null);
}

function joinedBy(
  { settings }: Instance,
  { attachments, config }: RenderInput,
): GuardInput['joined'] {
  return settings.network.join.flatMap((name, index) => {
    const network = attachments.networks.get(name);
    // With a tunnel as the only way in, nobody of a network.
    const open = settings.ssh.mode !== 'yes';
    const allowed = open && config.network.allowNetworks.includes(name);
    return network ? [{ interface: joinedInterface(index), network, allowed }] : [];
  });
}

/** Of the user's networks, those that lead to an instance. */
function otherBridgesOf(instance: Instance, input: RenderInput): OtherBridge[] {
  const endpoints = endpointsOf(input.config, instance, input.profileFor(instance));
  const networks = [
    ...(sidecarOf(instance, input)?.networks ?? []),
    ...joinedBy(instance, input).map(({ network }) => network),
  ];
  return networks.map(({ bridge }) => ({
    bridge,
    ports: guardedPorts(endpoints),
    hostPorts: endpoints.flatMap(({ published }) => published?.port ?? []),
  }));
}

function servicesOf(
  endpoints: readonly Endpoint[],
): Pick<RenderedInstance, 'relayPort' | 'publish' | 'sideServices'> {
  const [api] = endpoints;
  return {
    relayPort: api?.inside ?? 0,
    publish: api ? publishText(api) : null,
    sideServices: endpoints.flatMap((endpoint) => {
      const { service, inside } = endpoint;
      return service === 'api'
        ? []
        : [{ service, relayPort: inside, publish: publishText(endpoint) }];
    }),
  };
}

/** LAN addresses that instances will have, or have until their restart. */
function addressesOf({ addresses, held }: RenderInput): Ipv4[] {
  const wanted = [...addresses.values()].map(({ address }) => address);
  return [...new Set([...wanted, ...held])].sort();
}

/** The range, and what lies outside it: addresses that the user chose, or of before a change. */
function siblingsOf(lan: Lan | null, addresses: readonly Ipv4[]): Cidr[] {
  const outside = addresses.filter((address) => lan === null || !cidrContains(lan.range, address));
  const single = [...new Set(outside)].sort().map((address) => `${address}/32` as Cidr);
  return lan === null ? single : [lan.range, ...single];
}

/** What `LIB/shim` reads, line by line. */
function renderShim(lan: Lan, siblings: readonly Cidr[], mac: string): string {
  const routes = siblings.filter((cidr) => cidrCovers(lan.subnet, cidr));
  return [
    '# ibq: the host among its instances on the LAN. Read by ibq-shim.service.',
    `INTERFACE=${lan.interface}`,
    `DRIVER=${lan.driver}`,
    `MAC=${mac}`,
    `ADDRESS=${shimAddress(lan)}`,
    `ROUTES=${routes.join(' ')}`,
    '',
  ].join('\n');
}

/** A comment that changed, in a new version of ibq for example, must not cost anybody a login. */
function meaning(text: string): string[][] {
  return assignments(parseUnit(text));
}

/** The path counts: drop-ins apply in order of file name, and one hides another of its name. */
function dropInMeaning({ path, text }: UserDropIn): unknown[] {
  return [path, meaning(text)];
}
