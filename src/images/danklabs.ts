/**
 * docker.io/danklabs/ib-gateway as its documents of 2025 describe it (DankLabDev/ib-docker at 99ea5e1): relay, tunnel
 * and supervisor's page. What is built under this name today is `danklabs-host`.
 */

import type { Instance } from '../config/types.ts';
import {
  halvesOf,
  type ImageFinding,
  type ImageTunnel,
  type ImageVariable,
  type Profile,
} from './profile.ts';
import { ibcRows, row } from './rows.ts';
import { passwordSecret, unlessOwnIbc, userSecret, vncSecret, wantedIf } from './secrets.ts';
import { refusedRemotePort, tunnelRows, tunnelSecrets } from './ssh.ts';

const HOME = '/home/ibuser';
const PORTS = {
  api: { live: 4003, paper: 4004 },
  gateway: { live: 4001, paper: 4002 },
  vnc: 5900,
  rdp: null,
  supervisor: 9001,
} as const;
const JTS = `${HOME}/tws_settings/jts.ini`;
const tunnel: ImageTunnel = {
  options: 'blanks',
  screen: { key: 'ssh.vnc_port', service: 'vnc', port: 5900 },
};

export const danklabs: Profile = {
  id: 'danklabs',
  title: 'IB Gateway by DankLab, 2025',
  defaultImage: 'docker.io/danklabs/ib-gateway:stable',
  program: 'gateway',
  modes: ['live', 'paper'],
  networks: ['dual', 'bridge', 'lan', 'host'],
  hostNetwork: 'alone',
  ports: () => PORTS,
  // `ibuser`, a system user. Its documents speak of PUID, which nothing reads.
  user: () => null,
  settingsVolume: () => `${HOME}/tws_settings`,
  files: {
    jts: JTS,
    kept: () => [JTS],
    jtsTemplate: null,
    ibc: '/opt/ibc/ibc.ini',
    // Rendered in its own place, once.
    ibcTemplate: '/opt/ibc/ibc.ini',
    own: { jts: () => [JTS], ibc: '/opt/ibc/ibc.ini', rendered: true },
    commandServer: () => ({ setting: '7462', ports: [7462] }),
    ssh: `${HOME}/.ssh`,
  },
  container: { shm: null, seccompUnconfined: false, capabilities: [], readOnly: false },
  ssh: tunnel,
  secrets: [
    unlessOwnIbc(passwordSecret({ kind: 'environment', variable: 'IB_PASSWORD' })),
    unlessOwnIbc(userSecret({ kind: 'environment', variable: 'IB_USER' })),
    vncSecret({ kind: 'environment', variable: 'VNC_PWD' }),
    {
      key: 'supervisor_password',
      title: "password of supervisord's page",
      as: { kind: 'environment', variable: 'SUPERVISORD_UI_PASS' },
      wanted: ({ settings }) => wantedIf(settings.supervisor.enabled),
      problem: supervisorProblem,
      encode: (value) => value,
    },
    ...tunnelSecrets(`${HOME}/.ssh`),
  ],
  variables: danklabsVariables(PORTS, tunnel),
  refused: [
    refusedRemotePort,
    { name: 'SSH_RDP_PORT', key: null, reason: 'is for a desktop that the image does not have' },
  ],
  follows: ['jts', 'ibc', 'custom_config.jts', 'custom_config.ibc'],
  findings: danklabsFindings,
  notes: danklabsNotes(),
};

