/**
 * ghcr.io/gnzsnz/ib-gateway (read at b2c0259, August 2026). The image has no defaults of its own:
 * those of its README are docker-compose's. So every value that ibq knows is written.
 */

import type { Instance } from '../config/types.ts';
import {
  halvesOf,
  type ImageFinding,
  type ImageTunnel,
  type ImageVariable,
  type Profile,
  type ProfileFiles,
} from './profile.ts';
import { ibcRows, row } from './rows.ts';
import {
  paperPasswordSecret,
  paperUserSecret,
  passwordSecret,
  unlessOwnIbc,
  userSecret,
  vncSecret,
} from './secrets.ts';
import { refusedRemotePort, tunnelRows, tunnelSecrets } from './ssh.ts';

export const gnzsnzSource = 'gnzsnz/ib-gateway-docker at b2c0259 (August 2026)';

const SETTINGS_VOLUME = '/home/ibgateway/tws_settings';
const SETTINGS = `${SETTINGS_VOLUME}/ibq`;
const tunnel: ImageTunnel = {
  options: 'shell',
  screen: { key: 'ssh.vnc_port', service: 'vnc', port: 5900 },
};

export const gnzsnz: Profile = {
  id: 'gnzsnz',
  title: 'IB Gateway by gnzsnz',
  defaultImage: 'ghcr.io/gnzsnz/ib-gateway:stable',
  program: 'gateway',
  modes: ['live', 'paper', 'both'],
  networks: ['dual', 'bridge', 'lan', 'host'],
  // Ports 4001-4004, 5900 and display :1 can't be set.
  hostNetwork: 'alone',
  // socat relays to the gateway, which listens on the container's loopback.
  ports: () => ({
    api: { live: 4003, paper: 4004 },
    gateway: { live: 4001, paper: 4002 },
    vnc: 5900,
    rdp: null,
    supervisor: null,
  }),
  user: () => ({ uid: 1000, gid: 1000 }),
  settingsVolume: () => SETTINGS_VOLUME,
  files: gnzsnzFiles({
    settings: SETTINGS,
    program: '/home/ibgateway/Jts',
    ibc: '/home/ibgateway/ibc',
    ssh: '/home/ibgateway/.ssh',
    apiPorts: [4001, 4002],
  }),
  container: { shm: null, seccompUnconfined: false, capabilities: [], readOnly: false },
  ssh: tunnel,
  secrets: [
    ...gnzsnzLogin(),
    vncSecret({ kind: 'file', variable: 'VNC_SERVER_PASSWORD_FILE' }),
    ...tunnelSecrets('/home/ibgateway/.ssh'),
  ],
  variables: [...gnzsnzVariables(SETTINGS), ...tunnelRows(tunnel)],
  refused: gnzsnzRefused(),
  follows: ['jts', 'ibc', 'custom_config.jts'],
  findings: gnzsnzFindings,
  notes: {
    source: gnzsnzSource,
    defects: [
      ...gnzsnzDefects(),
      'SIGTERM is no logout: the script ends the display first, and the gateway dies of that. The container ends with 1, sometimes with 143 or 255.',
      'SIGTERM is not heard in the first moments, in mode `both` for 15 s: the script sets its trap last.',
      'VNC shows a screen of 1024x768 on display `:1`, and neither can be changed.',
      'The password of VNC, read from its file, stays in the environment of x11vnc, where every process of the container can read it.',
      'No port of it can be chosen, nor its display: in `network.mode = "host"` one alone fits on a host.',
    ],
    unverified: [
      'A login to IBKR, VNC with a viewer, the tunnel of the image with a real bastion.',
    ],
  },
};

/**
 * Both images of the house have the same scripts. In mode `both` they make a directory for each half, and IBC
 * would find its port taken by its twin: the template is rendered for each half with its own API_PORT.
 */
export function gnzsnzFiles(at: {
  settings: string;
  program: string;
  ibc: string;
  ssh: string;
  /** Of the gateway itself, live and paper. */
  apiPorts: readonly [number, number];
}): ProfileFiles {
  const kept: ProfileFiles['kept'] = (mode) =>
    mode === 'both'
      ? halvesOf(mode).map((half) => `${at.settings}_${half}/jts.ini`)
      : [`${at.settings}/jts.ini`];
  return {
    jts: `${at.program}/jts.ini`,
    kept,
    jtsTemplate: `${at.program}/jts.ini.tmpl`,
    ibc: `${at.ibc}/config.ini`,
    ibcTemplate: `${at.ibc}/config.ini.tmpl`,
    own: { jts: kept, ibc: `${at.ibc}/config.ini`, rendered: false },
    commandServer: (mode) =>
      mode === 'both'
        ? // biome-ignore lint/suspicious/noTemplateCurlyInString: the image's template has such
          { setting: '1${API_PORT}', ports: at.apiPorts.map((port) => Number(`1${port}`)) }
        : { setting: '7462', ports: [7462] },
    ssh: at.ssh,
  };
}

