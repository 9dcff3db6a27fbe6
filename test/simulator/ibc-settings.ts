/** config.ini as IBC takes it: which value means what, and which ends it. */

import { readFileSync } from 'node:fs';
import { contract, Exit } from './contract.ts';
import { parseProperties } from './java-properties.ts';

type ExistingSessionAction = 'manual' | 'primary' | 'primaryoverride' | 'secondary';

export interface IbcSettings {
  user: string;
  password: string;
  /** `null`: the gateway's own setting, read-only when fresh. */
  readOnlyApi: boolean | null;
  existingSession: ExistingSessionAction;
  relogin: boolean;
  /** Seconds the two-factor dialog stays open. */
  twoFactorTimeout: number;
  /** Seconds for the login to complete once two-factor is answered. */
  exitInterval: number;
  autoRestartTime: string;
  autoLogoffTime: string;
  coldRestartTime: string;
  bypassOrderPrecautions: string;
  /** 0: no command server. */
  commandPort: number;
  /** Empty: all addresses. */
  bindAddress: string;
  /** Every setting as read, for the log; secrets are masked there. */
  all: ReadonlyMap<string, string>;
}

/** Throws `Exit` 79 where the file is absent. `path` is one of this machine. */
export function readIbcSettings(path: string): IbcSettings {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Exit(79, `ini file "${path}" either does not exist, or is a directory.  quitting...`);
  }
  const all = parseProperties(bytes);
  const text = (key: string) => (all.get(key) ?? '').trim();
  return {
    user: text('IbLoginId'),
    password: text('IbPassword'),
    readOnlyApi: text('ReadOnlyApi') === '' ? null : boolean(all.get('ReadOnlyApi'), true),
    existingSession: existingSession(text('ExistingSessionDetectedAction')),
    relogin: boolean(all.get('ReloginAfterSecondFactorAuthenticationTimeout'), false),
    twoFactorTimeout: integer(all.get('SecondFactorAuthenticationTimeout'), 180),
    exitInterval: integer(all.get('SecondFactorAuthenticationExitInterval'), 60),
    autoRestartTime: text('AutoRestartTime'),
    autoLogoffTime: text('AutoLogoffTime'),
    coldRestartTime: text('ColdRestartTime'),
    bypassOrderPrecautions: text('BypassOrderPrecautions').toLowerCase(),
    commandPort: integer(all.get('CommandServerPort'), 0),
    bindAddress: text('BindAddress'),
    all,
  };
}

/** The lines IBC writes of its settings, with user and password masked. */
export function describeSettings(settings: IbcSettings): string[] {
  const masked = new Set(['FIXLoginId', 'FIXPassword', 'IbLoginId', 'IbPassword']);
  const lines = [...settings.all.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `    ${key}=${masked.has(key) && value !== '' ? '***' : value}`);
  return ['IBC Settings:', ...lines, 'End IBC Settings', ''];
}

/** `hh:mm AM` as Java reads it: two digits of a twelve-hour clock, capitals. */
export function isTwelveHourTime(text: string): boolean {
  return /^(0[1-9]|1[0-2]):[0-5]\d (AM|PM)$/.test(text);
}

/** Java's lenient `HH:mm`: any numbers will do, `25:00` is the next day. */
export function isColdRestartTime(text: string): boolean {
  return /^\d+:\d+/.test(text);
}

/** Anything but yes and true (and their opposites) gives the default. */
function boolean(value: string | undefined, fallback: boolean): boolean {
  const text = (value ?? '').toLowerCase();
  if (text === 'yes' || text === 'true') return true;
  return text === 'no' || text === 'false' ? false : fallback;
}

function integer(value: string | undefined, fallback: number): number {
  return /^[+-]?\d+$/.test(value ?? '') ? Number(value) : fallback;
}

function existingSession(value: string): ExistingSessionAction {
  const text = value.toLowerCase();
  switch (text) {
    case '':
      return 'manual';
    case 'manual':
    case 'primary':
    case 'primaryoverride':
    case 'secondary':
      return text;
    default:
      return 'secondary';
  }
}

/** Version that IBC names in its log. */
export const IBC_VERSION = contract.source.ibc.version;
