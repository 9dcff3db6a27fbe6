/**
 * An image that ibq does not know: the user says which of its variables are which of ibq's keys, in `[custom]`.
 * Nothing else is handed to it but the user's own `environment`.
 */

import type { Instance } from '../config/types.ts';
import type { ImageVariable, Profile, ProfileSecret } from './profile.ts';
import { row } from './rows.ts';
import {
  paperPasswordSecret,
  paperUserSecret,
  passwordSecret,
  userSecret,
  vncSecret,
} from './secrets.ts';

type CustomSettings = Instance['settings']['custom'];

/** Keys that can become a variable. */
export const CUSTOM_KEYS: readonly string[] = [
  ...['mode', 'user', 'paper_user', 'time_zone', 'read_only_api'],
  ...['auto_restart_time', 'auto_logoff_time', 'cold_restart_time'],
  ...['twofa_timeout_action', 'twofa_device', 'twofa_exit_interval', 'relogin_after_twofa_timeout'],
  ...['existing_session_action', 'bypass_warning', 'allow_blind_trading', 'accept_incoming'],
  ...['master_client_id', 'save_settings', 'trusted_clients', 'java_heap', 'java_options'],
  ...['uid', 'gid'],
];

/** Secrets that can become one. `user` and `paper_user` are keys, and with `user_secret` secrets. */
export const CUSTOM_SECRETS: readonly string[] = ['password', 'paper_password', 'vnc_password'];

export function customProfile(custom: CustomSettings): Profile {
  const { live_port: live, paper_port: paper, variables } = custom;
  return {
    id: 'custom',
    title: 'an image of your own',
    defaultImage: null,
    program: 'gateway',
    modes: ['live', 'paper', 'both'],
    networks: ['dual', 'bridge', 'lan', 'host'],
    // What else of it can't be set is not known.
    hostNetwork: 'alone',
    ports: () => ({
      api: { live, paper },
      gateway: { live, paper },
      vnc: custom.vnc_port,
      rdp: null,
      supervisor: null,
    }),
    user: ({ uid, gid }) => (uid === null ? startsAs(custom) : { uid, gid: gid ?? uid }),
    settingsVolume: () => custom.settings_path,
    files: null,
    container: {
      shm: null,
      seccompUnconfined: false,
      capabilities: custom.capabilities,
      readOnly: true,
      asked: custom,
    },
    ssh: null,
    secrets: customSecrets(custom),
    variables: Object.entries(variables).flatMap(([key, name]): ImageVariable[] =>
      CUSTOM_KEYS.includes(key) ? [customRow(name, key)] : [],
    ),
    refused: [],
    follows: [
      ...['uid', 'gid', 'read_only'],
      ...['custom.live_port', 'custom.paper_port', 'custom.vnc_port', 'custom.settings_path'],
      ...['custom.password_as', 'custom.variables', 'custom.user', 'custom.command'],
      ...['custom.tmpfs', 'custom.devices', 'custom.capabilities'],
    ],
    notes: {
      source: 'what `[custom]` says',
      defects: [
        'Secrets are handed on as they are. An image that copies its password into the config.ini of IBC, as most do, reads it as Java Properties: write each backslash twice.',
        'Where the number of its user is not said (`uid`), secret files are readable to all of the container.',
        'The API port has to listen on all addresses of the container: behind the loopback alone nothing can be published.',
      ],
      unverified: ['Everything: ibq asks the API, and that is what it knows.'],
    },
  };
}

function startsAs({ user }: CustomSettings): { uid: number; gid: number } | null {
  // Of root's files the image may hand some to a user of its own.
  if (user === null || Number(user.split(':')[0]) === 0) return null;
  const [uid = 0, gid = uid] = user.split(':').map(Number);
  return { uid, gid };
}

/** With `user_secret` the name is no variable but a secret; that of the paper gateway belongs to mode `both`. */
function customRow(name: string, key: string): ImageVariable {
  const plain = row(name, key, 'as the image has it');
  if (key !== 'paper_user') return plain;
  return { ...plain, value: ({ mode, paperUser }) => (mode === 'both' ? paperUser : null) };
}

function customSecrets({ password_as, variables }: CustomSettings): ProfileSecret[] {
  const kinds = {
    password: passwordSecret,
    paper_password: paperPasswordSecret,
    vnc_password: vncSecret,
    user: userSecret,
    paper_user: paperUserSecret,
  } as const;
  return Object.entries(kinds).flatMap(([key, secret]): ProfileSecret[] => {
    const variable = variables[key];
    if (variable === undefined) return [];
    // How the image reads it is not known.
    return [{ ...secret({ kind: password_as, variable }), encode: (value) => value }];
  });
}
