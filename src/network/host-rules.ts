/**
 * nftables rules of the host: who gets to the gateways through it, and what the gateways get to on it.
 * `docs/security.md` has the reasons.
 */

import type { NetworkConfig } from '../config/types.ts';
import { bridgePrefix, NEIGHBOUR_LINK } from './guard.ts';
import type { Cidr, Ipv4 } from './ipv4.ts';
import { publishesBeyondLoopback } from './modes.ts';
import { renderAddressSets } from './nft-sets.ts';

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
  /** LAN addresses of instances that go out by the LAN's router, and could come to this host that way. */
  gateways: readonly Ipv4[];
  hostServices: NetworkConfig['hostServices'];
  linkLocal: boolean;
}

/**
 * `forward` drops new forwarded connections into ibq's bridges. A connection to a port on loopback is made by
 * the host itself and never forwarded; what is forwarded comes from a neighbour that routes through
 * this host or from another container, and the latter would look like the host to the guard (its
 * bridge's masquerading gives it the host's address). `from_gateways` is the other direction.
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
  const gateways = hostRules.gateways.map((address) => `${address}/32` as Cidr);
  const sets = {
    ...(published ? { allow, siblings } : {}),
    ...(gateways.length > 0 ? { gateways } : {}),
  };
  return `# ibq: other containers and neighbours that route through this host don't get to the gateways, and those
# not to the services of this host.
table inet ibq_host
delete table inet ibq_host
table inet ibq_host {
${renderAddressSets(sets)}${input.length === 0 ? '' : renderChain('input', 'filter hook input priority filter - 5', input)}${renderChain('from_gateways', null, outwardRules(hostRules))}${renderChain('prerouting', 'filter hook prerouting priority dstnat + 5', fromGateways(hostRules))}${renderChain('forward', 'filter hook forward priority filter - 5', forward)}${
  postrouting.length > 0
    ? renderChain('postrouting', 'nat hook postrouting priority srcnat - 5', postrouting)
    : ''
}}
`;
}

function fromGateways({ gateways }: HostRulesInput): string[] {
  return [
    `iifname "${NEIGHBOUR_LINK}" return`,
    `iifname "${bridgePrefix}*" jump from_gateways`,
    ...(gateways.length === 0
      ? []
      : ["# by the LAN's router", 'ip saddr @gateways jump from_gateways']),
  ];
}

/**
 * A gateway's program opens nothing on this host, nor the metadata of a cloud, beyond what was asked for. What comes
 * by the shim is that of other machines on the LAN as well: it is no way to this host's services. After the
 * translation of addresses: a port that another container publishes is a service of this host too.
 */
function outwardRules({ hostServices, linkLocal }: HostRulesInput): string[] {
  const all = hostServices === 'all';
  const services =
    all || hostServices.length === 0
      ? []
      : [`meta l4proto tcp ct original proto-dst { ${hostServices.join(', ')} } return`];
  return [
    'ct state established,related return',
    '# name servers',
    'meta l4proto { tcp, udp } ct original proto-dst 53 return',
    // Before the ports: a service of this host at port 80 is not the metadata of the cloud there.
    ...(linkLocal ? [] : ['ip daddr 169.254.0.0/16 drop']),
    ...services,
    'icmp type echo-request return',
    ...(all ? [] : ['fib daddr type local drop', 'ct status dnat drop']),
  ];
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

/** @param type null: a chain that others jump to */
function renderChain(name: string, type: string | null, rules: readonly string[]): string {
  const head = type === null ? '' : `\t\ttype ${type}; policy accept;\n`;
  const lines = rules.map((rule) => `\t\t${rule}\n`).join('');
  return `\tchain ${name} {\n${head}${lines}\t}\n`;
}
