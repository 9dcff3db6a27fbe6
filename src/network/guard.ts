/**
 * nftables rules. `renderGuard`: inside an instance's own network namespace, loaded before its
 * process starts and again whenever they change. `renderHostRules`: on the host, against other
 * containers. `docs/security.md` has the reasons.
 */

import type { NetworkConfig, NetworkMode } from '../config/types.ts';
import type { AttachedNetwork, Sidecar } from './attached.ts';
import { type Cidr, cidrCovers, type Ipv4, networkOf, prefixOf } from './ipv4.ts';
import { hasLan, publishesBeyondLoopback } from './modes.ts';
import { bridgeGateway } from './publish-network.ts';

/** Names of an instance's interfaces, fixed by `interface_name=` so that rules can name them. */
export const publishInterface = 'pub0';
export const lanInterface = 'lan0';
/** Every bridge of ibq begins so. */
export const bridgePrefix = 'ibq';

export interface GuardInput {
  instance: string;
  mode: NetworkMode;
  /** Ports the container listens on, by who may open them. */
  ports: {
    /** From the host, by what is published on its loopback. */
    host: readonly number[];
    /** From allowed clients, by what is published beyond loopback. */
    published: readonly number[];
    /** From allowed clients of the LAN. */
    lan: readonly number[];
  };
  allow: readonly Cidr[];
  /** Addresses that instances have on the LAN, and those they may be given. */
  siblings: readonly Cidr[];
  /** The host's own address among them; `null` without `network.host_access`. */
  shim: Ipv4 | null;
  /** Subnet of the publish bridge; `null` in `lan` mode. */
  publishSubnet: Cidr | null;
  publishAddress: Ipv4;
  /** Set where it lives in another container's network. */
  sidecar: Sidecar | null;
  /** Networks of the user's that it is attached to as well. */
  joined: readonly { interface: string; network: AttachedNetwork; allowed: boolean }[];
}

/**
 * A whole file for `nft -f`: loading it again replaces the table in one transaction, and what is
 * connected stays connected.
 */
export function renderGuard(input: GuardInput): string {
  if (input.mode === 'host') return renderNoGuard(input);
  const { instance, mode, ports, publishSubnet, publishAddress } = input;
  const open = publishesBeyondLoopback(publishAddress);
  const sets = {
    allow: input.allow,
    siblings: input.siblings,
    shim: input.shim === null ? [] : [`${input.shim}/32` as Cidr],
  };
  const rules: string[] = [];
  if (input.sidecar !== null) {
    rules.push(...sidecarRules(input, input.sidecar));
  } else if (publishSubnet !== null) {
    const gateway = bridgeGateway(publishSubnet);
    const hosts =
      open && publishAddress !== '0.0.0.0' ? `{ ${gateway}, ${publishAddress} }` : gateway;
    rules.push('# the host: connections to the published port come from its address on the bridge');
    rules.push(...accept(publishInterface, hosts, ports.host));
    if (open) {
      rules.push('# published beyond loopback: clients keep their own address');
      rules.push(`iifname "${publishInterface}" ip saddr ${publishSubnet} drop`);
      rules.push(...accept(publishInterface, '@allow', ports.published));
    }
  }
  if (hasLan(mode) && input.sidecar === null) {
    rules.push("# the host, by its own address among the instances' (network.host_access)");
    rules.push(...accept(lanInterface, '@shim', ports.lan));
    rules.push('# no other gateway, however wide the list of allowed clients is');
    rules.push(`iifname "${lanInterface}" ip saddr @siblings drop`);
    rules.push('# allowed clients of the LAN');
    rules.push(...accept(lanInterface, '@allow', ports.lan));
  }
  for (const { interface: name, network, allowed } of input.joined) {
    rules.push(`# published connections: Podman may lead them to ${name} just as well`);
    rules.push(...accept(name, network.gateway, ports.host));
    if (!allowed) continue;
    rules.push('# containers of that network');
    rules.push(...accept(name, network.subnet, ports.published));
  }
  return `# ibq: what may reach instance ${instance}. Loaded into its network namespace.
table inet ibq
delete table inet ibq
table inet ibq {
${renderSets(sets, 'allow')}\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tiif "lo" accept
\t\tmeta nfproto ipv6 drop
\t\tct state invalid drop
\t\tct state established,related accept
${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
`;
}

/**
 * In the network of another container: the host comes from its addresses on that container's bridges, allowed
 * clients from wherever its tunnel leads.
 */
