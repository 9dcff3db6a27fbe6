/**
 * Stand-ins for other machines, for some seconds: a LAN client on the parent interface, and a
 * neighbour and a container behind the host. All in one network namespace that ends with its
 * process. Addresses of others are never taken: a free one is asked for on the LAN first, and what
 * it sends stays inside this machine, since its neighbour entries are set by hand.
 */

import { randomBytes } from 'node:crypto';
import { lanInterface, NEIGHBOUR_LINK, STAND_IN_SET } from '../network/guard.ts';
import type { PodmanNetwork } from '../network/in-force.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import type { Host, RunResult } from './host.ts';
import { HELD_NAMESPACE, type Perform } from './undo.ts';

const LAN_LINK = 'ibqtest1';
const HOST_LINK = NEIGHBOUR_LINK;
const TABLE = 'ibq_test';

export interface LanStand {
  network: PodmanNetwork;
  /** Length of the subnet's prefix. */
  prefix: string;
  addresses: readonly Ipv4[];
  /** The instances that will be tried: without asking the LAN for them. */
  instances: readonly { address: Ipv4; mac: string }[];
  parentMac: string | null;
  /** Its own; by ipvlan it has that of the parent. */
  mac: string;
}

/** Nobody on the LAN knows it: what it sends stays inside this machine. */
export function unknownMac(): string {
  return `02${randomBytes(5).toString('hex').replace(/../g, ':$&')}`;
}

/** @returns a complaint, or null; `ipv6`: the name of the interface where it has IPv6 */
export async function plugIntoLan(
  host: Host,
  pid: number,
  { network, prefix, addresses, instances, parentMac, mac }: LanStand,
): Promise<{ complaint: string | null; ipv6: string | null }> {
  const { driver, mode, interface: parent } = network;
  const kind = ['type', driver, 'mode', mode ?? (driver === 'ipvlan' ? 'l2' : 'bridge')];
  const made = await host.run([
    ...(['ip', 'link', 'add', 'link', parent, 'name', LAN_LINK, 'netns', String(pid)] as const),
    ...(driver === 'ipvlan' ? [] : ['address', mac]),
    ...kind,
  ]);
  if (made.exitCode !== 0) return { complaint: said(made), ipv6: null };
  const lines = [
    `link set ${LAN_LINK} up`,
    ...addresses.map((address) => `address add ${address}/${prefix} dev ${LAN_LINK} nodad`),
    ...instances.flatMap(({ address, mac }) => {
      // All that hang on a parent by ipvlan have its own.
      const at = driver === 'ipvlan' ? parentMac : mac;
      return at ? [`neigh replace ${address} lladdr ${at} dev ${LAN_LINK} nud permanent`] : [];
    }),
  ];
  const set = await inside(host, pid, lines);
  if (set.exitCode !== 0) return { complaint: said(set), ipv6: null };
  // An interface by ipvlan has a link-local address that no MAC tells.
  if (driver === 'ipvlan') return { complaint: null, ipv6: null };
  const ipv6 = await inside(host, pid, [`address add fe80::1b:1/64 dev ${LAN_LINK} nodad`]);
  return { complaint: null, ipv6: ipv6.exitCode === 0 ? LAN_LINK : null };
}

export interface HostStand {
  /** `192.0.2`: three octets of a documentation network that this host has no route to. */
  block: string;
  /** What the neighbour reaches through the host. */
  destinations: readonly string[];
}

export function addressesBehind(block: string): { host: Ipv4; neighbour: Ipv4; container: Ipv4 } {
  return {
    host: `${block}.1` as Ipv4,
    neighbour: `${block}.2` as Ipv4,
    container: `${block}.3` as Ipv4,
  };
}

/**
 * @param perform for what is outside of the namespace of `pid`: it does not go with it
 * @returns a complaint, or null
 */
