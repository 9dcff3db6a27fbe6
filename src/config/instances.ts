/** The instances: name from the file, each value from the instance, `[defaults]` or the schema. */

import { basename } from 'node:path';
import { followedKeys } from '../images/index.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import { checkFileKeys } from './file-keys.ts';
import { checkProfile, resolveEnvironment, resolveImage } from './image.ts';
import { type Effective, isBroken, type Layer, lookup, placeOf } from './layer.ts';
import { resolvePort, resolveSidePorts } from './ports.ts';
import type { Report } from './report.ts';
import { builtIn, resolveSettings } from './settings.ts';
import { show } from './text.ts';
import type { Instance, InstanceName, Settings, TradingMode } from './types.ts';

export const NAME_RULE = '1-31 of a-z, 0-9 and "_", the first a letter or digit';

/** `null` for anything that is not a legal name. */
export function parseInstanceName(text: string): InstanceName | null {
  return /^[a-z0-9][a-z0-9_]{0,30}$/.test(text) ? (text as InstanceName) : null;
}

/** Name of an instance's file; reports one that is not legal. */
export function nameOfFile(path: string, report: Report): InstanceName | null {
  const stem = basename(path, '.toml');
  const name = parseInstanceName(stem);
  if (name) return name;
  const tried = stem
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, 31);
  const rename = parseInstanceName(tried) ? `; rename the file to ${tried}.toml` : '';
  report.problem({
    file: path,
    message: `the file's name should be ${NAME_RULE}, got ${show(stem)}${rename}`,
  });
  return null;
}

/**
 * @param own the instance's file
 * @param shared what is common: `[defaults]`, then the tables of ibq.toml
 */
export function resolveInstance(
  name: InstanceName,
  own: Layer,
  shared: { defaults: Layer; host: Layer },
  report: Report,
): Instance | null {
  const layers = [own, shared.defaults];
  const get = (id: string) => lookup(id, layers)?.value ?? builtIn(id);
  const port = resolvePort(name, own, report);
  const all = resolveSettings(layers);
  const { profile, image } = resolveImage(own, shared.host, all, report);
  const settings = withoutUnread(all, profile);
  const environment = resolveEnvironment(layers, profile, name, report);
  if (port === null || environment === null) return null;
  const mode = get('mode') as TradingMode;
  const instance: Instance = {
    name,
    file: own.file,
    mode,
    profile: profile.id,
    image,
    port,
    sidePorts: resolveSidePorts({ mode, port, settings }, own, report),
    user: get('user') as string | null,
    paperUser: get('paper_user') as string | null,
    settings,
    environment,
  };
  checkProfile(instance, profile, own, layers, report);
  checkFileKeys(instance, profile, layers, report);
  warnAbout(instance, profile, layers, report);
  return instance;
}

/** IBC's lines and file are not handed to an image that reads none, whoever asked for them. */
function withoutUnread(settings: Settings, profile: Profile): Settings {
  const followed = followedKeys(profile);
  const { ibc, custom_config: own } = settings;
  return {
    ...settings,
    ibc: followed.has('ibc') ? ibc : {},
    custom_config: { ...own, ibc: followed.has('custom_config.ibc') ? own.ibc : null },
  };
}

const READ_ONLY_UNSET =
  'not set: API clients cannot trade; set it to false, or to true to keep it so';

/** What is legal and probably not wanted. */
function warnAbout(
  instance: Instance,
  profile: Profile,
  layers: readonly Layer[],
  report: Report,
): void {
  const { file, mode, user, paperUser, settings } = instance;
  const warn = (key: string, message: string, at: Effective | null = null) =>
    report.warn({ ...(at ? placeOf(at) : { file, key }), message });
  const isSet = (id: string) => lookup(id, layers) !== null || isBroken(id, layers);
  const ownIbc = settings.custom_config.ibc !== null;
  if (user === null && !isSet('user') && !settings.user_secret && !ownIbc) {
    warn('user', 'not set: the gateway will stop at its login window');
  }
  if (mode === 'both' && paperUser === null && !isSet('paper_user') && !settings.user_secret) {
    warn('paper_user', 'not set: the paper gateway will stop at its login window');
  }
  // An image that can't be told, or is told by a file, would make the advice a mistake.
  const isTold = followedKeys(profile).has('read_only_api') && !ownIbc;
  if (isTold && !isSet('read_only_api')) {
    warn('read_only_api', READ_ONLY_UNSET);
  }
  const heaps = halvesOf(mode).length * settings.java_heap;
  if (settings.memory !== null && settings.memory <= heaps) {
    const whose =
      mode === 'both' ? `the two Java heaps of ${heaps} MB` : `the Java heap of ${heaps} MB`;
    warn(
      'memory',
      `${settings.memory} MB is no more than ${whose}: the kernel will end the gateway`,
      lookup('memory', layers),
    );
  }
  const zone = settings.time_zone;
  if (isFixedOffset(zone)) {
    const place = PLACES[zone] ?? 'America/New_York';
    warn(
      'time_zone',
      `${show(zone)} has no daylight saving time: the times of this file move by an hour against New York twice a year; write a place such as ${show(place)}, or "Etc/UTC" where that is meant`,
      lookup('time_zone', layers),
    );
  }
  if (settings.auto_restart_time !== null && settings.auto_logoff_time !== null) {
    const at = lookup('auto_logoff_time', layers);
    warn('auto_logoff_time', 'has no effect beside auto_restart_time', at);
  }
}

/** What people mean by the names of their winter times. */
const PLACES: Readonly<Record<string, string>> = {
  EST: 'America/New_York',
  MST: 'America/Denver',
  HST: 'Pacific/Honolulu',
  CET: 'Europe/Berlin',
};

/** A name that says no place and has the same offset all the year; UTC by any name is what its user means. */
function isFixedOffset(zone: string): boolean {
  return /^(?:[ECMPH]ST|Etc\/GMT[+-][1-9]\d?|GMT[+-][1-9]\d?|[+-]\d\d:?\d\d)$/.test(zone);
}
