/**
 * ghcr.io/code-hustler-ft3d/ibg-controller: the image of gnzsnz with a controller of its own in the place of IBC
 * (its image's scripts read at v0.6.2, the controller at v0.12.0).
 */

import type { Instance } from '../config/types.ts';
import { gnzsnz, gnzsnzFiles } from './gnzsnz.ts';
import {
  halvesOf,
  type ImageFinding,
  type ImageVariable,
  type Profile,
  type ProfileSecret,
} from './profile.ts';
import { row } from './rows.ts';
import {
  paperPasswordSecret,
  paperUserSecret,
  passwordSecret,
  userSecret,
  vncSecret,
  wantedIf,
} from './secrets.ts';
import { refusedRemotePort, tunnelRows, tunnelSecrets } from './ssh.ts';
import { encodeTotpSeed, totpSeedProblem } from './totp.ts';

const SETTINGS_VOLUME = '/home/ibgateway/tws_settings';
const SETTINGS = `${SETTINGS_VOLUME}/ibq`;
/** Of both servers the paper gateway of mode `both` has the port after it. */
const COMMAND_PORT = 7462;
const HEALTH_PORT = 8080;
const tunnel = {
  options: 'shell',
  screen: { key: 'ssh.vnc_port', service: 'vnc', port: 5900 },
} as const;

export const ibgController: Profile = {
  ...gnzsnz,
  id: 'ibg-controller',
  title: 'IB Gateway with a controller in the place of IBC',
  defaultImage: 'ghcr.io/code-hustler-ft3d/ibg-controller:latest',
  files: {
    ...gnzsnzFiles({
      settings: SETTINGS,
      program: '/home/ibgateway/Jts',
      ibc: '/home/ibgateway/ibc',
      ssh: '/home/ibgateway/.ssh',
      apiPorts: [4001, 4002],
    }),
    // Its RESTART is a full login: nothing that a soft restart could be made of.
    commandServer: () => null,
  },
  logoutPorts: (mode, network) =>
    network === 'host' ? [] : halvesOf(mode).map((_, index) => COMMAND_PORT + index),
  ssh: tunnel,
  secrets: [
    raw(passwordSecret({ kind: 'file', variable: 'TWS_PASSWORD_FILE' })),
    raw(paperPasswordSecret({ kind: 'file', variable: 'TWS_PASSWORD_PAPER_FILE' })),
    userSecret({ kind: 'environment', variable: 'TWS_USERID' }),
    paperUserSecret({ kind: 'environment', variable: 'TWS_USERID_PAPER' }),
    {
      key: 'totp',
      title: 'seed of the one-time codes, in base32',
      as: { kind: 'file', variable: 'TWOFACTOR_CODE_FILE' },
      wanted: ({ settings }) => wantedIf(settings.twofa_totp),
      problem: totpSeedProblem,
      encode: encodeTotpSeed,
    },
    vncSecret({ kind: 'file', variable: 'VNC_SERVER_PASSWORD_FILE' }),
    ...tunnelSecrets('/home/ibgateway/.ssh'),
  ],
  variables: [...variables(), ...tunnelRows(tunnel)],
  refused: refused(),
  follows: ['twofa_totp', 'jts', 'custom_config.jts'],
  unfollowed: {
    ibc: "the controller reads no line of IBC's config.ini",
    'custom_config.ibc': "the controller reads no config.ini of IBC's",
    twofa_exit_interval: 'how long a login waits for the second factor is twofa_wait',
    bypass_warning: 'BYPASS_WARNING is a list of button labels there, which environment may have',
    save_settings: 'the gateway saves when it ends',
    allow_blind_trading: 'only TWS has such a setting',
    accept_incoming: 'the relay of the image is the only one that the gateway lets in',
    cold_restart_time: 'no start of the controller waits for a day of the week',
  },
  findings,
  notes: {
    source:
      'code-hustler-ft3d/ibg-controller: scripts and Dockerfile at 533b698 (v0.6.2, May 2026), gateway_controller.py, ' +
      'CHANGELOG.md and docs/OBSERVABILITY.md at 13422e4 (v0.12.0, 30 September 2026); common.sh of gnzsnz below it',
    defects: [
      'Without `USE_IBG_CONTROLLER=yes` the image starts IBC: ibq always sets it.',
      'Images up to v0.6.2 could write the password into the log, when a click on *Log In* failed (v0.6.3 of its changelog). Use a later one, and pin it.',
      'The password is taken as it is: no backslash is doubled.',
      'Password and seed are read from files, and then stand in the environment of the controller and of the gateway, where every process of the container can read them; so do the password of VNC in that of x11vnc, and the passphrase of the tunnel in that of ssh-agent.',
      "The controller takes settings from variables alone. `ibc` and `custom_config.ibc` have no effect and are refused; jts.ini is the gateway's own, and its lines arrive unless `tws_server` makes the controller write the file anew at each start.",
      'The command server listens on all addresses by default, without a password: ibq binds it to the loopback of the container, where IBC has it too. In `network.mode = "host"` it stays off. So does the page of its health.',
      "The command RESTART ends the gateway and logs in anew, with a second factor; there is no PAUSE. So `ibq restart --soft` is refused. The daily `auto_restart_time` is the gateway's own and needs none, from v0.9.0 on.",
      'SIGTERM is a logout: the controller closes the window of the gateway, which takes up to 30 s. It is heard once a login has completed or 300 s have passed; before that process 1 does not hear it.',
      'A login that ended early ends the container after 300 s: the script waits so long for it.',
      'In mode `both` the paper gateway starts when the live one is logged in, or after 300 s; and both have one seed. Up to v0.11 a container whose one half ended stays up.',
      'A time before noon in `auto_restart_time` or `auto_logoff_time` becomes one after noon: the field of AM and PM is out of its reach (v0.11.1 of its changelog).',
      'After a second factor that nobody gave it ends with 3, and the next start asks anew. `twofa_timeout_action = "restart"` asks again and again by itself.',
      'What only a person can mend (the wrong second factor, a passkey) it waits for 300 s, for a login over VNC, and then stays as it is until a restart: `halted` (from v0.11.0).',
      'IBKR leaves some logins without an answer, when they follow each other too soon: the controller waits 60 s to 10 min between tries, eight times, and then ends with 1.',
      'Passkeys need v0.10.0, and an authenticator and the libraries of a browser that the image has not.',
      'VNC shows a screen of 1024x768 on display `:1`, and neither can be changed.',
      'No port of its API can be chosen, nor its display: in `network.mode = "host"` one alone fits on a host.',
    ],
    unverified: [
      'A login to IBKR, one-time codes, the passkey, VNC with a viewer, the tunnel of the image with a real bastion.',
      "A password with letters beyond ASCII: the agent reads it in the encoding of the gateway's Java, for which `LC_ALL` is set.",
    ],
  },
};

