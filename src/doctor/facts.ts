/** What `ibq doctor` knows of a host: gathered by `host/doctor/`, judged by the checks. Data only. */

import type { Config, LanDriver } from '../config/types.ts';
import type { Verdict as InstanceVerdict } from '../gateway/instance-state.ts';
import type { NetworkFacts } from '../network/facts.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import type { PortHolder } from '../network/listeners.ts';
import type { Manifest } from '../plan/manifest.ts';
import type { Part } from '../plan/parts.ts';
import type { UserDropIn } from '../quadlet/render.ts';
import type { TunnelState } from '../ssh/state.ts';

/** A fact, or why nobody could find it out. */
export type Fact<T> = { known: true; value: T } | { known: false; why: string };

export type Facts = { readonly [K in keyof FactValues]: Fact<FactValues[K]> };

export interface FactValues {
  /** `said`: its last word where it fails. `database`: `sqlite`, `boltdb`; empty where Podman does not say. */
  podman: {
    version: string;
    database: string;
    failure: 'missing' | 'hangs' | 'fails' | null;
    said?: string;
  };
  /** `version` 0: `systemctl --version` says none. */
  systemd: { version: number; failure: 'missing' | 'not-booted' | 'hangs' | null };
  /** Path of each part that is installed. */
  parts: Readonly<Record<string, string | null>>;
  hook: HookFacts;
  cgroups: { unified: boolean };
  /** Whether the kernel can make links of the driver that is asked for. */
  kernelDriver: { driver: LanDriver; available: boolean; said: string };

  /** Problems of the configuration, one a line as every command prints them. */
  configuration: { problems: string[]; files: number };
  config: Config;
  /** Why the current generation can't be read; null: it can, or nothing is deployed. */
  generation: { problem: string | null };
  /** Null: nothing is deployed. */
  manifest: Manifest | null;
  /** Names of Podman's secrets. */
  secrets: ReadonlySet<string>;
  /** References of deployed images that are on this host. */
  images: ReadonlySet<string>;
  volumes: readonly VolumeFacts[];
  users: readonly UserFacts[];
  memoryWarning: string | null;
  /** Of one file system the first path. */
  disks: readonly { path: string; freeBytes: number; readOnly: boolean }[];
  /** Why a deploy would refuse a configuration that is valid by itself; null: it would not. */
  refusal: { problem: string | null };
  /** Instances that keep their settings in a volume and have none. */
  lostVolumes: readonly string[];
  /** Whether systemd starts the gateways at boot. */
  boot: { enabled: boolean };
  /** Units whose files were changed since systemd has read them. */
  changedUnits: readonly string[];
  /** Gateways that run, and no deployed generation knows them. */
  undeployed: readonly string[];
  clock: { synchronised: boolean };

  network: NetworkFacts;
  /** Who answered an ARP request through the parent interface: address → MAC. */
  lanAnswers: ReadonlyMap<Ipv4, string>;
  lanFromInside: LanFromInside;
  wayOut: WayOut;
  listeners: readonly PortHolder[];

  /** Networks of the current generation, and ibq's own that Podman has. */
  podmanNetworks: { wanted: readonly string[]; defined: readonly string[] };
  /** Services that must be loaded, with what systemd has. */
  units: readonly UnitFacts[];
  /** What the generator wrote into the journal at the last daemon-reload. */
  generatorLog: readonly string[];
  generator: { path: string | null; services: ReadonlyMap<string, string>; errors: string[] };
  /** `nft list table inet ibq_host`: as the deployed file makes it, and as the kernel has it. */
  hostRules: { wanted: string | null; kernel: string | null };
  shim: ShimFacts;
  guards: readonly GuardFacts[];
  /** `nft list ruleset`. */
  ruleset: string;
  nftablesService: { enabled: boolean; flushes: boolean; file: string };
  /** Null: it does not run. */
  firewalld: FirewalldFacts | null;

  tunnels: TunnelsFacts;

  generationFiles: GenerationFiles;
  dropIns: readonly DropInFacts[];
  instances: readonly InstanceFacts[];
}

export interface HookFacts {
  libDir: string;
  /** Guard, hook definition and the directories above them, `libDir` first. */
  paths: readonly { path: string; uid: number; mode: number }[];
  /** Its programs that are missing or can't be run. */
  unfit: readonly string[];
  /** Text of ibq-guard.json; null: missing. */
  definition: string | null;
}

export interface VolumeFacts {
  instance: string;
  path: string;
  owner: string;
  /** User and group that the image's process runs as by its profile, `1000:1000`. */
  wanted: string;
  profile: string;
  image: string;
  /** User id that the image itself says; null: a name, or the image is not on this host. */
  imageUser: string | null;
}

