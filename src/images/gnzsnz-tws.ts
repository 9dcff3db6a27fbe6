/**
 * ghcr.io/gnzsnz/tws-rdesktop (read at b2c0259, August 2026): TWS on a desktop that is reached by RDP. Starts as
 * root under s6-overlay (LinuxServer's rdesktop) and changes to its user `abc`.
 */

import {
  gnzsnzDefects,
  gnzsnzFiles,
  gnzsnzFindings,
  gnzsnzLogin,
  gnzsnzRefused,
  gnzsnzSource,
  gnzsnzVariables,
} from './gnzsnz.ts';
import type { ImageTunnel, Profile } from './profile.ts';
import { wantedIf } from './secrets.ts';
import { tunnelRows, tunnelSecrets } from './ssh.ts';

/** The home of `abc`, which the image declares as a volume: unnamed, it would die at each stop. */
const HOME = '/config';
const SETTINGS = `${HOME}/tws_settings`;
const tunnel: ImageTunnel = {
  options: 'shell',
  screen: { key: 'ssh.rdp_port', service: 'rdp', port: 3389 },
};

export const gnzsnzTws: Profile = {
  id: 'gnzsnz-tws',
  title: 'TWS with a desktop by gnzsnz',
  defaultImage: 'ghcr.io/gnzsnz/tws-rdesktop:stable',
  program: 'tws',
  modes: ['live', 'paper', 'both'],
  networks: ['dual', 'bridge', 'lan', 'host'],
  hostNetwork: 'alone',
  ports: () => ({
    api: { live: 7498, paper: 7499 },
    gateway: { live: 7496, paper: 7497 },
    vnc: null,
    rdp: 3389,
    supervisor: null,
  }),
  user: ({ uid, gid }) => ({ uid: uid ?? 1000, gid: gid ?? 1000 }),
  settingsVolume: () => HOME,
  files: gnzsnzFiles({
    settings: SETTINGS,
    program: '/opt/ibkr',
    ibc: '/opt/ibc',
    ssh: `${HOME}/.ssh`,
    apiPorts: [7496, 7497],
  }),
  container: {
    shm: 1024,
    seccompUnconfined: true,
    // usermod, chpasswd, chown -R, `sudo -u abc`, xrdp's set-group-id directory, and stopping what abc runs.
    capabilities: [
      'AUDIT_WRITE',
      'CHOWN',
      'DAC_OVERRIDE',
      'FOWNER',
      'FSETID',
      'KILL',
      'SETGID',
      'SETUID',
    ],
    readOnly: false,
  },
  ssh: tunnel,
  secrets: [
    ...gnzsnzLogin(),
    {
      key: 'rdp_password',
      title: 'password of RDP',
      as: { kind: 'file', variable: 'PASSWD_FILE' },
      wanted: ({ settings }) => wantedIf(settings.rdp.enabled),
      problem: rdpProblem,
      encode: (value) => value,
    },
    ...tunnelSecrets(`${HOME}/.ssh`),
  ],
  variables: [
    ...gnzsnzVariables(SETTINGS),
    {
      name: 'PUID',
      keys: ['uid'],
      unset: '911',
      value: ({ settings }) => String(settings.uid ?? 1000),
    },
    {
      name: 'PGID',
      keys: ['gid'],
      unset: '911',
      value: ({ settings }) => String(settings.gid ?? 1000),
    },
    ...tunnelRows(tunnel),
  ],
  refused: gnzsnzRefused(),
  follows: ['jts', 'ibc', 'custom_config.jts'],
  findings: gnzsnzFindings,
  notes: {
    source: `${gnzsnzSource}; linuxserver/docker-rdesktop and s6-overlay below it`,
    defects: [
      ...gnzsnzDefects(),
      "The API of a fresh TWS is off. Tick *Enable ActiveX and Socket Clients* on its desktop once, or send IBC's command ENABLEAPI; the settings volume keeps it. Until then `ibq status` says that nothing answers.",
      'Its user `abc` has the password `abc` where none is set. Nobody gets to the port then: without `rdp.enabled` the guard keeps it shut.',
      'No port of it can be chosen: in `network.mode = "host"` one alone fits on a host.',
      'It starts as root and needs the capabilities above, 1024 MB of shared memory, and no seccomp filter; ibq gives it those and no more.',
      'A stop ends with 0, and what IBC or a script ended with is never seen: s6 starts the service again inside the container.',
      'The base image (LinuxServer rdesktop) is no longer maintained.',
    ],
    unverified: [
      'A login to IBKR, the desktop with an RDP client, the tunnel of the image with a real bastion.',
      'Whether the capabilities are all that its start needs, with no-new-privileges set.',
    ],
  },
};

/** `echo "$PASSWD"` hands it on: bash takes a word such as `-n` as an option, and chpasswd ends at a line. */
function rdpProblem(value: string): string | null {
  if (value.startsWith('-')) return 'should not begin with "-"';
  return value === value.trim() ? null : 'should not begin or end with a blank';
}
