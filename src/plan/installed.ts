/** What the host has: three answers to "which definition?" — on disk, loaded, running. Data only. */

import type { Manifest } from './manifest.ts';

export interface InstalledUnit {
  /** systemd's LoadState: loaded, not-found, … */
  load: string;
  /** systemd's ActiveState, with `auto-restart` for a unit that ended and waits for its next try. */
  active: string;
  /** `IBQ_DEFINITION` as systemd has loaded it; null: not one of ibq's. */
  definition: string | null;
}

/** A container that the guard hook let start. */
export interface RunningInstance {
  container: string;
  /** First process, seen from the host. */
  pid: number;
  definition: string;
  /** Ports of its command servers, each with that of the API of the same half; none: it is left to Podman. */
  halves: readonly { command: number; api: number }[];
  /** What its session depends on; empty: none outlives the container. */
  session: string;
  /** The rules that were loaded last. */
  guard: string;
  /** Set where /run/ibq had lost its record: the text of it, found again, for the next deploy to write. */
  foundAgain?: string;
}

/** The SSH tunnels of an instance, as this host holds them. */
export interface InstalledTunnel {
  /** As of a unit. */
  active: string;
  /** Hash of what its connections were made by, and what they lead to here; null: none is made. */
  definition: string | null;
  leadsTo: string | null;
  /** Machines that it goes to. */
  targets: readonly string[];
  /** The gateway's unit, as loaded, brings it up. */
  wanted: boolean;
}

export interface Installed {
  /** Of the current generation; null: there is none. */
  manifest: Manifest | null;
  /** `/etc/ibq/current` is gone; the newest whole generation stands for what it showed. */
  currentLost: boolean;
  /** Text of the current generation's files by relative path; null: missing. */
  files: ReadonlyMap<string, string | null>;
  /** What the links of its instances' units show, by relative path; null: no link. */
  links: ReadonlyMap<string, string | null>;
  /** Numbers of the generations on disk, ascending. */
  generations: readonly number[];
  quadletLinked: boolean;
  /** Plain units in /etc/systemd/system by path; null: missing. */
  staticUnits: ReadonlyMap<string, string | null>;
  /** What the runtime says; null under `--root`, where nobody is asked. */
  runtime: Runtime | null;
}

export interface Runtime {
  /** `ib-gateway@NAME.service` by NAME: all that are loaded and all that are wanted. */
  instances: ReadonlyMap<string, InstalledUnit>;
  running: ReadonlyMap<string, RunningInstance>;
  /** Names of those that run without their guard: somebody flushed it. */
  unguarded: ReadonlySet<string>;
  /** Names of those whose interface on the LAN went away with the one that carried it. */
  lanLost: ReadonlySet<string>;
  /** By instance: those that are loaded, and those of all instances. */
  tunnels: ReadonlyMap<string, InstalledTunnel>;
  /** Network units by Podman network name. */
  networks: ReadonlyMap<string, InstalledUnit>;
  /** Podman networks of ibq's that are defined on the host. */
  definedNetworks: readonly string[];
  /** What the target wants, as loaded. */
  targetWants: readonly string[];
  targetEnabled: boolean;
  /** Host rules as they were loaded last; null: not loaded. */
  hostRules: string | null;
  /** The shim's settings as they were loaded last; null: the host has none. */
  shim: string | null;
  /** A plain unit of ibq's was written and systemd has not read it yet. */
  staticUnitsStale: boolean;
}
