/** What a host must have before anything starts. Data and pure judgements; `host/` looks for it. */

/** Podman 5.3: `%i` in PublishPort, symlinked sub-directories, network-online ordering (facts: quadlet). */
const PODMAN_NEEDED = [5, 3] as const;
/** systemd 254: `systemctl show --timestamp=unix` for templates and drop-ins as ibq writes them. */
const SYSTEMD_NEEDED = 254;

export const PODMAN_MISSING =
  'podman is not installed; install Podman 5.3 or newer with netavark (Debian 13: "apt install podman netavark")';

/** @param version `5.4.2`, empty where it is not known @returns what is wrong, or null */
export function podmanTooOld(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [neededMajor, neededMinor] = PODMAN_NEEDED;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return null;
  return `podman ${version || '(unknown version)'} is too old: ibq needs 5.3 or newer, whose Quadlet knows instance ports and linked directories (Debian 13 and Ubuntu 25.04 have it)`;
}

/** @param version `257`, 0 where it is not known @returns what is wrong, or null */
export function systemdTooOld(version: number): string | null {
  if (version >= SYSTEMD_NEEDED) return null;
  return `systemd ${version || '(unknown version)'} is too old: ibq needs ${SYSTEMD_NEEDED} or newer (Debian 13 has 257)`;
}

export interface Part {
  id: string;
  /** Where distributions put it. */
  paths: readonly string[];
  /** What it is for. */
  use: string;
  package: string;
}

/** Programs that a start needs beside Podman and systemd. */
export const PARTS: readonly Part[] = [
  {
    id: 'netavark',
    paths: ['/usr/lib/podman/netavark', '/usr/libexec/podman/netavark', '/usr/bin/netavark'],
    use: 'which makes the networks',
    package: 'netavark',
  },
  {
    id: 'nft',
    paths: ['/usr/sbin/nft', '/usr/bin/nft'],
    use: 'which loads the guard of each instance',
    package: 'nftables',
  },
  {
    id: 'nsenter',
    paths: ['/usr/bin/nsenter'],
    use: 'which the guard needs',
    package: 'util-linux',
  },
];

/** What an SSH tunnel needs beside them. */
export const TUNNEL_PARTS: readonly Part[] = [
  {
    id: 'ssh',
    paths: ['/usr/bin/ssh'],
    use: 'which holds the tunnels',
    package: 'openssh-client',
  },
  {
    id: 'ssh-keygen',
    paths: ['/usr/bin/ssh-keygen'],
    use: "which reads the tunnels' keys",
    package: 'openssh-client',
  },
  {
    id: 'libnss_systemd',
    paths: ['/usr/lib', '/usr/lib64', '/lib', '/lib64'].flatMap((directory) =>
      ['', 'x86_64-linux-gnu/', 'aarch64-linux-gnu/'].map(
        (machine) => `${directory}/${machine}libnss_systemd.so.2`,
      ),
    ),
    use: 'by which ssh learns the name of the user that it runs as (DynamicUser=)',
    package: 'libnss-systemd',
  },
];
