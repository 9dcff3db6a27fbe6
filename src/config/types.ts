/** What a valid configuration is, once parsed. Values here are trusted: nobody checks them again. */

import type { ProfileId } from '../images/profile.ts';
import type { Cidr, Ipv4 } from '../network/ipv4.ts';

/** `[a-z0-9][a-z0-9_]{0,30}`: no `-`, which systemd's `%I` would turn into `/`. */
export type InstanceName = string & { readonly __brand: 'InstanceName' };
/** 1-65535. */
export type Port = number & { readonly __brand: 'Port' };

/** `both`: a live and a paper gateway in one container. */
export type TradingMode = 'live' | 'paper' | 'both';
export type NetworkMode = 'dual' | 'bridge' | 'lan' | 'host';
/** What an instance may publish beside its API: in mode `both` the paper API, and ways to its screen. */
export type SideService = 'paper' | 'vnc' | 'rdp' | 'supervisor';
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
  /** TCP ports of this host that gateways may connect to. */
  hostServices: readonly number[] | 'all';
  /** Whether they may connect to 169.254.0.0/16, where clouds have their metadata. */
  linkLocal: boolean;
  /** LAN clients that may open the API port; empty: none. */
  allow: Cidr[];
  /** Joined networks whose containers may, by the names under which they are joined. */
  allowNetworks: string[];
  /** Subnet of the LAN to which nothing is masqueraded; null: everything is. */
  routed: Cidr | null;
}

export interface Instance {
  name: InstanceName;
  /** The file it came from, for messages. */
  file: string;
  mode: TradingMode;
  profile: ProfileId;
  /** Image reference. */
  image: string;
  /** Port of the API on the host, `publish.address:port`; of the live one in mode `both`. In `lan` mode it is not published. */
  port: Port;
  /** Ports of what else is published; nothing that is not asked for. */
  sidePorts: Readonly<Partial<Record<SideService, Port>>>;
  /** IB user name; null: the gateway stops at its login window (and the profile may refuse that), or it is a secret. */
  user: string | null;
  /** Of the paper gateway in mode `both`. */
  paperUser: string | null;
  /** The instance's own settings by configuration key (`time_zone`, `read_only_api`, …), typed by the schema. */
  settings: Settings;
  /** Passed to the container as they are. Keys match `[A-Za-z_][A-Za-z0-9_]*`. */
  environment: Readonly<Record<string, string>>;
}

/** Lines of a properties file. */
type Properties = Readonly<Record<string, string>>;

/**
 * The keys of an instance by table, as in the files. Booleans and numbers are typed; text is already
 * checked as the image would read it. Null: not set.
 */
export interface Settings {
  user_secret: boolean;
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
  /** The seed of one-time codes is a secret of the instance. */
  twofa_totp: boolean;
  /** Seconds. */
  twofa_wait: number;
  passkey_authenticate: boolean;
  /** Server of IBKR; null: the gateway's own choice. */
  tws_server: string | null;
  /** Of the paper gateway in mode `both`. */
  paper_tws_server: string | null;
  existing_session_action: 'primary' | 'primaryoverride' | 'secondary' | 'manual';
  /** Refused logins before the gateway is ended; 0: no cap. */
  login_attempts: number;
  bypass_warning: boolean | null;
  allow_blind_trading: boolean;
  accept_incoming: 'accept' | 'reject' | 'manual';
  master_client_id: number | null;
  save_settings: string | null;
  trusted_clients: readonly Ipv4[];
  /** Java heap in MB. */
  java_heap: number;
  java_options: string | null;
  /** Memory limit of the container in MB; null: none. */
  memory: number | null;
  /** Processors; null: no limit. */
  cpus: number | null;
  /** MB; null: what the image needs. */
  shm_size: number | null;
  /** Seconds; null: as the template says. */
  stop_timeout: number | null;
  /** When systemd starts it again (systemd.service(5), Restart=). */
  restart: 'on-failure' | 'always' | 'no';
  read_only: boolean;
  /** Users of its own, apart from those of the host. */
  user_namespace: boolean;
  uid: number | null;
  gid: number | null;
  /** Fixed LAN address; null: one is given. */
  address: Ipv4 | null;
  /** Names beside DNS. */
  hosts: Readonly<Record<string, string>>;
  /** Name servers; empty: the host's. */
  dns: readonly Ipv4[];
  /** Variable → KEY of a secret of the user's own. */
  secrets: Readonly<Record<string, string>>;
  /** `SOURCE:PATH[:OPTIONS]`. */
  volumes: readonly string[];
  /** Lines for jts.ini, by section. */
  jts: Readonly<Record<string, Properties>>;
  /** Lines for IBC's config.ini. */
  ibc: Properties;
  vnc: { enabled: boolean; screen: string | null; display: string | null };
  rdp: { enabled: boolean };
  supervisor: { enabled: boolean; user: string };
  ssh: SshSettings;
  /** Files of the host, absolute paths. */
  custom_config: { jts: string | null; ibc: string | null };
  network: { publish: boolean; join: readonly string[]; via: string | null };
  custom: CustomSettings;
}

interface SshSettings {
  mode: 'no' | 'yes' | 'both';
  via: 'host' | 'image';
  /** `user@host[:port]`. */
  targets: readonly string[];
  /** `[address:]port`; none, one for all, or one for each target. */
  remote_ports: readonly string[];
  vnc_port: number | null;
  rdp_port: number | null;
  /** Seconds. */
  alive_interval: number;
  alive_count: number;
  /** Seconds. */
  restart: number;
  /** `Name=value` of ssh_config(5). */
  options: readonly string[];
  bastion: string | null;
  proxy_command: string | null;
}

/** What the user says of an image that ibq does not know. */
interface CustomSettings {
  live_port: number;
  paper_port: number;
  vnc_port: number | null;
  settings_path: string | null;
  password_as: 'file' | 'environment';
  /** `UID[:GID]`. */
  user: string | null;
  command: readonly string[];
  /** `PATH[:OPTIONS]`. */
  tmpfs: readonly string[];
  devices: readonly string[];
  capabilities: readonly string[];
  /** ibq's key, or that of a secret → the image's variable. */
  variables: Readonly<Record<string, string>>;
}

/** Where a value was set: a file with the key in it, or a variable of the environment. */
export interface Place {
  file: string;
  key?: string;
}

export interface Config {
  network: NetworkConfig;
  /** Keys of the LAN that another place than network.toml has set: it is that place that is blamed. */
  lanPlaces?: Partial<Record<'interface' | 'gateway' | 'range' | 'driver', Place>>;
  publish: {
    address: Ipv4;
    /** Of the bridge; null: ibq chooses. */
    subnet: Cidr | null;
  };
  /** In order of name. */
  instances: Instance[];
}
