/**
 * What ibq has to know about an image: a profile is data plus a few pure functions, one file each.
 * `docs/images.md` says where each fact was read, and is made from these tables.
 */

import type { Instance, NetworkMode } from '../config/types.ts';

/** A new image is a new file beside this one and a row in `index.ts`. */
export type ProfileId =
  | 'gnzsnz'
  | 'gnzsnz-tws'
  | 'danklabs'
  | 'danklabs-tws'
  | 'danklabs-host'
  | 'ibg-controller'
  | 'custom'
  | 'simulator';

/** Live or paper: `both` has one of each. */
export type Half = 'live' | 'paper';

/** How instances are reached, as far as an image has to know. */
export interface Reach {
  mode: NetworkMode;
  /** Whether ports are published on another address than loopback. */
  beyondLoopback: boolean;
}

/** A variable of the image, and where its value comes from. */
export interface ImageVariable {
  name: string;
  /** Ids of the keys that it is made from; empty: ibq sets it by itself and there is nothing to choose. */
  keys: readonly string[];
  /** What the image is given; null: the variable is left out. */
  value: (instance: Instance, reach: Reach) => string | null;
  /** What the image takes where the variable is left out, in a few words. */
  unset: string;
  /** What its users should know: a defect worked around, another name, a limit. */
  remark?: string;
}

/** A variable of the image's documents that ibq does not set, and why. */
interface RefusedVariable {
  name: string;
  /** Key to use instead; null: there is none. */
  key: string | null;
  reason: string;
}

/** A value that never stands in a unit as text. */
export interface ProfileSecret {
  /** KEY of `ibq secret set NAME KEY`; the Podman secret is `ibq-NAME-KEY`. */
  key: string;
  /** What it is, for prompts and messages: `password of the IB user`. */
  title: string;
  /**
   * How the image takes it. `file`: mounted, and the variable names the file; `environment`: the value of the
   * variable, which every process of the container can read; `mount`: mounted at the path.
   */
  as:
    | { kind: 'file'; variable: string }
    | { kind: 'environment'; variable: string }
    | { kind: 'mount'; path: string };
  /**
   * `required`: without it the instance can't do what it is asked to, and a deploy refuses; `unused`: not
   * given. Nothing between: a container whose unit names a secret that is not there does not start.
   */
  wanted: (instance: Instance) => 'required' | 'unused';
  /** Whether it may have several lines (a key); null-free text of one line otherwise. */
  lines?: 'several';
  /** What the image's reader can't be given: `should …`; null: fine. */
  problem: (value: string) => string | null;
  /** How the image's reader needs the value written (IBC: Java Properties). */
  encode: (value: string) => string;
}

/** Ports inside the container. */
interface ProfilePorts {
  /** Where the API is reached from outside of the container: a relay that listens on all addresses, or the gateway itself. */
  api: Readonly<Record<Half, number>>;
  /** Where the gateway itself listens; behind a relay that is the container's loopback. */
  gateway: Readonly<Record<Half, number>>;
  /** Null: the image has no such thing. */
  vnc: number | null;
  rdp: number | null;
  supervisor: number | null;
}

export interface Profile {
  id: ProfileId;
  title: string;
  /** Image used where the configuration names none; null: it has to name one. */
  defaultImage: string | null;
  program: 'gateway' | 'tws';
  /** Trading modes that one container can have. */
  modes: readonly Instance['mode'][];
  /** Network modes it works in. */
  networks: readonly NetworkMode[];
  /** In mode `host`: whether several fit on one host, because their ports and displays can be set. */
  hostNetwork: 'alone' | 'several';
  ports: (instance: Instance) => ProfilePorts;
  /**
   * User and group the image's process runs as; secrets are owned by it. Null: a system user whose number
   * only the image knows; secrets are then readable to all of the container.
   */
  user: (chosen: Pick<Instance['settings'], 'uid' | 'gid'>) => { uid: number; gid: number } | null;
  /** Where the settings volume is mounted; null: the image keeps nothing. One volume an instance. */
  settingsVolume: (instance: Instance) => string | null;
  /**
   * Ports of a command server that is not IBC's, on the container's loopback, one for each half: its STOP is a
   * logout, and nothing of it keeps a session for the next start. Absent: what there is is IBC's (`files.commandServer`).
   */
  logoutPorts?: (mode: Instance['mode'], network: NetworkMode) => readonly number[];
  /** Where the image has its configuration files; null: not known, they can't be patched. */
  files: ProfileFiles | null;
  /** What the container needs beyond the template. */
  container: ContainerNeeds;
  /** The image's own tunnels; null: it has none. */
  ssh: ImageTunnel | null;
  secrets: readonly ProfileSecret[];
  /** The tables of the image's documents, and more of its source: what ibq hands to it. */
  variables: readonly ImageVariable[];
  refused: readonly RefusedVariable[];
  /** Ids of keys that it follows in another way than by a variable. */
  follows: readonly string[];
  /** Why it does not follow keys that others do, by their ids: what its users should know beside that. */
  unfollowed?: Readonly<Record<string, string>>;
  /** What this image can't do of what is legal otherwise. */
  findings?: (instance: Instance) => ImageFinding[];
  notes: ProfileNotes;
}

