/** init_container_settings of danklabs today: checks everything, then writes ibc.ini and jts.ini. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Container } from '../container.ts';
import { Exit } from '../contract.ts';
import { reason } from '../files.ts';
import { expand } from '../templates.ts';
import { isDirectory } from './gnzsnz-common.ts';

/** Throws `Exit` 1 with what the program prints. */
export function checkAndRender(container: Container): void {
  const { env, log } = container;
  try {
    check(container);
    const settings = settingsPath(container);
    const ini = env.IBC_INI ?? '';
    render(container, 'ibc.ini', ini, `${env.IBC_PATH}/ibc.ini.template`);
    const fallback = `${env.HOME}/tws_settings/jts.ini.template`;
    render(container, 'jts.ini', `${settings}/jts.ini`, fallback);
    log(`Updated vmoptions file (heap=${heapMegabytes(env.JAVA_HEAP_SIZE)}MB)`);
  } catch (error) {
    log(`ERROR: ${error instanceof Error ? error.message : String(error)}`);
    throw new Exit(1);
  }
}

function check(container: Container): void {
  const { env } = container;
  for (const name of ['PROGRAM', 'IB_USER', 'IB_PASSWORD']) {
    if (!env[name]) throw new Error(`Required environment variable ${name} is not set`);
  }
  if (!env.IBC_INI?.startsWith('/')) {
    throw new Error(`IBC_INI must be an absolute path: ${env.IBC_INI}`);
  }
  settingsPath(container);
  checkJvmOptions(env.CUSTOM_JVM_OPTS ?? '');
  heapMegabytes(env.JAVA_HEAP_SIZE);
  choice('TRADING_MODE', env.TRADING_MODE || 'paper', ['paper', 'live']);
  choice('TWOFA_TIMEOUT_ACTION', env.TWOFA_TIMEOUT_ACTION || 'exit', ['exit', 'restart']);
}

function choice(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new Error(`Unsupported ${name}: ${value}. Expected one of: ${allowed.join(', ')}`);
}

function settingsPath({ env, locate }: Container): string {
  const path = env.TWS_SETTINGS_PATH || `${env.HOME}/tws_settings`;
  if (!path.startsWith('/')) {
    throw new Error(`TWS_SETTINGS_PATH must be an absolute path: ${path}`);
  }
  if (existsSync(locate(path)) && !isDirectory(locate(path))) {
    throw new Error(`TWS_SETTINGS_PATH is not a directory: ${path}`);
  }
  return path;
}

/** Whole megabytes, or with m or g; nothing said: 2048, which is right without a memory limit. */
function heapMegabytes(size: string | undefined): number {
  if (!size) return 2048;
  const [, number, unit] = /^\s*([+-]?\d+)\s*([mg]?)\s*$/i.exec(size) ?? [];
  if (number === undefined) {
    const wanted = 'must be a whole number of MB, or use an m/g suffix';
    throw new Error(`JAVA_HEAP_SIZE ${wanted}: ${size}`);
  }
  const megabytes = Number(number) * (unit?.toLowerCase() === 'g' ? 1024 : 1);
  if (megabytes <= 0) throw new Error(`JAVA_HEAP_SIZE must be greater than zero: ${size}`);
  return megabytes;
}

/** Split as a shell does; an option with a blank in it would be split again by IBC's script. */
function checkJvmOptions(text: string): void {
  const words = text.match(/(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  if (/["']/.test(text.replace(/"[^"]*"|'[^']*'|\\./g, ''))) {
    throw new Error('CUSTOM_JVM_OPTS is invalid: No closing quotation');
  }
  for (const word of words) {
    const option = word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2');
    if (!/\s/.test(option)) continue;
    const why = 'entries cannot contain whitespace because IBC expands vmoptions through its shell';
    throw new Error(`CUSTOM_JVM_OPTS ${why} launcher: ${option}`);
  }
}

/**
 * From `OUTPUT.template`; where that is absent, an output that is still a template becomes it, and
 * without an output the image's own does.
 */
function render(container: Container, label: string, output: string, fallback: string): void {
  const { env, locate, log } = container;
  const template = `${output}.template`;
  const read = (path: string) => readFileSync(locate(path), 'utf8');
  try {
    mkdirSync(locate(dirname(output)), { recursive: true });
    if (!existsSync(locate(template))) {
      const current = existsSync(locate(output)) ? read(output) : read(fallback);
      if (existsSync(locate(output)) && !current.includes('${')) {
        log(`${label} template not found and existing config is already expanded`);
        return;
      }
      writeFileSync(locate(template), current);
    }
    writeFileSync(locate(output), expand(read(template), env, { emptyCounts: false }));
    log(`Rendered ${label} from ${template} -> ${output}`);
  } catch (error) {
    throw new Error(`${reason(error)}: '${output}'`);
  }
}
