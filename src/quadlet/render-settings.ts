/**
 * What the hook does to an instance's files before each start (`scripts/settings`): a list of steps, and the lines
 * that it puts into jts.ini and config.ini. Nothing here is secret.
 */

import type { Instance, NetworkMode } from '../config/types.ts';
import { encodeProperty } from '../images/ibc.ts';
import type { Profile } from '../images/profile.ts';

export interface RenderedSettings {
  /** Paths relative to the generation. */
  files: { path: string; text: string }[];
  /** Ports of IBC's command server in the container; none where it is off. */
  commandPorts: readonly number[];
}

/** Whether files of the user's take the place of the image's. */
export interface OwnFileNames {
  /** Podman secrets. */
  jts: { name: string } | null;
  ibc: { name: string; commandPorts: readonly number[] } | null;
}

export const NO_OWN_FILES: OwnFileNames = { jts: null, ibc: null };

/** Where the hook finds the user's files in the container; nobody in it can read them there. */
const OWN_JTS = '/run/secrets/jts_ini';
const OWN_IBC = '/run/secrets/config_ini';

export function renderSettings(
  profile: Profile,
  instance: Instance,
  network: NetworkMode,
  own: OwnFileNames = NO_OWN_FILES,
): RenderedSettings {
  const { files } = profile;
  if (files === null) return { files: [], commandPorts: [] };
  // On the host's own loopback every user of the host could command it.
  const commandServer = network === 'host' ? null : files.commandServer(instance.mode);
  const ibc = own.ibc ? '' : ibcLines(instance, commandServer?.setting ?? null);
  const jts = own.jts ? '' : jtsLines(instance);
  const directory = `settings/${instance.name}`;
  const steps = stepsOf(profile, instance, own, ibc !== '');
  const head = `# What is done to the files of ${instance.name} before each start. Written by ibq, read by its hook.\n`;
  return {
    files: [
      { path: `${directory}/files`, text: `${head}${steps.map((line) => `${line}\n`).join('')}` },
      ...(ibc === '' ? [] : [{ path: `${directory}/config.ini`, text: ibc }]),
      ...(jts === '' ? [] : [{ path: `${directory}/jts.ini`, text: jts }]),
    ],
    commandPorts: own.ibc?.commandPorts ?? commandServer?.ports ?? portOf(instance.settings.ibc),
  };
}

/** `Secret=` of the user's files: for root alone, which the hook is. */
export function ownFileSecrets(own: OwnFileNames): string[] {
  const option = ({ name }: { name: string }, target: string) =>
    `${name},type=mount,target=${target},mode=0400`;
  return [
    ...(own.jts ? [option(own.jts, OWN_JTS)] : []),
    ...(own.ibc ? [option(own.ibc, OWN_IBC)] : []),
  ];
}

/** Lines of the user's have to arrive; those that are ibq's own go where the image has a place for them. */
function stepsOf(
  profile: Profile,
  instance: Instance,
  own: OwnFileNames,
  hasIbcLines: boolean,
): string[] {
  const { files } = profile;
  if (files === null) return [];
  const { mode, settings } = instance;
  const user = profile.user(settings);
  const ibc = Object.keys(settings.ibc).length > 0 ? 'set' : 'try';
  const jts = Object.keys(settings.jts).length > 0 ? 'set' : 'try';
  const { jtsTemplate } = files;
  return [
    // Without it: whoever the container's process runs as.
    ...(user === null ? [] : [`user ${user.uid} ${user.gid}`]),
    ...(own.ibc ? [`put ${OWN_IBC} ${files.own.ibc}`] : []),
    ...(hasIbcLines ? [`${ibc} properties config.ini ${files.ibcTemplate}`] : []),
    ...(own.jts || jtsTemplate === null ? [] : [`${jts} ini jts.ini ${jtsTemplate}`]),
    // With a file of the user's such an image makes neither jts.ini nor its directory.
    ...(own.ibc && !own.jts && !files.own.rendered && jtsTemplate !== null
      ? files.kept(mode).map((path) => `make ${jtsTemplate} ${path}`)
      : []),
    ...(own.jts
      ? files.own.jts(mode).map((path) => `take ${OWN_JTS} ${path}`)
      : files
          .kept(mode)
          .map((path) => `${jtsTemplate === null ? jts : 'try'} ini jts.ini ${path}`)),
  ];
}

function ibcLines({ settings }: Instance, commandPort: string | null): string {
  const own =
    commandPort === null ? [] : [`CommandServerPort=${commandPort}`, 'BindAddress=127.0.0.1'];
  return [...own, ...sorted(settings.ibc).map(([name, value]) => `${name}=${ibcValue(value)}`)]
    .map((line) => `${line}\n`)
    .join('');
}

/** The image replaces variables in its template, and IBC reads what comes of it as Java Properties. */
function ibcValue(value: string): string {
  return encodeProperty(value).replaceAll('$', '\\u0024');
}

/** The image writes the time zone at the first start only: here a changed one arrives too. */
function jtsLines({ settings }: Instance): string {
  const { jts, time_zone } = settings;
  const sections = { ...jts, Logon: { ...jts.Logon, TimeZone: time_zone } };
  return sorted(sections)
    .flatMap(([name, lines]) => [
      `[${name}]`,
      ...sorted(lines).map(([key, value]) => `${key}=${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** Of an image where the user turns it on. */
function portOf({ CommandServerPort = '' }: Instance['settings']['ibc']): number[] {
  return /^[1-9]\d{0,4}$/.test(CommandServerPort) ? [Number(CommandServerPort)] : [];
}

/** Another order in the file is no other definition. */
function sorted<T>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
}