export function danklabsVariables(
  ports: Pick<ReturnType<Profile['ports']>, 'api' | 'gateway' | 'supervisor'>,
  sshTunnel: ImageTunnel,
): ImageVariable[] {
  const half = ({ mode }: Instance) => halvesOf(mode)[0] ?? 'paper';
  return [
    row('TRADING_MODE', 'mode', 'logs into paper, and no relay starts'),
    row('IB_USER', 'user', 'stops at its login window'),
    row('PUID', 'uid', '1000 by its documents', 'documented; its scripts do not read it'),
    row('PGID', 'gid', '1000 by its documents', 'documented; its scripts do not read it'),
    row(
      'TZ',
      'time_zone',
      'America/New_York by its documents',
      "the container's clock; ibq puts it into jts.ini, where the image has UTC",
    ),
    row('VNC_SCREEN_DIMENSION', 'vnc.screen', '1600x1200x16'),
    row('DISPLAY', 'vnc.display', ':0'),
    ...ibcRows(
      {
        device: 'SECOND_FACTOR_DEVICE',
        coldRestart: 'COLD_RESTART_TIME',
        acceptIncoming: 'ACCEPT_INCOMING_CONNECTION_ACTION',
        masterClientId: 'OVERRIDE_TWS_MASTER_CLIENT_ID',
      },
      {
        readOnlyApi: 'no by its documents; a fresh gateway is read-only',
        bypassWarning: "yes by its documents; the gateway's own",
        saveSettings: 'every 30 minutes by its documents; when it logs out',
      },
    ),
    {
      name: 'JAVA_OPTS',
      keys: ['java_heap', 'java_options'],
      unset: 'none',
      value: ({ settings: { java_heap, java_options } }) =>
        `-Xmx${java_heap}m${java_options === null ? '' : ` ${java_options}`}`,
      remark: 'documented; its scripts do not read it',
    },
    {
      name: 'ENABLE_SOCAT',
      keys: [],
      unset: 'yes',
      value: (_instance, { mode, beyondLoopback }) =>
        mode === 'host' && !beyondLoopback ? 'no' : 'yes',
      remark:
        'the relay: on, except on the network of the host where nobody but the host is to reach the API',
    },
    {
      name: 'API_PORT',
      keys: [],
      unset: "the gateway's relay gets no port",
      value: (instance) => String(ports.gateway[half(instance)]),
      remark:
        'works round a defect: the scripts look for a program `gateway`, and it is `ibgateway`',
    },
    {
      name: 'SOCAT_PORT',
      keys: [],
      unset: "the gateway's relay gets no port",
      value: (instance) => String(ports.api[half(instance)]),
      remark: 'as API_PORT',
    },
    {
      name: 'SUPERVISORD_UI_PORT',
      keys: ['supervisor.enabled'],
      unset: '9001, without a password',
      value: ({ settings }) => (settings.supervisor.enabled ? String(ports.supervisor) : ''),
      remark: 'empty keeps the page from being served',
    },
    {
      name: 'SUPERVISORD_UI_USER',
      keys: ['supervisor.user'],
      unset: 'nobody is asked who he is',
      value: ({ settings: { supervisor } }) => (supervisor.enabled ? supervisor.user : null),
    },
    ...tunnelRows(sshTunnel),
  ];
}

function danklabsFindings({ profile, image }: Instance): ImageFinding[] {
  // One that was built here, or pinned, is what somebody chose.
  if (image.startsWith('localhost/') || image.includes('@sha256:')) return [];
  return [
    {
      kind: 'warning',
      key: 'image.reference',
      message:
        `${image} is a tag that today's builds move: profile ${profile} is for those of 2025, without which no relay ` +
        'answers; pin one by its digest, or use profile danklabs-host',
    },
  ];
}

function danklabsNotes(): Profile['notes'] {
  return {
    source: 'its documents, and DankLabDev/ib-docker at 99ea5e1 (2025)',
    defects: [
      'Tags such as `stable` are built from other sources today (profile `danklabs-host`). Pin a build of 2025 by its digest; ibq warns where none is pinned.',
      'User, password and VNC password are read from the environment alone, where every process of the container sees them. ibq takes them from Podman secrets, so that they stand in no unit.',
      'The relay and the tunnel of the gateway get no port: the scripts look for a program `gateway`, and it is called `ibgateway`. ibq sets both ports itself.',
      'Its health check asks whether supervisord runs and always passes. ibq asks the API.',
      'A tunnel that ends is not started again. `ssh.via = "host"` has no such fault.',
      'The far side of its tunnel always has the port of the gateway.',
      'The page of supervisord is served without a password unless it is switched off: ibq switches it off, or sets user and password.',
      'What IBC ends with is never seen by systemd: supervisord starts it again, and gives up after four quick ends.',
    ],
    unverified: [
      'All of it on a build of 2025: in the sources of that time supervisord reads its configuration before it is rendered. ibq does what the documents say.',
      'JAVA_OPTS, PUID and PGID, which are documented and read nowhere.',
    ],
  };
}

/** supervisord reads its file with Python's ConfigParser: `%` expands, ` ;` begins a comment, `{SHA}` a hash. */
function supervisorProblem(value: string): string | null {
  return /^(?!\{SHA\})[!-$&-:<-~]+$/.test(value)
    ? null
    : 'should be of ASCII letters, digits and signs, without blanks, "%" and ";"';
}