function sidecarRules({ ports, publishAddress }: GuardInput, { networks }: Sidecar): string[] {
  const open = publishesBeyondLoopback(publishAddress) && publishAddress !== '0.0.0.0';
  const hosts = [...networks.map(({ gateway }) => gateway), ...(open ? [publishAddress] : [])];
  return [
    "# the host: connections to the published port come from its address on the sidecar's bridge",
    ...ports.host.map((port) => `ip saddr { ${hosts.join(', ')} } tcp dport ${port} accept`),
    '# allowed clients, by the tunnel',
    ...ports.published.map((port) => `ip saddr @allow tcp dport ${port} accept`),
  ];
}

/** Rules in the host's own network namespace are the host's: see `renderHostRules`. */
function renderNoGuard({ instance }: GuardInput): string {
  return `# ibq: instance ${instance} lives in the host's network; what may reach it is in host.nft.\n`;
}

export interface OtherBridge {
  bridge: string;
  /** Ports that the instance listens on. */
  ports: { host: readonly number[]; published: readonly number[] };
  /** Ports of the host that are published to them. */
  hostPorts: readonly number[];
}

export interface HostRulesInput {
  /** Ports of the host that instances in its own network listen on, and those of them that allowed clients may open. */
  hostPorts: { all: readonly number[]; open: readonly number[] };
  allow: readonly Cidr[];
  /** As in the guards. */
  siblings: readonly Cidr[];
  publishAddress: Ipv4;
  /** Set in `dual` mode. */
  lanSubnet: Cidr | null;
  /** The bridge's subnet, and the LAN to which this host routes for it without masquerading. */
  routed: { from: Cidr; to: Cidr } | null;
  /** Bridges of others that lead to an instance: joined ones, and those of sidecars. */
  otherBridges: readonly OtherBridge[];
  egress: NetworkConfig['egress'];
}

/**
 * Drops new forwarded connections into ibq's bridges. A connection to a port on loopback is made by
 * the host itself and never forwarded; what is forwarded comes from a neighbour that routes through
 * this host or from another container, and the latter would look like the host to the guard (its
 * bridge's masquerading gives it the host's address).
 */
export function renderHostRules(hostRules: HostRulesInput): string {
  const { allow, siblings, publishAddress, lanSubnet, egress } = hostRules;
  const published = publishesBeyondLoopback(publishAddress) && allow.length > 0;
  const input = inputRules(hostRules);
  const toBridge = `oifname "${bridgePrefix}*"`;
  const forward = [
    ...(published
      ? [
          '# published beyond loopback: allowed clients, and no other gateway by way of a published port',
          `iifname "${bridgePrefix}*" ${toBridge} ct state new drop`,
          `${toBridge} ct state new ip saddr @siblings drop`,
          `${toBridge} ct state new ct status dnat ip saddr @allow return`,
        ]
      : []),
    `${toBridge} ct state new,untracked,invalid drop`,
    ...hostRules.otherBridges.flatMap((it) => otherForwards(it, published)),
  ];
  // A LAN client's connection to a published port would be answered from the LAN interface, with an
  // address the client doesn't know; with the host's address on it the answer comes back here. Where
  // the way out is the LAN's, that holds for every client.
  const lost = egress === 'lan' ? '' : ` ip saddr ${lanSubnet}`;
  const returnPath = [
    '# the host itself, by whichever of its addresses: the guard knows it by that on the bridge',
    `ct status dnat ${toBridge} fib saddr type local masquerade`,
    ...(lanSubnet === null
      ? []
      : [
          '# the way back to clients that the instance would answer over the LAN',
          `ct status dnat ${toBridge}${lost} masquerade`,
        ]),
  ];
  const postrouting = [
    ...(published ? [...returnPath, ...hostRules.otherBridges.map(otherReturn)] : []),
    ...routedRules(hostRules),
  ];
  return `# ibq: other containers and neighbours that route through this host don't get to the gateways.
table inet ibq_host
delete table inet ibq_host
table inet ibq_host {
${published ? renderSets({ allow, siblings }) : ''}${input.length === 0 ? '' : renderChain('input', 'filter hook input priority filter - 5', input)}${renderChain('forward', 'filter hook forward priority filter - 5', forward)}${
  postrouting.length > 0
    ? renderChain('postrouting', 'nat hook postrouting priority srcnat - 5', postrouting)
    : ''
}}
`;
}

/**
 * These bridges are not ibq's: of what other machines and containers send there, only what goes to the
 * gateway's ports is dropped. It would be masqueraded, and look like the host to the guard.
 */
function otherForwards({ bridge, ports }: OtherBridge, published: boolean): string[] {
  const to = `iifname != "${bridge}" oifname "${bridge}" ct state new,untracked,invalid`;
  return [
    ...(published
      ? ports.published.map(
          (port) => `${to} ct status dnat ip saddr @allow tcp dport ${port} return`,
        )
      : []),
    ...ports.host.map((port) => `${to} tcp dport ${port} drop`),
  ];
}

