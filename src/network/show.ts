/** What is in force on the network, as the system says it: facts in, the model of `network show` out. */

import type { ProbeState } from '../gateway/probe.ts';
import { lanInterface, publishInterface } from './guard.ts';
import { cidrContains, ipv4ToNumber, makeCidr, parseIpv4 } from './ipv4.ts';
import type { Rule, TableRules } from './nft-rules.ts';

/** `no-carrier`: switched on, and nothing at the other end. */
export type LinkWord = 'up' | 'down' | 'no-carrier' | 'missing';
/** Compared with what ibq loaded last. `unknown`: nobody noted what was loaded, or nft could not tell. */
export type RulesWord = 'in-force' | 'changed' | 'missing' | 'unknown';

export interface LinkState {
  name: string;
  /** `macvlan`, `bridge`, `veth`, …; null for a plain interface. */
  kind: string | null;
  /** Interface it hangs on, where that is in the same namespace. */
  parent: string | null;
  state: LinkWord;
  mac: string | null;
  /** `10.0.0.5/24`: its own address and the length of its subnet. */
  addresses: string[];
}

export interface RouteState {
  /** `default` or a subnet. */
  destination: string;
  gateway: string | null;
  interface: string;
  metric: number;
}

/** One network namespace: the host's, or an instance's. */
export interface NamespaceState {
  links: LinkState[];
  routes: RouteState[];
  rules: TableRules | null;
  /** What ibq loaded last, as the same nft lists it. */
  loadedRules: TableRules | null;
  rulesState: RulesWord;
  /** TCP sockets that listen, `127.0.0.1:4001`. */
  listens: string[];
}

export interface PodmanNetwork {
  name: string;
  driver: string;
  /** `bridge`, `vepa`, `l2`, …; null for a bridge. */
  mode: string | null;
  /** Parent of a macvlan or ipvlan, or the bridge itself. */
  interface: string;
  subnet: string;
  gateway: string | null;
  /** First and last address that Podman may give out; null: all of the subnet. */
  range: { first: string; last: string } | null;
  /** Container ids by the interface that they have on it: `ID/lan0`. */
  attached: string[];
}

export interface InstanceState {
  name: string;
  unit: string;
  container: string | null;
  /** Its first process; null: none that ibq knows. */
  pid: number | null;
  pendingRestart: boolean;
  api: ProbeState | null;
  /** As it runs, or as it is deployed where it does not run. */
  publish: string | null;
  lan: string | null;
  relayPort: number;
  /** Null: it does not run, or has no namespace of its own that ibq knows. */
  namespace: NamespaceState | null;
}

export interface NetworkInForce {
  host: NamespaceState;
  forwarding: boolean;
  /** Port forwards of netavark's table; null: there is no such table (it uses iptables, or was flushed). */
  forwards: TableRules | null;
  networks: PodmanNetwork[];
  /** Networks of the current generation. */
  wantedNetworks: readonly string[];
  instances: InstanceState[];
}

export interface ShownInterface extends LinkState {
  role: 'parent' | 'bridge' | 'shim' | 'way-out';
}

/** Who reaches what. `host`: programs on the host; `lan`: by the instance's own address; `published`: from elsewhere, by the host's. */
export interface Reach {
  by: 'host' | 'lan' | 'published' | 'other';
  /** Addresses as the instance sees them; empty: everybody. */
  from: string[];
  /** What is dropped before, although `from` has it. */
  except: string[];
  /** Address and port. */
  to: string;
}

export interface ShownInstance {
  name: string;
  state: 'running' | 'stopped' | 'failed' | 'starting' | 'stopping';
  api: ProbeState | 'unchecked';
  pendingRestart: boolean;
  /** What its definition gives it, in force or not. */
  deployed: { publish: string | null; lan: string | null };
  bridge: { network: string | null; address: string; state: LinkWord } | null;
  lan: { network: string | null; address: string; mac: string | null; state: LinkWord } | null;
  wayOut: { interface: string; gateway: string | null } | null;
  published: { address: string; relayPort: number; listening: boolean; forwarded: boolean } | null;
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
  const lan = attached(lanInterface);
  const published = namespace === null ? null : publishedPort(facts, instance, bridge?.address);
  const shown: ShownInstance = {
    name: instance.name,
    state,
    api: instance.api ?? 'unchecked',
    pendingRestart: instance.pendingRestart,
    deployed: {
      publish: instance.publish,
      lan: instance.lan === null ? null : `${instance.lan}:${instance.relayPort}`,
    },
    bridge: bridge && { network: bridge.network, address: bridge.address, state: bridge.state },
    lan,
    wayOut: wayOutOf(namespace?.routes ?? []),
    published,
    rules: namespace?.rulesState ?? 'none',
    reach: reachOf(namespace?.rules ?? null, {
      bridge: bridge?.address ?? null,
      lan: lan?.address ?? null,
      bridgeGateway: namespace?.links ? gatewayOn(facts, bridge?.network ?? null) : null,
    }),
    problems: [],
  };
  return { ...shown, problems: instanceProblems(shown, instance) };
}