/** What both images of the house take of the login: files, where the image reads one. */
export function gnzsnzLogin(): Profile['secrets'] {
  return [
    unlessOwnIbc(passwordSecret({ kind: 'file', variable: 'TWS_PASSWORD_FILE' })),
    paperPasswordSecret({ kind: 'file', variable: 'TWS_PASSWORD_PAPER_FILE' }),
    unlessOwnIbc(userSecret({ kind: 'environment', variable: 'TWS_USERID' })),
    paperUserSecret({ kind: 'environment', variable: 'TWS_USERID_PAPER' }),
  ];
}

/**
 * The image makes the settings directory with a plain mkdir, so it is one level below the volume. In `both` it
 * is a prefix: `…_live` and `…_paper`.
 */
export function gnzsnzVariables(settings: string): ImageVariable[] {
  return [
    row('TRADING_MODE', 'mode', 'the container ends'),
    row('TWS_USERID', 'user', 'stops at its login window'),
    {
      ...row('TWS_USERID_PAPER', 'paper_user', 'the paper gateway stops at its login window'),
      value: ({ mode, paperUser }) => (mode === 'both' ? paperUser : null),
      remark: 'in mode `both` alone',
    },
    {
      name: 'TWS_SETTINGS_PATH',
      keys: [],
      unset: 'settings are lost with the container',
      value: () => settings,
      remark: 'a directory of the settings volume; in mode `both` `…_live` and `…_paper`',
    },
    {
      name: 'CUSTOM_CONFIG',
      keys: ['custom_config.ibc'],
      unset: 'NO',
      value: ({ settings: { custom_config } }) => (custom_config.ibc === null ? 'NO' : 'yes'),
      remark: 'with `yes` the image makes no file: ibq then makes jts.ini, from the same template',
    },
    ...ibcRows(
      {
        device: 'TWOFA_DEVICE',
        coldRestart: 'TWS_COLD_RESTART',
        acceptIncoming: 'TWS_ACCEPT_INCOMING',
        masterClientId: 'TWS_MASTER_CLIENT_ID',
      },
      {
        readOnlyApi: 'a fresh gateway is read-only, a kept one as it was',
        bypassWarning: "the gateway's own",
        saveSettings: 'when it logs out',
      },
    ),
    row('TIME_ZONE', 'time_zone', 'empty', 'and at each start into jts.ini, by ibq'),
    row('TZ', 'time_zone', 'Etc/UTC', "the container's own clock"),
    row('JAVA_HEAP_SIZE', 'java_heap', '768'),
  ];
}

export function gnzsnzRefused(): Profile['refused'] {
  return [
    {
      name: 'RELOGIN_AFTER_2FA_TIMEOUT',
      key: 'relogin_after_twofa_timeout',
      reason: 'documented, but the image does not read it',
    },
    { name: 'DUAL_MODE', key: 'mode', reason: 'would make mode `both` behind the back of ibq' },
    refusedRemotePort,
  ];
}

export function gnzsnzFindings({ mode, settings }: Instance): ImageFinding[] {
  if (mode !== 'both' || settings.custom_config.ibc === null) return [];
  return [
    {
      kind: 'problem',
      key: 'custom_config.ibc',
      message:
        'should be left out in mode "both": live and paper need a file each, and the image has one place; make two instances',
    },
  ];
}

export function gnzsnzDefects(): string[] {
  return [
    "The defaults of its README are docker-compose's; the image has none. ibq writes every value.",
    'A password goes through Java Properties, where a backslash is an escape: ibq writes it as the reader needs it.',
    'The passphrase of the tunnel, read from its file, stays in the environment of ssh-agent, where every process of the container can read it.',
    'Without a passphrase the image starts no tunnel at all, whatever its README says: `ssh_passphrase` is required where the image holds the tunnel.',
    'The far side of its tunnel always has the port of the gateway, so two instances to one machine collide. `ssh.via = "host"` has none of this.',
    'In mode `both` a container whose one half ended stays up. ibq asks each half.',
    'The image writes its time zone into a new jts.ini alone: ibq puts `time_zone` into the one that is there at each start.',
    'An IBC that finds no login window (its exit status 88) is started again for ever inside the container, and so is one whose login was refused, without a pause: systemd sees neither.',
    'A second factor that nobody gave ends nothing, and nobody asks again: a restart does. With `relogin_after_twofa_timeout` IBC logs in again after 5 s.',
  ];
}
