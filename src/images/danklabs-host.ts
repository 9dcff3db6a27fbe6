/**
 * docker.io/danklabs/ib-gateway as it is built today (djkelleher/ib-docker at f9f4cc5, May 2026): for the network of the
 * host alone, without relay, tunnel or supervisor's page, with ports of one's own.
 */

import type { Instance } from '../config/types.ts';
import type { ImageFinding, ImageVariable, Profile } from './profile.ts';
import { ibcRows, row } from './rows.ts';
import { passwordSecret, userSecret, vncSecret } from './secrets.ts';

const SETTINGS = '/home/ibuser/tws_settings';
const JTS_TEMPLATE = `${SETTINGS}/jts.ini.template`;

export const danklabsHost: Profile = {
  id: 'danklabs-host',
  title: 'IB Gateway by DankLab, on the network of the host',
  defaultImage: 'docker.io/danklabs/ib-gateway:stable',
  program: 'gateway',
  modes: ['live', 'paper'],
  networks: ['host'],
  hostNetwork: 'several',
  ports: ({ port, sidePorts }) => ({
    api: { live: port, paper: port },
    gateway: { live: port, paper: port },
    vnc: sidePorts.vnc ?? 5900,
    rdp: null,
    supervisor: null,
  }),
  // `ibuser`, a system user whose number only the image knows.
  user: () => null,
  settingsVolume: () => SETTINGS,
  files: {
    jts: `${SETTINGS}/jts.ini`,
    kept: () => [`${SETTINGS}/jts.ini`],
    // In the volume as well; jts.ini is made from it at each start.
    jtsTemplate: JTS_TEMPLATE,
    ibc: '/opt/ibc/ibc.ini',
    ibcTemplate: '/opt/ibc/ibc.ini.template',
    own: { jts: () => [JTS_TEMPLATE], ibc: '/opt/ibc/ibc.ini.template', rendered: true },
    // On the network of the host whoever is there reaches it: it is the user's to turn on, by `ibc`.
    commandServer: () => null,
    ssh: null,
  },
  container: { shm: null, seccompUnconfined: false, capabilities: [], readOnly: false },
  ssh: null,
  secrets: [
    passwordSecret({ kind: 'file', variable: 'IB_PASSWORD_FILE' }),
    userSecret({ kind: 'file', variable: 'IB_USER_FILE' }),
    vncSecret({ kind: 'file', variable: 'VNC_PWD_FILE' }),
  ],
  variables: hostVariables(),
  refused: [
    ...['ENABLE_SOCAT', 'SUPERVISORD_UI_PORT', 'SUPERVISORD_UI_USER', 'SUPERVISORD_UI_PASS'].map(
      (name) => ({ name, key: null, reason: "is not read by today's image" }),
    ),
    ...[
      ...['SSH_TUNNEL', 'SSH_USER_TUNNEL', 'SSH_OPTIONS', 'SSH_REMOTE_PORT', 'SSH_VNC_PORT'],
      ...['SSH_RDP_PORT', 'SSH_ALIVE_INTERVAL', 'SSH_ALIVE_COUNT', 'SSH_RESTART'],
      ...['SSH_PASSPHRASE', 'SSH_PASSPHRASE_FILE'],
    ].map((name) => ({
      name,
      key: 'ssh.via',
      reason: 'today\'s image holds no tunnel; ssh.via = "host" does',
    })),
    { name: 'PUID', key: null, reason: "is not read by today's image, which runs as its own user" },
    { name: 'PGID', key: null, reason: "is not read by today's image, which runs as its own user" },
    { name: 'TZ', key: 'time_zone', reason: 'is not read; time_zone becomes TIME_ZONE' },
    {
      name: 'JAVA_OPTS',
      key: 'java_options',
      reason: 'is not read; java_options and java_heap are',
    },
  ],
  follows: ['jts', 'custom_config.jts', 'custom_config.ibc'],
  findings: hostFindings,
  notes: {
    source: 'djkelleher/ib-docker at f9f4cc5 (May 2026)',
    defects: [
      'There is no relay: the gateway listens on the network of the host itself, and takes clients by their address (`trusted_clients`). `network.mode = "host"` is the only one it works in (docs/networking.md).',
      'Port and display are per instance: the API has `port`, the display is `:` and that number, since displays of all containers meet on the network of the host.',
      'Until the gateway is up it listens on 4001 or 4002, then on its own port: two that log in at the same moment meet there.',
      "IBC's command server listens on all addresses where `BindAddress` is not set: ibq sets it to 127.0.0.1. On the network of the host all who have a shell there reach it.",
      'The image writes jts.ini from its template at every start, so `time_zone` always holds.',
      'Without a user the container ends. ibq refuses such an instance.',
      'Its health check asks whether programs run: a gateway at its login window passes. ibq asks the API.',
      'What IBC ends with is never seen by systemd: supervisord starts it again at once, for ever. A wrong password is tried until IBKR locks the user.',
    ],
    unverified: ['A login to IBKR, VNC with a viewer, several of them on one host.'],
  },
};