export async function plugBehindHost(
  host: Host,
  pid: number,
  perform: Perform,
  { block, destinations }: HostStand,
): Promise<string | null> {
  const at = addressesBehind(block);
  const chain = `inet ${TABLE} postrouting`;
  const outside = [
    `ip link add ${HOST_LINK} type veth peer name ${HOST_LINK} netns ${pid}`,
    `ip address add ${at.host}/29 dev ${HOST_LINK}`,
    `ip link set ${HOST_LINK} up`,
    `nft 'add table inet ${TABLE}; add chain ${chain} { type nat hook postrouting priority srcnat; }; add rule ${chain} ip saddr ${at.container} oifname "ibq*" masquerade'`,
  ];
  for (const line of outside) {
    const complaint = await perform(line);
    if (complaint !== null) return withoutPrefix(complaint);
  }
  const set = await inside(host, pid, [
    `link set ${HOST_LINK} up`,
    `address add ${at.neighbour}/29 dev ${HOST_LINK}`,
    `address add ${at.container}/29 dev ${HOST_LINK}`,
    ...destinations.map((it) => `route replace ${it} via ${at.host} dev ${HOST_LINK}`),
  ]);
  return set.exitCode === 0 ? null : said(set);
}

/**
 * Shell lines that take everything away again.
 *
 * @param closing what lets a stand-in in: after its connections have ended, before its link goes
 * @param pid the process in the namespace, which may still be about to end: what it had open is
 *   closed before its link goes. The kernel takes a namespace apart some time after its last process,
 *   and until then the old stand-in would answer for addresses that the next one has.
 */
export function undoStands(pid: number, closing: readonly string[]): string[] {
  return [
    `for i in $(seq 40); do [ -d /proc/${pid} ] || break; sleep 0.05; done; sleep 0.2`,
    ...closing,
    `nsenter --net=${HELD_NAMESPACE} ip link delete ${LAN_LINK}`,
    `nft delete table inet ${TABLE}`,
    `ip link delete ${HOST_LINK}`,
  ];
}

/**
 * Shell lines that let a stand-in in for the time of the test, and that undo it: by its MAC and its address
 * together, and without touching the list of allowed clients. It ends by itself, even where nobody is left to undo it.
 */
export function letIn(
  pid: number,
  { mac, address }: { mac: string; address: Ipv4 },
): { add: string; undo: string } {
  const element = (verb: string, time: string) =>
    `${entering(pid)} nft ${verb} element inet ibq ${STAND_IN_SET} '{ ${mac} . ${address}${time} }'`;
  return { add: element('add', ' timeout 30s'), undo: element('delete', '') };
}

/**
 * A shell line by which an instance knows the stand-in's addresses: answers go nowhere else, whoever on the LAN says
 * that he has one of them.
 */
export function introduce(pid: number, addresses: readonly Ipv4[], mac: string): string {
  return eachNeighbour(
    pid,
    addresses.map((address) => `replace ${address} lladdr ${mac} nud permanent`),
  );
}

/** A shell line by which an instance forgets who had an address: it may be another's soon. */
export function forget(pid: number, addresses: readonly Ipv4[]): string {
  return eachNeighbour(
    pid,
    addresses.map((address) => `del ${address}`),
  );
}

function eachNeighbour(pid: number, actions: readonly string[]): string {
  const each = actions.map((action) => `ip neigh ${action} dev ${lanInterface}`);
  return `${entering(pid)} sh -c '${each.join('; ')}'`;
}

function entering(pid: number): string {
  return `nsenter --net=/proc/${pid}/ns/net`;
}

function inside(host: Host, pid: number, lines: readonly string[]): Promise<RunResult> {
  return host.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', 'ip', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
  });
}

function said({ stderr }: RunResult): string {
  return withoutPrefix(stderr.trim().split('\n')[0] ?? '') || 'no reason was given';
}

function withoutPrefix(line: string): string {
  return line.replace(/^(RTNETLINK answers|Error): /, '');
}
