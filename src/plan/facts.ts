/** What a generation depends on besides the configuration. Data only; `host/facts.ts` reads it. */

import type { AttachedNetwork, Found, Sidecar } from '../network/attached.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import type { SubnetPool, UsedSubnet } from '../network/publish-network.ts';
import type { RenderInput } from '../quadlet/render.ts';
import type { IdRange } from './id-bases.ts';
import type { OwnFile } from './own-files.ts';

export interface HostFacts extends Pick<RenderInput, 'templates' | 'userDropIns' | 'libDir'> {
  /** Plain units that are the same on every host: path below /etc/systemd/system and text. */
  staticUnits: readonly { path: string; text: string }[];
  /** /etc/machine-id. */
  machineId: string;
  /** The host's interfaces by name, and whether each is up; empty where /proc/net/dev is not there. */
  interfaces: ReadonlyMap<string, { up: boolean; mac?: string | null }>;
  hostAddresses: readonly Ipv4[];
  /** Programs may listen on addresses that the host does not have (net.ipv4.ip_nonlocal_bind). */
  nonlocalBind: boolean;
  /** LAN addresses that running instances have now, by instance; empty under `--root`. */
  held: ReadonlyMap<string, readonly Ipv4[]>;
  /** Running instances that share the host's network; empty under `--root`. */
  sharing: ReadonlySet<string>;
  /** Networks that instances join, and containers whose network they live in, by the names in the configuration. */
  attached: ReadonlyMap<string, Found<AttachedNetwork>>;
  sidecars: ReadonlyMap<string, Found<Sidecar>>;
  /** ibq's LAN networks that Podman has: interface and driver. */
  lanNetworks: readonly { parent: string; driver: string }[];
  /** Addresses that the host has seen on the LAN (ARP). */
  seen: readonly Ipv4[];
  /** Addresses about to be given out for which somebody on the LAN answered just now. */
  answered: readonly Ipv4[];
  /** Subnets of the host's routes and of Podman's networks. */
  usedSubnets: readonly UsedSubnet[];
  /** `default_subnet_pools` of containers.conf; null: not set. */
  subnetPools: readonly SubnetPool[] | null;
  /** Files of the user's that instances name (`custom_config`), by path. */
  ownFiles: ReadonlyMap<string, OwnFile>;
  /** This host's own, for the names of the secrets that hold them; root's alone to read. */
  fileKey: string;
  /** Numbers of users and groups that others have, and those of user namespaces that run now, by instance. */
  takenIds: readonly IdRange[];
  heldIds: ReadonlyMap<string, number>;
  /** ibq.toml, for messages. */
  configFile: string;
  /** The file that pins the LAN's range, for messages. */
  rangeFile: string;
}
