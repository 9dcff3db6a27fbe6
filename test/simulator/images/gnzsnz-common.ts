/**
 * gnzsnz's common.sh without its SSH part: what the scripts of both its images do with their
 * environment before IBC starts, and how they fail. `env` changes where they export and unset.
 */

import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Container, Running, Variables } from '../container.ts';
import { Exit, type Mode } from '../contract.ts';
import { reason } from '../files.ts';
import { startRelay } from '../relay.ts';
import { runShellScripts } from '../scripts.ts';
import { substitute } from '../templates.ts';
import { untilAborted } from '../waiting.ts';

/** `file_env`: VAR, or the text of the file that VAR_FILE names, never both. */
export function fileEnv(container: Container, name: string): void {
  const { env, log } = container;
  const file = env[`${name}_FILE`];
  if (env[name] && file) {
    log(`error: both ${name} and ${name}_FILE are set (but are exclusive)`);
    throw new Exit(1);
  }
  if (env[name]) return;
  env[name] = file ? readSecret(container, file) : '';
}

function readSecret(container: Container, file: string): string {
  try {
    return readShellFile(container.locate(file));
  } catch (error) {
    container.log(`${script(container)}: line 64: ${file}: ${reason(error)}`);
    throw new Exit(1);
  }
}

/** What `$(<file)` gives: no NUL bytes and no newlines at the end. `path` is one of this machine. */
export function readShellFile(path: string): string {
  return readFileSync(path, 'utf8').replaceAll('\0', '').replace(/\n+$/, '');
}

/** `unset_env`: what came from a file is not kept in the environment. */
export function unsetEnv(env: Variables, name: string): void {
  if (env[`${name}_FILE`]) delete env[name];
}

/** `set_ports`; the trading mode is compared as it is written. */
export function setPorts({ contract, env, log }: Container): Mode {
  const mode = env.TRADING_MODE ?? '';
  if (mode !== 'live' && mode !== 'paper') {
    log(`.> Invalid TRADING_MODE: ${mode}`);
    throw new Exit(1);
  }
  const { api, relay } = contract.ports[mode];
  env.API_PORT = String(api);
  env.SOCAT_PORT = String(relay);
  log(`.> API_PORT set to: ${api}`);
  log(`.> SOCAT_PORT set to: ${relay}`);
  return mode;
}

/** `set_java_heap`: a value is put into the file unseen, unless it breaks sed's command. */
export function setJavaHeap({ env, log }: Container): void {
  const heap = env.JAVA_HEAP_SIZE ?? '';
  if (heap.includes('/') || heap.includes('\n')) {
    log("sed: -e expression #1, char 25: unknown option to `s'");
    throw new Exit(1);
  }
  // The spelling is the image's.
  log(heap === '' ? '.> Usign default Java heap size 768m.' : `.> Java heap size set to ${heap}m`);
}

/** `run_scripts`: a directory below HOME; scripts that fail are only logged. */
export async function runScripts(container: Container, directory: string | undefined) {
  if (!directory) return;
  const { env, log } = container;
  const path = `${env.HOME}/${directory}`;
  if (!isDirectory(container.locate(path))) {
    log(`> No start scripts defined on ${path}`);
    return;
  }
  log(`> Running start up scripts on ${path}`);
  await runShellScripts(container, path);
}

/** `apply_settings`: writes config.ini and, where it is absent, jts.ini. */
export function applySettings(container: Container): void {
  const { env, locate, log } = container;
  if (env.CUSTOM_CONFIG === 'yes') {
    log(`.> Using CUSTOM_CONFIG, (value:${env.CUSTOM_CONFIG})`);
    return;
  }
  log(".> Appling settings to IBC's config.ini");
  fileEnv(container, 'TWS_PASSWORD');
  const configIni = env.IBC_INI ?? '';
  render(container, env.IBC_INI_TMPL ?? '', configIni);
  unsetEnv(env, 'TWS_PASSWORD');
  chmodSync(locate(configIni), 0o600);

  const program = env.TWS_PATH ?? '';
  const directory = env.TWS_SETTINGS_PATH || program;
  if (env.TWS_SETTINGS_PATH) {
    log(`.> Settings directory set to: ${directory}`);
    if (!isDirectory(locate(directory))) makeDirectory(container, directory);
  } else {
    log(`.> Settings directory NOT set, defaulting to: ${directory}`);
  }
  const jtsIni = `${directory}/${env.TWS_INI}`;
  if (existsSync(locate(jtsIni))) {
    log('.> File jts.ini already exists, not setting timezone');
  } else {
    log(`.> Setting timezone in ${jtsIni}`);
    render(container, `${program}/${env.TWS_INI_TMPL}`, jtsIni);
  }
}

/** `envsubst <from >to`. */
function render(container: Container, from: string, to: string): void {
  const { env, locate, log } = container;
  let path = from;
  try {
    const template = readFileSync(locate(from), 'utf8');
    path = to;
    writeFileSync(locate(to), substitute(template, env));
  } catch (error) {
    log(`${script(container)}: line 12: ${path}: ${reason(error)}`);
    throw new Exit(1);
  }
}

/** Plain `mkdir`: the parent has to be there and writable. */
function makeDirectory({ locate, log }: Container, path: string): void {
  log(`.> Creating directory: ${path}`);
  try {
    mkdirSync(locate(path));
  } catch (error) {
    log(`mkdir: cannot create directory ‘${path}’: ${reason(error)}`);
    throw new Exit(1);
  }
}

/** `wait_x_socket`: it looks five times a second. */
export async function waitForScreen({ env, log, timing, ended }: Container): Promise<void> {
  log(`.> Waiting for Xvfb socket on ${env.DISPLAY}...`);
  await untilAborted(ended, timing.screen);
  log('.> Xvfb socket ready!');
}

/** `start_socat` and run_socat.sh: socat again and again, as long as that script is there. */
export async function startSocat(container: Container, half: Running): Promise<void> {
  const { contract, env, log, port, bind, ended, named } = container;
  const { api, relay } = contract.ports[half.mode];
  log('.> Starting socat');
  // It is looked for by its words.
  if (half.relay !== null) {
    log('.> socat already active. Not starting a new one');
    return;
  }
  // run_socat.sh is a process of its own: the script goes on meanwhile.
  await new Promise((resolve) => setImmediate(resolve));
  const seconds = Number(env.SSH_RESTART || contract.relayRestartSeconds) || 0;
  const script = named.start(['run_socat.sh']);
  half.relayScript = script;
  while (!ended.aborted && !script.isOver()) {
    const listener = await startRelay({
      port: port(relay ?? 0),
      host: bind,
      upstream: () => half.gateway?.apiPort() ?? null,
      apiPort: api,
      signal: ended,
      retryMs: seconds * 1000,
      announce: () => log(`Forking :::${api} onto 0.0.0.0:${relay} > trading mode ${half.mode} `),
      log,
    });
    half.relay = listener;
    // The container ended while the port was being opened.
    if (ended.aborted) return listener?.close();
    const socat = named.start(['socat', `TCP-LISTEN:${relay},fork`, `TCP:127.0.0.1:${api}`]);
    await Promise.race([socat.ended, untilAborted(ended)]);
    if (ended.aborted) return;
    half.relay = null;
    await listener?.close();
    await untilAborted(ended, seconds);
  }
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function script({ env }: Container): string {
  return `${env.SCRIPT_PATH}/common.sh`;
}