/** An instance has a route to its own machines there, and to nobody else. */
function otherReturn({ bridge, hostPorts }: OtherBridge): string {
  return `ct status dnat ct original proto-dst { ${hostPorts.join(', ')} } oifname "${bridge}" masquerade`;
}

/** An address that is mapped to itself is not masqueraded any more by the rules that come after. */
function routedRules({ routed }: HostRulesInput): string[] {
  if (routed === null) return [];
  const { from, to } = routed;
  return [
    '# this host is a router: machines of the LAN see the addresses of the bridge',
    `ip saddr ${from} ip daddr ${to} snat ip prefix to ip saddr map { ${from} : ${from} }`,
  ];
}

/**
 * Against everybody but the host itself, as the guards of other modes: a relay listens on all addresses, and a
 * gateway on more than loopback where it trusts others.
 */
function inputRules({ hostPorts, publishAddress, allow }: HostRulesInput): string[] {
  const { all, open } = hostPorts;
  if (all.length === 0) return [];
  const to = publishAddress === '0.0.0.0' ? '' : ` ip daddr ${publishAddress}`;
  const opens = open.map((port) => `ip saddr @allow${to} tcp dport ${port} return`);
  return [
    "# gateways in the host's own network: the host itself, and allowed clients",
    'iif "lo" return',
    'ct state established,related return',
    ...(allow.length === 0 ? [] : opens),
    ...all.map((port) => `tcp dport ${port} drop`),
  ];
}

function renderChain(name: string, type: string, rules: readonly string[]): string {
  const lines = rules.map((rule) => `\t\t${rule}\n`).join('');
  return `\tchain ${name} {\n\t\ttype ${type}; policy accept;\n${lines}\t}\n`;
}

/** Ports and echo requests: who may open the port may also ask whether the address answers. */
function accept(name: string, source: string, ports: readonly number[]): string[] {
  return [
    ...ports.map((port) => `iifname "${name}" ip saddr ${source} tcp dport ${port} accept`),
    `iifname "${name}" ip saddr ${source} icmp type echo-request accept`,
  ];
}

/**
 * Always there, so that rules can name them. Without elements nothing matches (`{ }` is a syntax error).
 *
 * @param temporary set that takes elements for some seconds (`network test`): they end by
 *   themselves, even where nobody is left to take them away
 */
function renderSets(
  sets: Readonly<Record<string, readonly Cidr[]>>,
  temporary: string | null = null,
): string {
  return Object.entries(sets)
    .map(([name, cidrs]) => {
      const elements = withoutCovered(cidrs).map((cidr) => cidr.replace(/\/32$/, ''));
      const line = elements.length > 0 ? `\t\telements = { ${elements.join(', ')} }\n` : '';
      const flags = name === temporary ? 'interval, timeout' : 'interval';
      return `\tset ${name} {\n\t\ttype ipv4_addr; flags ${flags};\n${line}\t}\n`;
    })
    .join('');
}

const SET = /\tset (\w+) \{\n[^}]*(?:\}\n\t)?\}\n/g;

/**
 * The rules that a running instance should have now. One that runs by an older definition keeps its
 * own port and networks until its restart, but who is allowed, who is a sibling and which address is
 * the host's count at once: all of that is in sets.
 *
 * @param running rules that are loaded @param wanted rules of the wanted definition
 */
export function guardForRunning(running: string, wanted: string): string {
  const sets = new Map([...wanted.matchAll(SET)].map(([text, name]) => [name, text]));
  return running.replace(SET, (text, name: string) => sets.get(name) ?? text);
}

const ELEMENTS = /^\t\telements = \{.*\}\n/gm;

/** Whether two guards differ in the elements of their sets alone, or not at all. */
export function sameButForElements(one: string, other: string): boolean {
  return one.replace(ELEMENTS, '') === other.replace(ELEMENTS, '');
}

/** Sorted, and without the subnets that another one covers: nft refuses overlapping intervals. */
function withoutCovered(cidrs: readonly Cidr[]): Cidr[] {
  const wideFirst = [...new Set(cidrs)].sort(
    (a, b) => networkOf(a) - networkOf(b) || prefixOf(a) - prefixOf(b),
  );
  const kept: Cidr[] = [];
  for (const cidr of wideFirst) {
    const last = kept.at(-1);
    if (last === undefined || !cidrCovers(last, cidr)) kept.push(cidr);
  }
  return kept;
}