/** No reader of the image's takes anything of it for a sign of its own. */
function raw(secret: ProfileSecret): ProfileSecret {
  return { ...secret, problem: () => null, encode: (value) => value };
}

function variables(): ImageVariable[] {
  return [
    {
      name: 'USE_IBG_CONTROLLER',
      keys: [],
      unset: 'IBC is started instead',
      value: () => 'yes',
    },
    row('TRADING_MODE', 'mode', 'the container ends'),
    row('TWS_USERID', 'user', 'the controller ends with 2, the container 300 s later'),
    {
      ...row('TWS_USERID_PAPER', 'paper_user', 'the paper gateway ends with 2'),
      value: ({ mode, paperUser }) => (mode === 'both' ? paperUser : null),
      remark: 'in mode `both` alone; in mode `paper` it would win over TWS_USERID',
    },
    row('TWS_SERVER', 'tws_server', "the gateway's own choice"),
    {
      ...row('TWS_SERVER_PAPER', 'paper_tws_server', 'TWS_SERVER'),
      value: ({ mode, settings }) => (mode === 'both' ? settings.paper_tws_server : null),
      remark: 'in mode `both` alone',
    },
    {
      name: 'TWS_SETTINGS_PATH',
      keys: [],
      unset: 'settings are lost with the container',
      value: () => SETTINGS,
      remark: 'a directory of the settings volume; in mode `both` `…_live` and `…_paper`',
    },
    row('READ_ONLY_API', 'read_only_api', 'a fresh gateway is read-only, a kept one as it was'),
    row('TWS_MASTER_CLIENT_ID', 'master_client_id', 'none'),
    row(
      'AUTO_RESTART_TIME',
      'auto_restart_time',
      "the gateway's own",
      'a time after noon; the gateway shows this or the next, as the user has it',
    ),
    row('AUTO_LOGOFF_TIME', 'auto_logoff_time', "the gateway's own", 'a time after noon'),
    row('EXISTING_SESSION_DETECTED_ACTION', 'existing_session_action', 'primary'),
    row(
      'TWOFA_DEVICE',
      'twofa_device',
      '`Mobile Authenticator app` with a seed',
      'what the seed is of, for users who have several second factors; another one is refused',
    ),
    row('TWOFA_EXIT_INTERVAL', 'twofa_wait', '120', 'the whole wait, not what follows the answer'),
    row(
      'TWOFA_TIMEOUT_ACTION',
      'twofa_timeout_action',
      'it goes on and waits for the API',
      '`exit` ends the container with 3',
    ),
    row('RELOGIN_AFTER_TWOFA_TIMEOUT', 'relogin_after_twofa_timeout', 'no', 'once'),
    row('PASSKEY_AUTHENTICATE', 'passkey_authenticate', 'no', 'from v0.10.0'),
    {
      name: 'CONTROLLER_COMMAND_SERVER_PORT',
      keys: [],
      unset: 'no command server',
      value: (_, { mode }) => (mode === 'host' ? null : String(COMMAND_PORT)),
      remark: 'in mode `both` the paper gateway has the port after it',
    },
    {
      name: 'CONTROLLER_COMMAND_SERVER_HOST',
      keys: [],
      unset: '0.0.0.0',
      value: () => '127.0.0.1',
    },
    {
      name: 'CONTROLLER_HEALTH_SERVER_PORT',
      keys: [],
      unset: '8080',
      // Empty: off. On the host's own loopback it would take the port of somebody else.
      value: (_, { mode }) => (mode === 'host' ? '' : String(HEALTH_PORT)),
      remark: 'in mode `both` the paper gateway has the port after it; empty is off',
    },
    {
      name: 'CONTROLLER_HEALTH_SERVER_HOST',
      keys: [],
      unset: '0.0.0.0',
      value: () => '127.0.0.1',
    },
    row('TIME_ZONE', 'time_zone', 'empty', 'and at each start into jts.ini, by ibq'),
    row('TZ', 'time_zone', 'Etc/UTC', "the container's own clock"),
    {
      name: 'LC_ALL',
      keys: [],
      unset: 'a password with letters beyond ASCII does not arrive',
      value: () => 'C.UTF-8',
    },
    row('JAVA_HEAP_SIZE', 'java_heap', '768'),
  ];
}