function gatewayOn({ networks }: NetworkInForce, name: string | null): string | null {
  return networks.find((network) => network.name === name)?.gateway ?? null;
}

/** A forward is a rule of netavark's to this instance; a socket of Podman's alone answers nothing. */
function publishedPort(
  { host, forwards }: NetworkInForce,
  { publish, relayPort, api }: InstanceState,
  bridgeAddress: string | undefined,
): ShownInstance['published'] {
  if (publish === null) return null;
  const port = publish.slice(publish.lastIndexOf(':') + 1);
  const leadsHere = ({ target, ports }: Rule) =>
    target?.address === bridgeAddress && target?.port === relayPort && ports?.includes(port);
  const answers = api === 'handshake' || api === 'logged-in';
  return {
    address: publish,
    relayPort,
    listening: host.listens.includes(publish) || host.listens.includes(`*:${port}`),
    // Without a table of netavark's (it can use iptables) an answer is the only proof.
    forwarded: forwards === null ? answers : forwards.rules.some(leadsHere),
  };
}

/** From the accepting rules of chain `input`, each with what is dropped before it. */
function reachOf(
  table: TableRules | null,
  at: { bridge: string | null; lan: string | null; bridgeGateway: string | null },
): Reach[] {
  if (table === null) return [];
  const rules = table.rules.filter((rule) => rule.chain === 'input');
  return rules.flatMap((rule, index): Reach[] => {
    const opens = rule.verdict === 'accept' && rule.input !== 'lo' && rule.states === null;
    if (!opens || rule.protocol === 'icmp' || rule.protocol === 'ipv6') return [];
    if (rule.from !== null && rule.from.length === 0) return [];
    const address = rule.input === lanInterface ? at.lan : at.bridge;
    const onlyHost = rule.from?.every((source) => source === at.bridgeGateway) === true;
    const by = !rule.understood
      ? 'other'
      : rule.input === lanInterface
        ? 'lan'
        : rule.input !== publishInterface
          ? 'other'
          : onlyHost
            ? 'host'
            : 'published';
    const dropped = rules
      .slice(0, index)
      .filter((it) => it.verdict === 'drop' && it.input === rule.input && it.ports === null)
      .flatMap((it) => it.from ?? []);
    return (rule.ports ?? ['any']).map((port) => ({
      by,
      from: rule.from ?? [],
      except: dropped.filter(
        (other) => rule.from === null || rule.from.some((it) => meets(it, other)),
      ),
      to: `${address ?? '*'}:${port}`,
    }));
  });
}

/** Whether two addresses, subnets or ranges of nft's have an address in common; a range counts as one that does. */
function meets(one: string, other: string): boolean {
  const subnet = (text: string) => {
    const [address = '', prefix = '32'] = text.split('/');
    const parsed = parseIpv4(address);
    return parsed && { address: parsed, prefix: Number(prefix) };
  };
  const [a, b] = [subnet(one), subnet(other)];
  if (!a || !b) return true;
  const [wide, narrow] = a.prefix <= b.prefix ? [a, b] : [b, a];
  return cidrContains(makeCidr(ipv4ToNumber(wide.address), wide.prefix), narrow.address);
}

function instanceProblems(shown: ShownInstance, instance: InstanceState): string[] {
  const { name, state, published, rules, lan, bridge } = shown;
  const problems: string[] = [];
  if (shown.pendingRestart)
    problems.push(`changed, waits for "sudo ibq restart ${name}" (new login)`);
  if (state === 'running' && instance.namespace === null) {
    problems.push('nothing shows that its guard was loaded');
  }
  if (rules === 'missing') {
    problems.push(`its rules are gone: everybody gets in; "sudo ibq restart ${name}" closes it`);
  } else if (rules === 'changed') {
    problems.push('its rules are not those that ibq loaded');
  } else if (rules === 'unknown') problems.push('its rules could not be compared');
  if (published && !published.listening) problems.push(`nothing listens on ${published.address}`);
  if (published && !published.forwarded) {
    problems.push(
      `${published.address} leads nowhere: Podman's forward is gone; run "sudo podman network reload --all"`,
    );
  }
  for (const [link, at] of [
    [publishInterface, bridge],
    [lanInterface, lan],
  ] as const) {
    if (at && at.state !== 'up') problems.push(`its ${link} is ${at.state}`);
  }
  return problems;
}