/** How an image holds a tunnel (`ssh.via = "image"`). */
export interface ImageTunnel {
  /** Who splits SSH_OPTIONS: a shell, which reads quotes, or blanks alone. */
  options: 'shell' | 'blanks';
  /** What of the screen it can carry, always to and from this port. */
  screen: { key: 'ssh.vnc_port' | 'ssh.rdp_port'; service: 'vnc' | 'rdp'; port: number } | null;
}

export interface ImageFinding {
  /** A warning is told, a problem refused. */
  kind: 'problem' | 'warning';
  /** Id of the key it is about. */
  key: string;
  message: string;
}

/** For its page in docs/images/: plain sentences. */
interface ProfileNotes {
  /** Where the facts were read, with the commit. */
  source: string;
  /** What is wrong or odd in the image, and what ibq makes of it. */
  defects: readonly string[];
  /** What was not seen on the real image. */
  unverified: readonly string[];
}

/** Absolute paths in the container. */
export interface ProfileFiles {
  /** The gateway's settings file by the image's documents, where nothing says where settings are kept. */
  jts: string;
  /** That of an instance of ibq's, in the settings volume; of mode `both` one for each half, live first. */
  kept: (mode: Instance['mode']) => readonly string[];
  /** What the image makes it from where it is absent; null: the image brings it along. */
  jtsTemplate: string | null;
  /** IBC's configuration, which the image makes from its template at each start; it may be the same file. */
  ibc: string;
  ibcTemplate: string;
  /** Where files of the user's go (`custom_config`). */
  own: {
    jts: (mode: Instance['mode']) => readonly string[];
    ibc: string;
    /** Whether the image still puts variables into the latter; if not, it makes no file at all. */
    rendered: boolean;
  };
  /** IBC's command server on the container's loopback; null: it stays as the image has it. */
  commandServer: (mode: Instance['mode']) => CommandServer | null;
  /** Where ssh looks for keys and known hosts; null: no tunnel of its own. */
  ssh: string | null;
}

interface CommandServer {
  /** `CommandServerPort` as the template has it. */
  setting: string;
  /** What comes of it; of mode `both` one for each half. */
  ports: readonly number[];
}

interface ContainerNeeds {
  /** MB of /dev/shm; null: Podman's 64 do. */
  shm: number | null;
  /** Whether Podman's seccomp profile keeps it from working. */
  seccompUnconfined: boolean;
  /** Capabilities of a process that starts as root and changes its user; none where it does not. */
  capabilities: readonly string[];
  /** Whether it stands a read-only file system of its own. */
  readOnly: boolean;
  /** What the user asks for an image of the user's own; none for those that ibq knows. */
  asked?: Pick<Instance['settings']['custom'], 'user' | 'command' | 'tmpfs' | 'devices'>;
}

/** Of an instance of mode `both`, both; live first. */
export function halvesOf(mode: Instance['mode']): readonly Half[] {
  return mode === 'both' ? ['live', 'paper'] : [mode];
}

/** The environment of an instance, without the secrets and the user's own `environment`. */
export function environmentFor(
  profile: Profile,
  instance: Instance,
  reach: Reach,
): Record<string, string> {
  return Object.fromEntries(
    profile.variables.flatMap(({ name, value }) => {
      const text = value(instance, reach);
      return text === null ? [] : [[name, text] as const];
    }),
  );
}

/** The secrets that an instance is given, those that need not be there among them. */
export function secretsFor(profile: Profile, instance: Instance): ProfileSecret[] {
  return profile.secrets.filter((secret) => secret.wanted(instance) !== 'unused');
}

/** Name of the Podman secret of an instance. */
export function secretName(instance: string, key: string): string {
  return `ibq-${instance}-${key}`;
}
