/**
 * What the image's run.sh does with its environment before IBC starts, and how it fails.
 * The functions change `env` where the scripts export and unset.
 */

import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { configTemplate, contract, Exit, jtsTemplate, type Mode, substitute } from './contract.ts';
import { type Locate, reason } from './files.ts';

export type Log = (line: string) => void;
export type Variables = Record<string, string | undefined>;

/** common.sh `file_env`: VAR, or the text of the file that VAR_FILE names, never both. */
function fileEnv(env: Variables, name: string, locate: Locate, log: Log): void {
  const file = env[`${name}_FILE`];
  if (env[name] && file) {
    log(`error: both ${name} and ${name}_FILE are set (but are exclusive)`);
    throw new Exit(1);
  }
  if (env[name]) return;
  env[name] = file ? readSecret(file, locate, log) : '';
}

function readSecret(file: string, locate: Locate, log: Log): string {
  try {
    // What `$(<file)` gives: no NUL bytes and no newlines at the end.
    return readFileSync(locate(file), 'utf8').replaceAll('\0', '').replace(/\n+$/, '');
  } catch (error) {
    log(`${scripts()}/common.sh: line 64: ${file}: ${reason(error)}`);
    throw new Exit(1);
  }
}

/** common.sh `unset_env`: what came from a file is not kept in the environment. */
function unsetEnv(env: Variables, name: string): void {
  if (env[`${name}_FILE`]) delete env[name];
}

/** common.sh `set_ports`; the trading mode is compared as it is written. */
export function checkMode(env: Variables, log: Log): Mode {
  const mode = env.TRADING_MODE ?? '';
  if (mode !== 'live' && mode !== 'paper') {
    log(`.> Invalid TRADING_MODE: ${mode}`);
    throw new Exit(1);
  }
  log(`.> API_PORT set to: ${contract.ports[mode].api}`);
  log(`.> SOCAT_PORT set to: ${contract.ports[mode].relay}`);
  return mode;
}

/** common.sh `set_java_heap`: a value is put into the file unseen, unless it breaks sed's command. */
export function setJavaHeap(env: Variables, log: Log): void {
  const heap = env.JAVA_HEAP_SIZE ?? '';
  if (heap.includes('/') || heap.includes('\n')) {
    log("sed: -e expression #1, char 25: unknown option to `s'");
    throw new Exit(1);
  }
  // The spelling is the image's.
  log(heap === '' ? `.> Usign default Java heap size 768m.` : `.> Java heap size set to ${heap}m`);
}

/** run.sh `start_vnc`; there is no VNC server here, its password is read as in the image. */
export function startVnc(env: Variables, locate: Locate, log: Log): void {
  fileEnv(env, 'VNC_SERVER_PASSWORD', locate, log);
  log(env.VNC_SERVER_PASSWORD ? '.> Starting VNC server' : '.> VNC server disabled');
  unsetEnv(env, 'VNC_SERVER_PASSWORD');
}

/** common.sh `apply_settings`: writes config.ini and, where it is absent, jts.ini. */
export function applySettings(env: Variables, configIni: string, locate: Locate, log: Log): void {
  if (env.CUSTOM_CONFIG === 'yes') {
    log(`.> Using CUSTOM_CONFIG, (value:${env.CUSTOM_CONFIG})`);
    return;
  }
  log(".> Appling settings to IBC's config.ini");
  fileEnv(env, 'TWS_PASSWORD', locate, log);
  const template = locate(`${contract.paths.home}/ibc/config.ini.tmpl`);
  const text = existsSync(template) ? readFileSync(template, 'utf8') : configTemplate();
  write(locate, configIni, substitute(text, env), log);
  chmodSync(locate(configIni), 0o600);
  unsetEnv(env, 'TWS_PASSWORD');

  const directory = env.TWS_SETTINGS_PATH || contract.paths.program;
  if (env.TWS_SETTINGS_PATH) {
    log(`.> Settings directory set to: ${directory}`);
    if (!isDirectory(locate(directory))) makeDirectory(directory, locate, log);
  } else {
    log(`.> Settings directory NOT set, defaulting to: ${directory}`);
  }
  const jtsIni = `${directory}/jts.ini`;
  if (existsSync(locate(jtsIni))) {
    log('.> File jts.ini already exists, not setting timezone');
  } else {
    log(`.> Setting timezone in ${jtsIni}`);
    write(locate, jtsIni, substitute(jtsTemplate(), env), log);
  }
}

/** Plain `mkdir`: the parent has to be there and writable. */
function makeDirectory(path: string, locate: Locate, log: Log): void {
  log(`.> Creating directory: ${path}`);
  try {
    mkdirSync(locate(path));
  } catch (error) {
    log(`mkdir: cannot create directory ‘${path}’: ${reason(error)}`);
    throw new Exit(1);
  }
}

function write(locate: Locate, path: string, text: string, log: Log): void {
  try {
    writeFileSync(locate(path), text);
  } catch (error) {
    log(`${scripts()}/common.sh: line 12: ${path}: ${reason(error)}`);
    throw new Exit(1);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function scripts(): string {
  return `${contract.paths.home}/scripts`;
}
