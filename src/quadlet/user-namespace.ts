/**
 * A user namespace for each instance: to the host its users are numbers that nobody else has, so that no user of
 * the host can read its files and memory or send it a signal, whatever number the image's user has.
 */

import { quadletLine, quoteWord } from './escape.ts';

/** Users of a container: 0 to 65535, nobody (65534) among them. */
export const IDS_PER_INSTANCE = 65_536;

/**
 * Where the numbers are taken from. Above all that is given out by habit: by useradd in /etc/subuid (100000 to
 * 600100000, login.defs), by systemd and nspawn to containers (524288 to 1879048191) and by SSSD and FreeIPA to
 * users of a directory (200000 to 2000200000, ldap_idmap_range_max). Below systemd's range for foreign images
 * (2147352576) and half of 32 bits, where programs begin to see a minus sign (systemd, UIDS-GIDS.md). A whole
 * number of blocks: 2046.
 */
export const FIRST_ID = 0x7800_0000;
export const LAST_ID = 0x7ffd_ffff;

/** Lines of `[Container]`. @param base the host's number of the container's root */
export function userNamespaceLines(base: number): string[] {
  const map = `0:${base}:${IDS_PER_INSTANCE}`;
  return [quadletLine('UIDMap', map), quadletLine('GIDMap', map)];
}

/**
 * Lines of `[Service]`. Podman mounts the container's files at a place of its own below TMPDIR, by default in
 * /var/tmp, where everybody can make names (libpod, getIntermediateMountpointUser).
 */
export const USER_NAMESPACE_SERVICE: readonly string[] = [
  'RuntimeDirectory=ibq/mounts\n',
  'RuntimeDirectoryPreserve=yes\n',
  'Environment=TMPDIR=/run/ibq/mounts\n',
];

/** Line of `[Service]`: nobody of the host has its settings volume open from a time without a user namespace. */
export function ownSettingsLine(libDir: string, base: number): string {
  return `ExecStartPre=${quoteWord(`${libDir}/own-settings`)} %i ${base}\n`;
}

/**
 * A volume as it is without a user namespace: the numbers on the disk are the container's (an idmapped mount), so
 * that files of before, or of the user's, keep their owners. Podman would show them as nobody's otherwise.
 */
export function withSameIds(volume: string): string {
  const [source = '', path = '', options = ''] = volume.split(':');
  const words = options.split(',').filter((word) => word !== '');
  // The user has said how it is to be: another owner, a copy of its own.
  if (words.some((word) => /^(?:U|O|idmap(?:=.*)?)$/.test(word))) return volume;
  return `${source}:${path}:${[...words, 'idmap'].join(',')}`;
}
