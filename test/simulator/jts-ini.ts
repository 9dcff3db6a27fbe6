/** jts.ini: what IBC makes sure of in it (IBC's JtsIniManager), and what the gateway reads of it. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { parse } from 'ini';
import { Exit } from './contract.ts';
import { reason } from './files.ts';

interface Wanted {
  section: string;
  key: string;
  value: string;
  /** What is there and different is replaced. */
  replace: boolean;
}

export interface JtsOptions {
  /** A path of this machine. */
  path: string;
  product: string;
  /** `TrustedTwsApiClientIPs` of config.ini. */
  trusted: string;
  /** Writes a line of IBC's log. */
  log: (message: string) => void;
}

/** Before the gateway starts. Throws `Exit` 84 for a directory, 85 where it cannot be written. */
export function ensureJtsIni({ path, product, trusted, log }: JtsOptions): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Exit(84, `${path} already exists but is a directory`);
  }
  if (!existsSync(path)) {
    log(`Creating minimal ${path}`);
    // Without TrustedIPs: the gateway's own default, this host.
    const wanted = settings(product, trusted).filter(({ key }) => key !== 'TrustedIPs');
    write(path, add([], wanted), log);
    return;
  }
  log(`Ensuring ${path} contains required minimal lines`);
  const lines = readFileSync(path, 'utf8')
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  const missing: Wanted[] = [];
  let updated = false;
  for (const wanted of settings(product, trusted)) {
    const { section, key, value, replace } = wanted;
    const at = find(lines, section, key);
    const found = lines[at]?.slice(key.length + 1);
    if (found === undefined) {
      log(`Can't find setting: [${section}]/${key}=${value}`);
      missing.push(wanted);
    } else if (!replace || found === value) {
      log(`Found setting: [${section}]/${key}=${found}`);
    } else {
      log(`Found setting: [${section}]/${key}=${found}: updating value to ${value}`);
      lines[at] = `${key}=${value}`;
      updated = true;
    }
  }
  if (updated) log(`Some settings updated in ${path}`);
  if (missing.length > 0) log(`Missing lines in ${path}`);
  if (updated || missing.length > 0) {
    log(`Rewriting existing ${path}`);
    write(path, add(lines, missing), log);
  } else log(`Confirmed ${path} contains required minimal lines`);
}

/** Addresses whose API clients the gateway serves, besides this host's own. */
export function trustedAddresses(path: string): string[] {
  const { IBGateway } = parse(readFileSync(path, 'utf8'));
  return String(IBGateway?.TrustedIPs ?? '')
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
}

/** The zone of the gateway's clock; empty: none is set. */
export function timeZone(path: string): string {
  return String(parse(readFileSync(path, 'utf8')).Logon?.TimeZone ?? '');
}

function settings(product: string, trusted: string): Wanted[] {
  const of = (section: string, key: string, value: string, replace = true): Wanted => ({
    section,
    key,
    value,
    replace,
  });
  return [
    of('Logon', 's3store', 'true', false),
    of('Logon', 'Locale', 'en'),
    of('Logon', 'displayedproxymsg', '1'),
    of('Logon', 'UseSSL', 'true'),
    of('IBGateway', 'ApiOnly', 'true'),
    // The comment in config.ini says that it is for FIX alone; the code does it for every gateway.
    ...(product === 'gateway'
      ? [of('IBGateway', 'TrustedIPs', trusted === '' ? '127.0.0.1' : `127.0.0.1,${trusted}`)]
      : []),
  ];
}

function find(lines: readonly string[], section: string, key: string): number {
  let inside = false;
  for (const [at, line] of lines.entries()) {
    if (line === `[${section}]`) inside = true;
    else if (line.startsWith('[')) {
      if (inside) return -1;
    } else if (inside && line.startsWith(`${key}=`)) return at;
  }
  return -1;
}

/** Missing settings go to the end of their section, sections that are missing to the end. */
function add(lines: readonly string[], missing: readonly Wanted[]): string[] {
  const rest = [...missing];
  const out: string[] = [];
  let current = '';
  const complete = () => {
    for (const wanted of rest.filter(({ section }) => `[${section}]` === current)) {
      out.push(`${wanted.key}=${wanted.value}`);
      rest.splice(rest.indexOf(wanted), 1);
    }
  };
  for (const line of lines) {
    if (line.startsWith('[')) {
      complete();
      current = line;
    }
    out.push(line);
  }
  complete();
  let section = '';
  for (const wanted of rest) {
    if (wanted.section !== section) out.push(`[${wanted.section}]`);
    section = wanted.section;
    out.push(`${wanted.key}=${wanted.value}`);
  }
  return out;
}

function write(path: string, lines: readonly string[], log: JtsOptions['log']): void {
  for (const line of lines) log(`    jts.ini: ${line}`);
  try {
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  } catch (error) {
    throw new Exit(85, `Problem writing to ${path}: ${reason(error)}`);
  }
}
