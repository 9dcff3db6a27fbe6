/** What is in force on the network, as the system says it: facts in, the model of `network show` out. */

import type { SideService } from '../config/types.ts';
import type { ProbeState } from '../gateway/probe.ts';
import { RUNNING } from '../plan/paths.ts';
import { bridgePrefix, lanInterface, publishInterface } from './guard.ts';
import type {
  InstanceState,
  LinkState,
  LinkWord,
  NamespaceState,
  NetworkInForce,
  PodmanNetwork,
  RouteState,
  RulesWord,
} from './in-force.ts';
import type { Rule, TableRules } from './nft-rules.ts';
import { hostReachOf, type Reach, reachOf } from './reach-in.ts';

export interface ShownInterface extends LinkState {
  role: 'parent' | 'bridge' | 'shim' | 'way-out';
}

/** A port of the host that leads to one of an instance. */
interface Published {
  address: string;
  relayPort: number;
  listening: boolean;
  forwarded: boolean;
}

interface ShownService {
  service: SideService;
  /** What the handshake found, of an API. */
  api: ProbeState | 'unchecked';
  published: Published | null;
  /** Address and port on the LAN; null: none, or not for the LAN. */
  lan: string | null;
}

export interface ShownInstance {
  name: string;
  state: 'running' | 'stopped' | 'failed' | 'starting' | 'stopping';
  api: ProbeState | 'unchecked';
  pendingRestart: boolean;
  /** What its definition gives it, in force or not. */
  deployed: {
    publish: string | null;
    lan: string | null;
    sideServices: { service: SideService; publish: string | null; lan: string | null }[];
  };
  bridge: { network: string | null; address: string; state: LinkWord } | null;
  lan: { network: string | null; address: string; mac: string | null; state: LinkWord } | null;
  /** Its interfaces on networks of the user's: joined ones, or all of the sidecar whose network it lives in. */
  attached: { interface: string; address: string; state: LinkWord }[];
  wayOut: { interface: string; gateway: string | null } | null;
  published: Published | null;
  /** What it publishes beside its API; what is not in force is not there. */
  sideServices: ShownService[];
  /** It lives in the host's own network (mode `host`): bridge and LAN are null, the rules are the host's. */
  sharesHost: boolean;
  rules: RulesWord | 'none';
  reach: Reach[];
  problems: string[];
}

export interface ShownNetwork extends Omit<PodmanNetwork, 'attached'> {
  kind: 'lan' | 'publish';
  /** Of the current generation; an old one stays until its last instance has moved. */
  current: boolean;
  interfaceState: LinkWord;
}

export interface NetworkShow {
  host: {
    interfaces: ShownInterface[];
    wayOut: { interface: string; gateway: string | null } | null;
    forwarding: boolean;
    rules: RulesWord;
    /**
     * Clients of published ports whose connections the host forwards under its own address, so that
     * the answer comes back to it; empty: all, null: there is no such rule.
     */
    returnPath: string[] | null;
  };
  networks: ShownNetwork[];
  instances: ShownInstance[];
  /** Of the host; those of an instance stand with it. */
  problems: string[];
}

export function showNetwork(facts: NetworkInForce): NetworkShow {
  const networks = facts.networks.map((network) => showOne(facts, network));
  const wayOut = wayOutOf(facts.host.routes);
  return {
    host: {
      interfaces: interfacesOf(facts, wayOut?.interface ?? null),
      wayOut,
      forwarding: facts.forwarding,
      rules: facts.host.rulesState,
      returnPath: returnPathOf(facts.host.rules),
    },
    networks,
    instances: facts.instances.map((instance) => showInstance(facts, instance)),
    problems: hostProblems(facts, networks),
  };
}

function showOne({ host, wantedNetworks }: NetworkInForce, network: PodmanNetwork): ShownNetwork {
  const { attached, ...definition } = network;
  return {
    ...definition,
    kind: network.driver === 'bridge' ? 'publish' : 'lan',
    current: wantedNetworks.includes(network.name),
    interfaceState: host.links.find(({ name }) => name === network.interface)?.state ?? 'missing',
  };
}

/** Only those that the gateways' traffic passes. */
function interfacesOf({ host, networks }: NetworkInForce, wayOut: string | null): ShownInterface[] {
  const used = (driver: (kind: string) => boolean) =>
    new Set(networks.filter((it) => driver(it.driver)).map((it) => it.interface));
  const parents = used((kind) => kind !== 'bridge');
  const bridges = used((kind) => kind === 'bridge');
  return host.links.flatMap((link): ShownInterface[] => {
    const shim = link.parent !== null && parents.has(link.parent) && link.name.startsWith('ibq');
    const role = parents.has(link.name)
      ? 'parent'
      : bridges.has(link.name)
        ? 'bridge'
        : shim
          ? 'shim'
          : link.name === wayOut
            ? 'way-out'
            : null;
    return role === null ? [] : [{ ...link, role }];
  });
}