/** As whom an instance runs. */
export interface UserFacts {
  name: string;
  /** Null: it does not run. */
  pid: number | null;
  /** Where the numbers of its users begin on this host; null: they are this host's own. */
  wanted: number | null;
  actual: number | null;
  /** It runs by an older definition. */
  pendingRestart: boolean;
  /** This host's numbers of its process and of the image's user, where it has no user namespace, and who has them. */
  ids: readonly { id: number; owner: string | null }[];
}

/** Whether the LAN's gateway answers an ARP request: of the host, and of each running instance. */
interface LanFromInside {
  gateway: Ipv4;
  host: boolean;
  instances: readonly { name: string; answered: boolean }[];
}

interface WayOut {
  ipForward: boolean;
  /** The host's own next hop, and whether it answers the host; null: no default route, or one without a router. */
  nextHop: Ipv4 | null;
  /** Interface by which this host goes out; null: none, or nobody could tell. */
  leavesBy: string | null;
  host: boolean;
  instances: readonly { name: string; answered: boolean }[];
  /** Instances to whose address on the bridge this host sends another way. */
  astray: readonly {
    name: string;
    address: Ipv4;
    interface: string | null;
    table: string | null;
  }[];
  bridgeSubnet: string | null;
  /** Instances that no name server of theirs answers, with those of them that answer the host. */
  deaf: readonly { name: string; servers: readonly string[] }[];
  /** Base chains that drop what they don't accept: `inet filter forward`. */
  droppingChains: readonly string[];
}

export interface UnitFacts {
  id: string;
  load: string;
  /** `IBQ_DEFINITION` as loaded and as deployed; both null for a network. */
  loaded: string | null;
  deployed: string | null;
}

export interface FirewalldFacts {
  /** `StrictForwardPorts=yes`. */
  strict: boolean;
  /** Of the bridge of published ports; null: nothing is published. */
  subnet: string | null;
  /** The zone that this subnet belongs to, now and after its next start; null: none of its own. */
  zone: string | null;
  lasting: string | null;
  /** netavark puts it there again after each start and reload. */
  listener: boolean;
}

export interface ShimFacts {
  /** Text of shim.conf as deployed; null: `network.host_access` is off. */
  wanted: string | null;
  /** As it was set up last; null: not since the boot. */
  loaded: string | null;
  /** Null: there is no such interface. */
  link: {
    up: boolean;
    mac: string | null;
    addresses: (string | null)[];
    routes: (string | null)[];
  } | null;
  /** By which interface this host sends to each instance's LAN address; null: there is no way. */
  ways: readonly { address: string; interface: string | null }[];
  unit: { load: string; active: string; fragment: string; atBoot: boolean };
}

export interface GuardFacts {
  name: string;
  pid: number | null;
  /** The table as the wanted rules make it; null: they can't be loaded. */
  wanted: string | null;
  /** As it is in the instance's namespace; null: not there. */
  kernel: string | null;
  /** What was loaded last is what is wanted now. */
  current: boolean;
  /** /run/ibq has what the guard wrote down at its start. */
  recorded: boolean;
}

/** SSH tunnels that this host holds. */
export interface TunnelsFacts {
  /** Configured ones, with the machines whose host keys nobody has pinned. */
  instances: readonly { name: string; unpinned: readonly string[] }[];
  missingParts: readonly Part[];
  /** Owner and mode of the file of pinned host keys; null: there is none. */
  knownHosts: { uid: number; mode: number } | null;
  /** Deployed ones. */
  states: readonly { instance: string; state: TunnelState }[];
}

export interface GenerationFiles {
  /** Edited or missing, paths relative to the generation. */
  drift: readonly string[];
  /** In the generation and in no manifest. */
  foreign: readonly string[];
  linked: boolean;
  /** Plain units that are not as shipped. */
  staticUnits: readonly { path: string; state: 'missing' | 'edited' }[];
  /** Units in /etc/systemd/system or Quadlets beside ibq's that take the place of generated ones. */
  shadows: readonly string[];
}

export interface DropInFacts extends Omit<UserDropIn, 'text'> {
  /** `ib-gateway@4001.container` or `ib-gateway@.container`. */
  unit: string;
  /** Null: can't be read. */
  text: string | null;
}

interface InstanceFacts {
  name: string;
  active: string;
  pendingRestart: boolean;
  /** Its tag names another image than it runs. */
  imageMoved: boolean;
  /** The API answered over the published port. */
  answers: boolean;
  publish: string | null;
  /** What else is published. `answers`: null: no API, nobody asked. */
  sideServices: readonly { publish: string | null; answers: boolean | null }[];
  /** It lives in the host's own network: nothing is forwarded to it. */
  sharesHost: boolean;
  verdict: InstanceVerdict;
}
