/** Where things lie on the host (the contract: docs/reference.md, "Files"). */

export const GENERATIONS = '/etc/ibq/generations';
/** THE switch: a link to `generations/N`, relative, so that a tree under `--root` is whole. */
export const CURRENT = '/etc/ibq/current';
export const QUADLET_DIRECTORY = '/etc/containers/systemd';
/** Set once; what it shows follows CURRENT. */
export const QUADLET_LINK = `${QUADLET_DIRECTORY}/ibq`;
export const QUADLET_LINK_TARGET = `${CURRENT}/units`;
/** Random, and root's alone: names of secrets are made with it, so that none tells of the text. */
export const FILE_KEY = '/etc/ibq/file-key';
/** The user's own templates; a file here replaces the shipped one of the same name. */
export const USER_TEMPLATES = '/etc/ibq/quadlets';
export const STATIC_UNITS = '/etc/systemd/system';
/** Written by the guard hook at each start: `NAME/state` and `NAME/guard.nft`. Gone after a reboot, as containers are. */
export const RUNNING = '/run/ibq/instances';

export const TARGET_UNIT = 'ib-gateways.target';

export function generationPath(number: number): string {
  return `${GENERATIONS}/${number}`;
}

export function instanceService(name: string): string {
  return `ib-gateway@${name}.service`;
}

/** The host's interface among its instances on the LAN, and a copy of the settings it was made with. */
export const SHIM_UNIT = 'ibq-shim.service';
export const SHIM_INTERFACE = 'ibqshim';
export const SHIM_LOADED = '/run/ibq/shim.conf';

/** The SSH tunnels of an instance. */
export function tunnelService(name: string): string {
  return `ibq-tunnel@${name}.service`;
}

/** What the cap leaves, a file an instance: it is not started while that is there. Outlives a reboot. */
export const LOGIN_REFUSED = '/var/lib/ibq/login-refused';
/** Refused logins since the last one that completed, a file an instance. */
export const LOGIN_REFUSALS = '/var/lib/ibq/login-refusals';

/** The template that all instances share, relative to a generation's units. */
export const TEMPLATE_UNIT = 'ib-gateway@.container';

/** The link to the template that makes an instance, relative to its generation. */
export function instanceLink(name: string): string {
  return `units/ib-gateway@${name}.container`;
}

/** Rules on the host itself: wanted ones are part of the generation, this is a copy of the loaded ones. */
export const HOST_RULES_UNIT = 'ibq-host-rules.service';
export const HOST_RULES_LOADED = '/run/ibq/host.nft';

/** Whose file of a generation this is: `units/ib-gateway@4001.container.d/…` is of `4001`; null: of all. */
export function instanceOf(path: string): string | null {
  const match =
    /^(?:units\/ib-gateway@(\w+)\.container\.d\/|guard\/(\w+)\.nft$|settings\/(\w+)\/|login\/(\w+)$)/.exec(
      path,
    );
  return match?.[1] ?? match?.[2] ?? match?.[3] ?? match?.[4] ?? null;
}