/** The default route that counts: the lowest metric. */
function wayOutOf(routes: readonly RouteState[]): ShownInstance['wayOut'] {
  const [best] = routes
    .filter(({ destination }) => destination === 'default')
    .sort((a, b) => a.metric - b.metric);
  return best ? { interface: best.interface, gateway: best.gateway } : null;
}

/** Its rule beside that for the host itself, which is there without it too (`renderHostRules`). */
function returnPathOf(rules: TableRules | null): string[] | null {
  const back = rules?.rules.find(
    ({ verdict, output, from }) =>
      verdict === 'masquerade' &&
      output?.startsWith(bridgePrefix) === true &&
      from?.[0] !== 'local',
  );
  return back ? (back.from ?? []) : null;
}

function hostProblems(facts: NetworkInForce, networks: readonly ShownNetwork[]): string[] {
  const runs = facts.instances.some(({ namespace }) => namespace !== null);
  const problems: string[] = [];
  const reload = 'run "sudo systemctl reload ibq-host-rules"';
  if (runs && facts.host.rulesState === 'missing') {
    problems.push(`the host's rules were flushed: other containers may get in; ${reload}`);
  }
  if (facts.host.rulesState === 'changed') {
    problems.push(`the host's rules are not those that ibq loaded; ${reload}`);
  }
  for (const { name, kind, interface: link, interfaceState: state } of networks) {
    const used = facts.networks.some((it) => it.name === name && it.attached.length > 0);
    if (!used || state === 'up') continue;
    // A bridge has a carrier only while something is plugged in.
    if (kind === 'publish' && state === 'no-carrier') continue;
    problems.push(`${link}, which carries ${name}, is ${state}`);
  }
  return problems;
}

const STATES: Readonly<Record<string, ShownInstance['state']>> = {
  active: 'running',
  reloading: 'running',
  failed: 'failed',
  activating: 'starting',
  deactivating: 'stopping',
};

function showInstance(facts: NetworkInForce, instance: InstanceState): ShownInstance {
  const { namespace, container } = instance;
  const state = STATES[instance.unit] ?? 'stopped';
  const attached = (name: string) => {
    const link = namespace?.links.find((it) => it.name === name);
    const address = link?.addresses[0]?.split('/')[0];
    if (!link || address === undefined) return null;
    const network = facts.networks.find((it) => it.attached.includes(`${container}/${name}`));
    return { network: network?.name ?? null, address, state: link.state, mac: link.mac };
  };
  const bridge = attached(publishInterface);
  const gone = namespace !== null && instance.lan !== null && !instance.pendingRestart;
  const lan =
    attached(lanInterface) ??
    // Its interface went away with the one that carried it.
    (gone
      ? { network: null, address: instance.lan ?? '', state: 'down' as const, mac: null }
      : null);
  const publishedOf = (at: Pick<InstanceState, 'publish' | 'relayPort' | 'api'>) =>
    instance.sharesHost
      ? listeningPort(facts, at)
      : namespace === null
        ? null
        : publishedPort(facts, at, { addresses: addressesIn(namespace), first: instance.api });
  const runs = instance.sharesHost || namespace !== null;
  const more = namespace === null ? [] : attachedOf(namespace);
  const shown: ShownInstance = {
    name: instance.name,
    state,
    api: instance.api ?? 'unchecked',
    pendingRestart: instance.pendingRestart,
    deployed: {
      publish: instance.publish,
      lan: instance.lan === null ? null : `${instance.lan}:${instance.relayPort}`,
      sideServices: instance.sideServices.map(({ service, publish, lan: at }) => ({
        service,
        publish,
        lan: at,
      })),
    },
    bridge: bridge && { network: bridge.network, address: bridge.address, state: bridge.state },
    lan,
    attached: more,
    wayOut: wayOutOf((instance.sharesHost ? facts.host : namespace)?.routes ?? []),
    published: publishedOf(instance),
    sideServices: (runs ? instance.sideServices : []).map((side) => ({
      service: side.service,
      api: side.api ?? 'unchecked',
      published: publishedOf(side),
      lan: side.lan,
    })),
    sharesHost: instance.sharesHost,
    rules: (instance.sharesHost ? facts.host : namespace)?.rulesState ?? 'none',
    reach: instance.sharesHost
      ? [instance, ...instance.sideServices].flatMap((at) => hostReachOf(facts.host.rules, at))
      : namespace === null
        ? []
        : reachOf(namespace.rules, {
            bridge: bridge?.address ?? null,
            lan: lan?.address ?? null,
            // Its address on a bridge is one of them.
            host: addressesIn(facts.host),
            attached: new Map(more.map((it) => [it.interface, it.address])),
          }),
    problems: [],
  };
  return { ...shown, problems: instanceProblems(shown, instance) };
}