function hostVariables(): ImageVariable[] {
  /** What IBC would take from its own file; the image renders these from the environment. */
  const ofIbc = (
    name: string,
    setting: string,
    unset: string,
    preset: string | null,
  ): ImageVariable => ({
    name,
    keys: ['ibc'],
    unset,
    value: ({ settings }) => settings.ibc[setting] ?? preset,
    remark: `\`${setting}\` of \`[ibc]\``,
  });
  return [
    row('TRADING_MODE', 'mode', 'paper'),
    row('IB_USER', 'user', 'the container ends'),
    {
      name: 'OVERRIDE_TWS_API_PORT',
      keys: ['port'],
      unset: '4001 live, 4002 paper',
      value: ({ port }) => String(port),
    },
    {
      name: 'VNC_PORT',
      keys: ['vnc.port'],
      unset: '5900',
      value: ({ sidePorts }) => (sidePorts.vnc === undefined ? null : String(sidePorts.vnc)),
      remark: 'on all addresses of the host',
    },
    row('VNC_SCREEN_DIMENSION', 'vnc.screen', '1600x1200x24'),
    {
      name: 'DISPLAY',
      keys: ['vnc.display'],
      unset: ':1',
      value: ({ port, settings }) => settings.vnc.display ?? `:${port}`,
      remark: '`:` and the port where it is not set: one for each instance',
    },
    {
      name: 'TWS_SETTINGS_PATH',
      keys: [],
      unset: SETTINGS,
      value: () => SETTINGS,
      remark: 'the settings volume',
    },
    row('TIME_ZONE', 'time_zone', 'UTC'),
    {
      name: 'JAVA_HEAP_SIZE',
      keys: ['java_heap'],
      unset: 'a part of the memory limit, or 2048',
      value: ({ settings }) => `${settings.java_heap}m`,
    },
    row('CUSTOM_JVM_OPTS', 'java_options', 'none'),
    row('TRUSTED_TWS_API_CLIENT_IPS', 'trusted_clients', '127.0.0.1 alone'),
    ofIbc('COMMAND_SERVER_PORT', 'CommandServerPort', 'no command server', null),
    ofIbc('CONTROL_FROM', 'ControlFrom', 'loopback alone', null),
    ofIbc('BIND_ADDRESS', 'BindAddress', 'all addresses', '127.0.0.1'),
    ...ibcRows(
      {
        device: 'SECOND_FACTOR_DEVICE',
        coldRestart: 'COLD_RESTART_TIME',
        acceptIncoming: 'ACCEPT_INCOMING_CONNECTION_ACTION',
        masterClientId: 'OVERRIDE_TWS_MASTER_CLIENT_ID',
      },
      {
        readOnlyApi: 'no: clients may trade',
        bypassWarning: 'yes: orders skip the warnings',
        saveSettings: 'every 30 minutes',
      },
    ),
  ];
}

function hostFindings({ user, settings }: Instance): ImageFinding[] {
  if (user !== null || settings.user_secret) return [];
  const message = 'should be set: without a user the container ends';
  return [{ kind: 'problem', key: 'user', message }];
}
