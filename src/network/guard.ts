/**
 * nftables rules inside an instance's own network namespace, loaded before its process starts and
 * again whenever they change. `docs/security.md` has the reasons.
 */

import type { NetworkMode } from '../config/types.ts';
import type { AttachedNetwork, Sidecar } from './attached.ts';
import type { Cidr, Ipv4 } from './ipv4.ts';
import { hasLan, publishesBeyondLoopback } from './modes.ts';
import { renderAddressSets, renderSet } from './nft-sets.ts';
import { bridgeGateway } from './publish-network.ts';

/** Names of an instance's interfaces, fixed by `interface_name=` so that rules can name them. */
export const publishInterface = 'pub0';
export const lanInterface = 'lan0';
/** Every bridge of ibq begins so. */
export const bridgePrefix = 'ibq';

/** Link on the host behind which `network test` has a neighbour; it begins as ibq's bridges do, so detection knows it. */
export const NEIGHBOUR_LINK = 'ibqtest0';
/** MAC and address of the stand-in that `network test` lets in for some seconds. */
export const STAND_IN_SET = 'stand_in';
/** Of connections of a stand-in, which are over when it is no longer let in. */
const STAND_IN_MARK = '0x1b9';

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
  /** The host's own interface among them; `null` without `network.host_access`. */
  shim: { address: Ipv4; mac: string } | null;
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
    shim: input.shim === null ? [] : [`${input.shim.address}/32` as Cidr],
  };
  const onLan = hasLan(mode) && input.sidecar === null;
  const standIn = onLan && ports.lan.length > 0 ? standInRules(ports.lan) : [];
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
  if (onLan) {
    rules.push("# the host, by its own interface among the instances' (network.host_access)");
    rules.push(...accept(lanInterface, '@shim', ports.lan, 'ether saddr @shim_mac '));
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
${renderAddressSets(sets)}${renderSet('shim_mac', 'type ether_addr;', input.shim === null ? [] : [input.shim.mac])}${renderSet(STAND_IN_SET, 'type ether_addr . ipv4_addr; flags timeout;', [])}\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tiif "lo" accept
\t\tmeta nfproto ipv6 drop
\t\tct state invalid drop
${standIn.map((rule) => `\t\t${rule}\n`).join('')}\t\tct state established,related accept
${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
`;
}

/**
 * Before the rule for connections that are open: one of a stand-in ends when it is no longer let in, also for who
 * takes its address over meanwhile.
 */
function standInRules(ports: readonly number[]): string[] {
  const from = `iifname "${lanInterface}" ether saddr . ip saddr @${STAND_IN_SET}`;
  return [
    '# the stand-in of "ibq network test", while it is let in',
    `${from} tcp dport { ${ports.join(', ')} } ct mark set ${STAND_IN_MARK} accept`,
    `ct mark ${STAND_IN_MARK} ct direction original drop`,
  ];
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

/** Ports and echo requests: who may open the port may also ask whether the address answers. */
function accept(
  name: string,
  source: string,
  ports: readonly number[],
  also: '' | `${string} ` = '',
): string[] {
  const from = `iifname "${name}" ${also}ip saddr ${source}`;
  return [
    ...ports.map((port) => `${from} tcp dport ${port} accept`),
    `${from} icmp type echo-request accept`,
  ];
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