const OWN_INTERFACES: ReadonlySet<string> = new Set(['lo', publishInterface, lanInterface]);

function attachedOf({ links }: NamespaceState): ShownInstance['attached'] {
  return links.flatMap(({ name, state, addresses: [first] }) => {
    if (first === undefined || OWN_INTERFACES.has(name)) return [];
    return [{ interface: name, address: first.split('/')[0] ?? '', state }];
  });
}

/** A published port may lead to any of its bridges: its own, a joined one, a sidecar's. */
function addressesIn({ links }: Pick<NamespaceState, 'links'>): ReadonlySet<string> {
  return new Set(links.flatMap((link) => link.addresses.map((it) => it.split('/')[0] ?? '')));
}

/** A forward is a rule of netavark's to this instance; a socket of Podman's alone answers nothing. */
function publishedPort(
  { host, forwards }: NetworkInForce,
  { publish, relayPort, api }: Pick<InstanceState, 'publish' | 'relayPort' | 'api'>,
  { addresses, first }: { addresses: ReadonlySet<string>; first: ProbeState | null },
): Published | null {
  if (publish === null) return null;
  const port = publish.slice(publish.lastIndexOf(':') + 1);
  const leadsHere = ({ target, ports }: Rule) =>
    addresses.has(target?.address ?? '') && target?.port === relayPort && ports?.includes(port);
  // What is no API was not asked: it is forwarded as the first API is.
  const state = api ?? first;
  const answers = state === 'handshake' || state === 'logged-in';
  return {
    address: publish,
    relayPort,
    listening: host.listens.includes(publish) || host.listens.includes(`*:${port}`),
    // Without a table of netavark's (it can use iptables) an answer is the only proof.
    forwarded: forwards === null ? answers : forwards.rules.some(leadsHere),
  };
}

/** In the host's own network nothing is forwarded: what listens is what is reached. */
function listeningPort(
  { host }: NetworkInForce,
  { publish, relayPort }: Pick<InstanceState, 'publish' | 'relayPort'>,
): Published | null {
  if (publish === null) return null;
  const port = publish.slice(publish.lastIndexOf(':') + 1);
  const ways = [
    publish,
    `*:${port}`,
    `0.0.0.0:${port}`,
    `[::]:${port}`,
    `[::ffff:127.0.0.1]:${port}`,
  ];
  const listening = ways.some((at) => host.listens.includes(at));
  return { address: publish, relayPort, listening, forwarded: true };
}

function instanceProblems(shown: ShownInstance, instance: InstanceState): string[] {
  const { name, state, published, rules, lan, bridge } = shown;
  const problems: string[] = [];
  if (shown.pendingRestart)
    problems.push(`changed, waits for "sudo ibq restart ${name}" (new login)`);
  if (state === 'running' && instance.namespace === null && !shown.sharesHost) {
    problems.push('nothing shows that its guard was loaded');
  }
  if (shown.sharesHost) {
    if (rules !== 'in-force') {
      problems.push(
        `the host's rules, which close its ports, are ${rules}: everybody may get in; run "sudo systemctl restart ibq-host-rules"`,
      );
    }
  } else if (rules === 'missing') {
    const load = `sudo nsenter --net=/proc/${instance.pid}/ns/net nft -f ${RUNNING}/${name}/guard.nft`;
    problems.push(`its rules are gone: everybody gets in; to close it again: ${load}`);
  } else if (rules === 'changed') {
    problems.push('its rules are not those that ibq loaded');
  } else if (rules === 'unknown') problems.push('its rules could not be compared');
  for (const port of [published, ...shown.sideServices.map((side) => side.published)]) {
    if (port && !port.listening) problems.push(`nothing listens on ${port.address}`);
    if (port && !port.forwarded) {
      problems.push(
        `${port.address} leads nowhere: Podman's forward is gone; run "sudo podman network reload --all"`,
      );
    }
  }
  for (const [link, at] of [
    [publishInterface, bridge],
    [lanInterface, lan],
  ] as const) {
    if (at && at.state !== 'up') problems.push(`its ${link} is ${at.state}`);
  }
  return problems;
}
