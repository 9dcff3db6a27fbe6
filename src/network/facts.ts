/** What detection knows of a host: read by `host/network-facts.ts`, judged by `detect.ts`. */

import type { Ipv4 } from './ipv4.ts';
import type { Neighbour, Route } from './proc.ts';

/** One interface: its name from /proc/net/dev, the rest from /sys/class/net/NAME (null: not told). */
export interface Link {
  name: string;
  /** ARPHRD_… number of `type`: 1 Ethernet, 772 loopback, 65534 none (include/uapi/linux/if_arp.h). */
  type: number | null;
  /** `up`, `down`, `unknown`, `dormant`, `lowerlayerdown`, `notpresent` (RFC 2863). */
  operstate: string | null;
  mac: string | null;
  /** DEVTYPE of `uevent`: `bridge`, `vlan`, `bond`, `wlan`, `wireguard`, … */
  devtype: string | null;
  wireless: boolean;
  bridge: boolean;
  bridgePort: boolean;
  bond: boolean;
  /** The bridge, bond or team that this interface is a port of. */
  master: string | null;
  /** Made by the tun driver (tun or tap). */
  tun: boolean;
  /** The link of this host that it lies on (macvlan, ipvlan, VLAN); null: none that can be told. */
  lower: string | null;
}

/** /sys/class/dmi/id, which says whose machine this is; null where the file is absent. */
export interface Machine {
  sysVendor: string | null;
  productName: string | null;
  biosVendor: string | null;
  biosVersion: string | null;
  chassisAssetTag: string | null;
}

export interface NetworkFacts {
  /** In the order of /proc/net/dev. */
  links: Link[];
  /** IPv4 main table in the kernel's order. */
  routes: Route[];
  /** The host's own IPv4 addresses, ascending. */
  addresses: Ipv4[];
  neighbours: Neighbour[];
  machine: Machine;
  /** Files that are absent and lines that made no sense. */
  warnings: string[];
}
