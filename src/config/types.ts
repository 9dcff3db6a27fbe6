/** What a valid configuration is, once parsed. Values here are trusted: nobody checks them again. */

import type { ProfileId } from '../images/profile.ts';
import type { Cidr, Ipv4 } from '../network/ipv4.ts';

/** `[a-z0-9][a-z0-9_]{0,30}`: no `-`, which systemd's `%I` would turn into `/`. */
export type InstanceName = string & { readonly __brand: 'InstanceName' };
/** 1-65535. */
export type Port = number & { readonly __brand: 'Port' };

export type TradingMode = 'live' | 'paper';
/** `host` comes with the images whose ports can be set. */
export type NetworkMode = 'dual' | 'bridge' | 'lan';
export type LanDriver = 'macvlan' | 'ipvlan';

/** The pinned LAN: everything that is needed to give an instance an address of its own there. */
export interface Lan {
  driver: LanDriver;
  interface: string;
  subnet: Cidr;
  gateway: Ipv4;
  /** Addresses ibq may give out; inside `subnet`. */
  range: Cidr;
}

export interface NetworkConfig {
  mode: NetworkMode;
  /** Which network has the default route. */
  egress: 'host' | 'lan';
  /** An interface of the host's own among the instances' addresses. */
  hostAccess: boolean;
  /** Set where `mode` is `dual` or `lan`. */
  lan: Lan | null;
  /** LAN clients that may open the API port; empty: none. */
  allow: Cidr[];
}

export interface Instance {
  name: InstanceName;
  /** The file it came from, for messages. */
  file: string;
  mode: TradingMode;
  profile: ProfileId;
  /** Image reference. */
  image: string;
  /** Port on the host, `publish.address:port`. In `lan` mode it is not published. */
  port: Port;
  /** IB user name; null: the gateway stops at its login window (and the profile may refuse that). */
  user: string | null;
  /** The instance's own settings by configuration key (`time_zone`, `read_only_api`, …), typed by the schema. */
  settings: Settings;
  /** Passed to the container as they are. Keys match `[A-Za-z_][A-Za-z0-9_]*`. */
  environment: Readonly<Record<string, string>>;
}

/**
 * Settings that a profile maps to its image's own names. Booleans and numbers are typed; text is
 * already checked as the image would read it. Null: not set.
 */
export interface Settings {
  time_zone: string;
  read_only_api: boolean;
  auto_restart_time: string | null;
  auto_logoff_time: string | null;
  cold_restart_time: string | null;
  twofa_timeout_action: 'exit' | 'restart';
  twofa_device: string | null;
  /** Seconds. */
  twofa_exit_interval: number;
  relogin_after_twofa_timeout: boolean;
  existing_session_action: 'primary' | 'primaryoverride' | 'secondary' | 'manual';
  bypass_warning: boolean | null;
  allow_blind_trading: boolean;
  accept_incoming: 'accept' | 'reject' | 'manual';
  /** Java heap in MB. */
  java_heap: number;
  /** Memory limit of the container in MB; null: none. */
  memory: number | null;
  /** Fixed LAN address; null: one is given. */
  address: Ipv4 | null;
  /** Names beside DNS. */
  hosts: Readonly<Record<string, string>>;
  /** Name servers; empty: the host's. */
  dns: readonly Ipv4[];
}

export interface Config {
  network: NetworkConfig;
  publish: { address: Ipv4 };
  /** In order of name. */
  instances: Instance[];
}
