/** The instances: name from the file, each value from the instance, `[defaults]` or the schema. */

import { basename } from 'node:path';
import { profileOf } from '../images/index.ts';
import type { Profile, ProfileId } from '../images/profile.ts';
import { type Effective, isBroken, type Layer, lookup, placeOf } from './layer.ts';
import type { Report } from './report.ts';
import { KEYS, type Value } from './schema.ts';
import { show, showKey } from './text.ts';
import type { Instance, InstanceName, Port, Settings, TradingMode } from './types.ts';

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

/** Keys of `Settings`: those of an instance that have no place of their own in `Instance`. */
export const SETTING_KEYS: readonly string[] = [...KEYS.keys()].filter(
  (id) => !id.includes('.') && !['mode', 'user', 'port', 'environment'].includes(id),
);

/** The built-in value; `null` where the key stays unset. */
export function builtIn(id: string): Value | null {
  return KEYS.get(id)?.default ?? null;
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
  const { profile, image } = resolveImage(own, shared.host);
  const environment = resolveEnvironment(layers, profile, name, report);
  const hosts = Object.assign({}, ...layers.map(({ values }) => values.get('hosts')).toReversed());
  if (port === null || environment === null) return null;
  // The schema says of each key which type it has; test/config/schema.test.ts holds it to Settings.
  const settings = {
    ...Object.fromEntries(SETTING_KEYS.map((id) => [id, get(id)])),
    hosts,
  } as unknown as Settings;
  const instance: Instance = {
    name,
    file: own.file,
    mode: get('mode') as TradingMode,
    profile: profile.id,
    image,
    port,
    user: get('user') as string | null,
    settings,
    environment,
  };
  warnAbout(instance, layers, report);
  return instance;
}

function resolvePort(name: InstanceName, own: Layer, report: Report): Port | null {
  const set = own.values.get('port');
  const byName = /^[1-9]\d{0,4}$/.test(name) && Number(name) <= 65_535 ? Number(name) : null;
  const port = set ?? byName;
  if (port === null) {
    const message = `should be set: the name ${show(name)} is not a port`;
    if (!isBroken('port', [own])) report.problem({ file: own.file, key: 'port', message });
    return null;
  }
  if (Number(port) < 1024) {
    const message = `${port} is among the ports of the system (below 1024)`;
    report.warn({ file: own.file, key: 'port', message });
  }
  return Number(port) as Port;
}

/** Every port belongs to one instance; of two that want it, both are told. */
export function checkPorts(instances: readonly Instance[], report: Report): void {
  const byPort = new Map<Port, Instance[]>();
  for (const instance of instances) {
    byPort.set(instance.port, [...(byPort.get(instance.port) ?? []), instance]);
  }
  for (const sharing of byPort.values()) {
    if (sharing.length < 2) continue;
    for (const { file, port } of sharing) {
      const other = sharing.find((instance) => instance.file !== file)?.file ?? file;
      report.problem({
        file,
        key: 'port',
        message: `should be its own, ${port} is the port of ${other} too`,
      });
    }
  }
}

/** An instance's own profile does not take the reference that the host sets for another profile. */
function resolveImage(own: Layer, host: Layer): { profile: Profile; image: string } {
  const hostProfile = host.values.get('image.profile') ?? builtIn('image.profile');
  const id = (own.values.get('image.profile') ?? hostProfile) as ProfileId;
  const profile = profileOf(id);
  const inherited = id === hostProfile ? host.values.get('image.reference') : undefined;
  const image = own.values.get('image.reference') ?? inherited ?? profile.defaultImage;
  return { profile, image: String(image) };
}

/** `[defaults]` first, the instance's own over it; `null` after a problem. */
function resolveEnvironment(
  layers: readonly Layer[],
  profile: Profile,
  name: InstanceName,
  report: Report,
): Record<string, string> | null {
  const merged = new Map<string, string>();
  let legal = true;
  for (const layer of layers.toReversed()) {
    const variables = (layer.values.get('environment') ?? {}) as Record<string, string>;
    for (const [variable, value] of Object.entries(variables)) {
      merged.set(variable, value);
      const refusal = refuseVariable(variable, profile, name);
      if (refusal === null) continue;
      const place = placeOf({ id: 'environment', origin: layer.origin, file: layer.file });
      report.problem({
        file: place.file,
        key: `${place.key}.${showKey(variable)}`,
        message: refusal,
      });
      legal = false;
    }
  }
  return legal ? Object.fromEntries(merged) : null;
}

function refuseVariable(variable: string, profile: Profile, name: InstanceName): string | null {
  const secret = profile.secrets.find(
    ({ fileVariable }) => variable === fileVariable || `${variable}_FILE` === fileVariable,
  );
  if (secret) return `should not stand in a file; run "sudo ibq secret set ${name} ${secret.key}"`;
  if (/PASSWORD|PASSWD|PASSPHRASE/i.test(variable)) {
    return 'should not stand in a file: it is a secret, and ibq has no place for this one';
  }
  if (!Object.hasOwn(profile.ownedVariables, variable)) return null;
  const key = profile.ownedVariables[variable];
  return key ? `is set by ibq; use the key ${show(key)} instead` : 'is set by ibq';
}

/** What is legal and probably not wanted. */
function warnAbout(instance: Instance, layers: readonly Layer[], report: Report): void {
  const { file, mode, user, settings } = instance;
  const warn = (key: string, message: string, at: Effective | null = null) =>
    report.warn({ ...(at ? placeOf(at) : { file, key }), message });
  const isSet = (id: string) => lookup(id, layers) !== null || isBroken(id, layers);
  if (user === null && !isSet('user')) {
    warn('user', 'not set: the gateway will stop at its login window');
  }
  if (mode === 'live' && !isSet('read_only_api')) {
    warn(
      'read_only_api',
      'not set: API clients cannot trade; set it to false, or to true to keep it so',
    );
  }
  if (settings.memory !== null && settings.memory <= settings.java_heap) {
    const at = lookup('memory', layers);
    warn(
      'memory',
      `${settings.memory} MB is no more than the Java heap of ${settings.java_heap} MB: the kernel will end the gateway`,
      at,
    );
  }
  if (settings.auto_restart_time !== null && settings.auto_logoff_time !== null) {
    const at = lookup('auto_logoff_time', layers);
    warn('auto_logoff_time', 'has no effect beside auto_restart_time', at);
  }
}
