/**
 * What `[custom]` has to say of an image that ibq has no profile for: by the names of its variables and by its ports.
 * docs/images/custom.md shows three of them whole.
 */

import { builtIn } from '../config/settings.ts';
import type { Settings } from '../config/types.ts';
import { customProfile } from '../images/custom.ts';
import type { Profile } from '../images/profile.ts';
import type { Draft } from './draft.ts';
import type { Service } from './service.ts';

/** By key: what images call it, the likeliest first. */
const NAMES: readonly [string, readonly string[]][] = [
  [
    'mode',
    [
      'TRADING_MODE',
      'IBC_TradingMode',
      'TRADE_MODE',
      'IB_TRADING_MODE',
      'IBKR_TRADING_MODE',
      'TWS_TRADING_MODE',
    ],
  ],
  [
    'user',
    [
      'TWS_USERID',
      'IB_USER',
      'IB_USERNAME',
      'IB_ACCOUNT',
      'IBC_IbLoginId',
      'TWSUSERID',
      'TWS_USERNAME',
      'IBKR_USERNAME',
      'IBKR_USER',
      'IB_LOGIN',
      'USERNAME',
    ],
  ],
  [
    'password',
    [
      'TWS_PASSWORD_FILE',
      'IB_PASSWORD_FILE',
      'PASSWORD_FILE',
      'TWS_PASSWORD',
      'IB_PASSWORD',
      'IBC_IbPassword',
      'TWSPASSWORD',
      'IBKR_PASSWORD',
      'PASSWORD',
    ],
  ],
  ['read_only_api', ['READ_ONLY_API', 'IBC_ReadOnlyApi']],
  ['vnc_password', ['VNC_SERVER_PASSWORD', 'VNC_PWD', 'VNC_PASSWORD']],
  ['time_zone', ['TIME_ZONE', 'TZ', 'IB_TIMEZONE']],
];

/** Of images whose API is elsewhere. */
const API_PORTS = [4003, 4004, 4001, 4002, 7498, 7499, 7496, 7497, 8888, 4000];
const SCREENS = [5900, 5901, 6080, 6901, 5800, 3000, 3001, 3389, 8080];

/** Fills in the keys of `[custom]`. @returns the profile that they make */
export function draftCustom(draft: Draft, service: Service): Profile {
  const variables: Record<string, string> = {};
  for (const [key, names] of NAMES) {
    const name = names.find((it) => (service.environment.get(it) ?? '').trim() !== '');
    const value = service.environment.get(name ?? '') ?? '';
    if (name === undefined || (key === 'mode' && !/^(?:live|paper|both)$/i.test(value.trim())))
      continue;
    if (key === 'read_only_api' && !/^(?:yes|no|true|false)$/i.test(value.trim())) continue;
    variables[key] = name;
  }
  const asFile = variables.password?.endsWith('_FILE') === true;
  // One way for all of them: what comes in the other way is a secret of its own.
  if (variables.vnc_password && asFile !== variables.vnc_password.endsWith('_FILE'))
    delete variables.vnc_password;
  if (Object.keys(variables).length > 0) draft.values.set('custom.variables', variables);
  if (asFile) draft.values.set('custom.password_as', 'file');
  const mode = /live/i.test(service.environment.get(variables.mode ?? '') ?? '') ? 'live' : 'paper';
  const inside = service.ports.map((port) => port.inside);
  const both = /^both$/i.test(service.environment.get(variables.mode ?? '')?.trim() ?? '');
  const apis = inside.filter((port) => !SCREENS.includes(port));
  const known = API_PORTS.filter((port) => apis.includes(port));
  const preferred = known.length > 0 ? known : apis;
  const [first] = preferred;
  if (both && preferred.length > 1) {
    const [live = 4001, paper = 4002] = [...preferred].sort((a, b) => a - b);
    draft.values.set('custom.live_port', live);
    draft.values.set('custom.paper_port', paper);
  } else if (first !== undefined) {
    // Of an image with a port for each mode, that of this one.
    const own = mode === 'live' ? [4001, 4003, 7496, 7498] : [4002, 4004, 7497, 7499];
    const port = preferred.find((it) => own.includes(it)) ?? first;
    draft.values.set('custom.live_port', port);
    draft.values.set('custom.paper_port', port);
  } else {
    draft.left.push({
      what: 'ports',
      why: 'do not say where the API listens in the container: look at custom.live_port and custom.paper_port',
    });
  }
  const vnc = inside.find((port) => port === 5900 || port === 5901);
  if (vnc !== undefined && variables.vnc_password) draft.values.set('custom.vnc_port', vnc);
  else if (variables.vnc_password) draft.values.set('custom.vnc_port', 5900);
  const settings = settingsPath(service);
  if (settings !== null) draft.values.set('custom.settings_path', settings);
  else {
    draft.left.push({
      what: 'custom.settings_path',
      why: 'is not known: without it the settings are lost at each stop, and each start asks for the second factor',
    });
  }
  const key = (name: string) => draft.values.get(`custom.${name}`) ?? builtIn(`custom.${name}`);
  // As the loader makes them of the same table.
  const names = [
    'live_port',
    'paper_port',
    'vnc_port',
    'settings_path',
    'password_as',
    'user',
    'command',
    'tmpfs',
    'devices',
    'capabilities',
    'variables',
  ];
  const custom = Object.fromEntries(names.map((name) => [name, key(name)]));
  return customProfile(custom as unknown as Settings['custom']);
}

function settingsPath({ environment, mounts }: Service): string | null {
  const said = environment.get('TWS_SETTINGS_PATH');
  if (said?.startsWith('/')) return said.replace(/(?<=.)\/+$/, '');
  const mount = mounts.find(({ target }) =>
    /\/(?:tws_settings|ibkr_settings|settings|\.ibgateway)\/?$/.test(target),
  );
  return mount?.target.replace(/\/+$/, '') ?? null;
}