function refused(): Profile['refused'] {
  const none = (name: string, reason: string) => ({ name, key: null, reason });
  const notRead = 'the controller does not read it';
  return [
    none('CUSTOM_CONFIG', "the controller reads no config.ini of IBC's"),
    none('SAVE_TWS_SETTINGS', notRead),
    none('ALLOW_BLIND_TRADING', notRead),
    none('TWS_ACCEPT_INCOMING', notRead),
    { name: 'DUAL_MODE', key: 'mode', reason: 'would make mode `both` behind the back of ibq' },
    none('GATEWAY_OR_TWS', 'there is no TWS in the image'),
    none('CONTROLLER_TEST_MODE', 'the controller would end after its first click'),
    none(
      'CONTROLLER_COMMAND_SERVER_AUTH_TOKEN',
      'is a secret; the command server listens on the loopback of the container alone',
    ),
    ...['CONTROLLER_READY_FILE', 'GATEWAY_INPUT_AGENT_SOCKET'].map((name) =>
      none(name, 'is set by the script of the image'),
    ),
    refusedRemotePort,
  ];
}

function findings({ mode, settings }: Instance): ImageFinding[] {
  const found: ImageFinding[] = [];
  const server = settings.tws_server ?? (mode === 'both' ? settings.paper_tws_server : null);
  const anew = 'has no effect beside tws_server: the controller writes jts.ini anew at each start';
  if (server !== null && Object.keys(settings.jts).length > 0)
    found.push({ kind: 'problem', key: 'jts', message: anew });
  if (server !== null && settings.custom_config.jts !== null)
    found.push({ kind: 'problem', key: 'custom_config.jts', message: anew });
  if (settings.paper_tws_server !== null && mode !== 'both') {
    const message = `has no effect in mode "${mode}"; use the key "tws_server"`;
    found.push({ kind: 'problem', key: 'paper_tws_server', message });
  }
  for (const key of ['auto_restart_time', 'auto_logoff_time'] as const) {
    if (!settings[key]?.endsWith('AM')) continue;
    const message =
      'should be after noon: the controller writes the digits and leaves the field of AM and PM as it is';
    found.push({ kind: 'warning', key, message });
  }
  if (settings.twofa_totp && mode === 'both') {
    const message = 'the image has one seed for both gateways: it fits where one user has both';
    found.push({ kind: 'warning', key: 'twofa_totp', message });
  }
  return found;
}
