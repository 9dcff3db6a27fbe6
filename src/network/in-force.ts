/** The facts of `network show` and `network test`: what the kernel and Podman say is in force. */

import type { SideService } from '../config/types.ts';
import type { ProbeState } from '../gateway/probe.ts';
import type { Service } from '../plan/services.ts';
import type { TableRules } from './nft-rules.ts';

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

interface SideState extends Pick<Service, 'publish' | 'lan' | 'relayPort'> {
  service: SideService;
  /** Of the second API of mode `both`; null: not asked, or no API. */
  api: ProbeState | null;
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
  /** What can be reached beside its API. */
  sideServices: readonly SideState[];
  /** It runs in the host's own network (mode `host`). */
  sharesHost: boolean;
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
