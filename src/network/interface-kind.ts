/** What kind of interface it is, and so why it can't carry a LAN for containers. */

import type { Link } from './facts.ts';

/**
 * The closed list of `network detect --json`, each with what it means. All but the last two rule an
 * interface out; `wireless` and `cloud` say why an eligible one gets ipvlan or `bridge` mode.
 */
export const reasons = {
  loopback: 'the loopback interface leads nowhere',
  'container-bridge':
    'a bridge of a container or virtual machine tool, or one whose ports all end in this host: its subnet is inside this host',
  veth: 'one end of a cable to a container of this host',
  virtual:
    'a link of this host alone (dummy, ifb, VRF), or a second one on a link that is there itself (macvlan, ipvlan)',
  tunnel: 'a tunnel, VPN or point-to-point link: no Ethernet neighbours to share it with',
  'not-ethernet': 'not Ethernet (InfiniBand, raw IP): macvlan and ipvlan need Ethernet',
  'bridge-port': 'a port of a bridge; the bridge itself carries the addresses',
  'bond-port': 'a port of a bond or team; the bond itself carries the addresses',
  down: 'the link is down',
  'no-ipv4-subnet': 'no directly connected IPv4 subnet',
  'not-private': 'its subnet is not private (10/8, 172.16/12, 192.168/16)',
  'prefix-too-long': 'its subnet is a /31 or /32: no addresses to give out',
  wireless: 'Wi-Fi takes one MAC address only: ipvlan instead of macvlan',
  cloud: 'the cloud drops addresses it did not assign: bridge mode',
} as const satisfies Record<string, string>;

export type Reason = keyof typeof reasons;

/** Bridges and overlays of container and virtual machine tools. `br-lan` is a real LAN. */
const CONTAINER_BRIDGES = [
  /^docker/,
  /^br-[0-9a-f]{12}$/,
  /^podman/,
  /^cni/,
  /^nerdctl/,
  /^virbr/,
  /^vnet\d/,
  /^lx[cd]br/,
  /^incusbr/,
  /^mpqemubr/,
  /^vmnet\d/,
  /^vboxnet\d/,
  /^flannel/,
  /^cilium/,
  /^cali/,
  /^kube-/,
  /^vxlan/,
  /^weave/,
  /^cbr\d/,
  // Zones of systemd-nspawn.
  /^vz-/,
  // The bridge of the published ports, and the shim with its route to the range: ibq's own.
  /^ibq/,
];

/**
 * An Ethernet NIC of a container (LXC's eth0) is a veth as well, so only the name tells: of Docker, Podman and
 * Kubernetes; of systemd-nspawn (`--network-veth`, `--network-bridge`).
 */
const VETH = /^(veth|ve-|vb-)/;

/** Drivers of links that lead nowhere, by their usual names. */
const INNER = /^(dummy|ifb|nlmon|teql|bonding_masters)\d*$/;

/** DEVTYPE and usual names of links on top of another one of this host. */
const UPPER_TYPES = ['macvlan', 'ipvlan', 'macvtap', 'ipvtap'];
const UPPER = /^(macvlan|ipvlan|macvtap|ipvtap)/;

const TUNNELS =
  /^(tun|tap|wg|ppp|tailscale|ipip|tunl|gre|gretap|erspan|sit|ip6tnl|ip_vti|ip6_vti|vti|ipsec|nordlynx|wwan)[\d_-]|^(gre|ipip|wg-.*|zt[a-z0-9]{8,13})$/;

/** DEVTYPE of the drivers that make tunnels. */
const TUNNEL_TYPES = ['wireguard', 'ppp', 'vxlan', 'geneve', 'wwan', 'gtp', 'bareudp'];

/** if_arp.h: PPP 512, IP over IP 768, IPv6 769, SIT 776, GRE 778, GRE over IPv6 823, none 65534. */
const TUNNEL_ARPHRD = [512, 768, 769, 776, 778, 823, 65534];
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;

/** Every reason that lies in what the interface is, whatever addresses it has. */
export function kindReasons(link: Link, links: readonly Link[]): Reason[] {
  const found: Reason[] = [];
  const loopback = link.name === 'lo' || link.type === ARPHRD_LOOPBACK;
  if (loopback) found.push('loopback');
  const container = CONTAINER_BRIDGES.some((pattern) => pattern.test(link.name));
  if (container || isInternalBridge(link, links)) found.push('container-bridge');
  if (VETH.test(link.name)) found.push('veth');
  if (isVirtual(link)) found.push('virtual');
  const tunnel = isTunnel(link);
  if (tunnel) found.push('tunnel');
  if (!loopback && !tunnel && link.type !== null && link.type !== ARPHRD_ETHER) {
    found.push('not-ethernet');
  }
  const port = portReason(link, links);
  if (port) found.push(port);
  if (link.operstate !== null && DOWN.includes(link.operstate)) found.push('down');
  return found;
}

/** `unknown` is up for drivers that do not tell (Documentation/networking/operstates.rst). */
const DOWN = ['down', 'lowerlayerdown', 'notpresent'];

/** Reasons that the kernel itself enforces: no override changes them. */
export function isImpossible(reason: Reason, link: Link): boolean {
  if (reason === 'tunnel') return link.type !== ARPHRD_ETHER || link.tun;
  return ['loopback', 'not-ethernet', 'bridge-port', 'bond-port'].includes(reason);
}

function isTunnel(link: Link): boolean {
  return (
    TUNNELS.test(link.name) ||
    link.tun ||
    (link.devtype !== null && TUNNEL_TYPES.includes(link.devtype)) ||
    (link.type !== null && TUNNEL_ARPHRD.includes(link.type))
  );
}

/** A port has its receive path taken: macvlan on it fails with EBUSY (`rx_handler`). */
function portReason(link: Link, links: readonly Link[]): Reason | null {
  if (link.bridgePort) return 'bridge-port';
  if (link.master === null) return null;
  const master = links.find(({ name }) => name === link.master);
  // A VRF only chooses the routing table of its members.
  if (master?.devtype === 'vrf') return null;
  return master?.bridge || link.master === 'ovs-system' ? 'bridge-port' : 'bond-port';
}

/** A container's own macvlan looks the same from inside, but has no lower link there. */
function isVirtual({ name, devtype, lower }: Link): boolean {
  if (INNER.test(name) || devtype === 'vrf') return true;
  const upper = UPPER.test(name) || (devtype !== null && UPPER_TYPES.includes(devtype));
  return upper && (lower !== null || UPPER.test(name));
}

/** Whether a bridge has ports and all of them end in this host: no LAN behind it. */
function isInternalBridge(link: Link, links: readonly Link[]): boolean {
  if (!link.bridge) return false;
  const ports = links.filter(({ master }) => master === link.name);
  return ports.length > 0 && ports.every((port) => VETH.test(port.name) || port.tun);
}
