/** systemd: what it has loaded and what runs, and the few verbs ibq needs. */

import { ExitCode, UserError } from '../errors.ts';
import type { Host, HostReader, RunResult } from './host.ts';

export interface UnitState {
  /** `ib-gateway@4001.service` */
  id: string;
  /** loaded | not-found | masked | error | bad-setting */
  load: string;
  /** active | activating | inactive | failed | deactivating | reloading */
  active: string;
  sub: string;
  /** success | exit-code | timeout | … */
  result: string;
  /** Milliseconds since the epoch of the last change of state; null: never. */
  since: number | null;
  /** `Environment=` as loaded. */
  environment: string;
  /** Its files are newer than what systemd has loaded; not told of edited drop-ins. */
  needsReload: boolean;
  /** Units a target wants. */
  wants: string[];
  unitFileState: string;
  /** Path of its unit file. */
  fragment: string;
  /** What the unit itself tells (sd_notify(3), STATUS=). */
  statusText: string;
  /** Id of its latest run, 32 hex digits; empty: never started since the boot. */
  invocation: string;
}

const PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'StateChangeTimestamp',
  'Environment',
  'Wants',
  'NeedDaemonReload',
  'UnitFileState',
  'FragmentPath',
  'InvocationID',
  'StatusText',
];

/**
 * One `systemctl show` for all. Globs match only what systemd has in memory; names always answer.
 *
 * @throws UserError (69) without systemd
 */
export async function showUnits(
  host: HostReader,
  patterns: readonly string[],
): Promise<Map<string, UnitState>> {
  const result = await host.run([
    'systemctl',
    'show',
    '--timestamp=unix',
    `--property=${PROPERTIES.join(',')}`,
    '--',
    ...patterns,
  ]);
  requireSystemd(result);
  return parseShow(result.stdout);
}

function requireSystemd(result: RunResult): void {
  if (result.failure === 'not-found' || /not been booted with systemd/.test(result.stderr)) {
    throw new UserError(
      'systemd is not running here; ibq needs a host booted with systemd 254 or newer',
      ExitCode.missingPart,
    );
  }
  if (result.failure === 'timed-out') {
    throw new UserError('systemctl did not answer in time; look at "systemctl status"');
  }
  if (result.exitCode !== 0) {
    throw new UserError(`systemctl show failed: ${result.stderr.trim() || 'no message'}`);
  }
}

/** @param text blocks of `Key=value` lines, separated by blank lines (systemctl(1), "show") */
export function parseShow(text: string): Map<string, UnitState> {
  const units = new Map<string, UnitState>();
  for (const block of text.split(/\n\n+/)) {
    const values = new Map<string, string>();
    for (const line of block.split('\n')) {
      const equals = line.indexOf('=');
      if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
    }
    const value = (key: string) => values.get(key) ?? '';
    const id = value('Id');
    if (id === '') continue;
    units.set(id, {
      id,
      load: value('LoadState'),
      active: value('ActiveState'),
      sub: value('SubState'),
      result: value('Result'),
      since: parseTimestamp(value('StateChangeTimestamp')),
      environment: value('Environment'),
      needsReload: value('NeedDaemonReload') === 'yes',
      wants: value('Wants').split(' ').filter(Boolean),
      unitFileState: value('UnitFileState'),
      fragment: value('FragmentPath'),
      invocation: value('InvocationID'),
      statusText: value('StatusText'),
    });
  }
  return units;
}

/** `@1763712001` (seconds, `--timestamp=unix`); empty or `n/a` for never. */
function parseTimestamp(text: string): number | null {
  const match = /^@(\d+)/.exec(text);
  return match ? Number(match[1]) * 1000 : null;
}

/**
 * Reloads are never run side by side, not even by an ibq that was killed in the middle of one:
 * two at once corrupt generated units (Podman #29004).
 */
export async function reloadUnits(host: Host): Promise<void> {
  // Who can open a file can lock it: nobody but root.
  const directory = '/run/ibq/locks';
  const lock = `${directory}/reload`;
  host.files.makeDirectory(directory, 0o700);
  const result = await host.run(['flock', lock, 'systemctl', 'daemon-reload'], {
    timeoutMs: 180_000,
  });
  requireDone(result, 'systemctl daemon-reload');
}

/** Enables a plain unit; generated ones refuse it (Podman #17567). systemd has to be reloaded after it. */
export async function enableUnit(host: Host, unit: string): Promise<void> {
  requireDone(
    await host.run(['systemctl', 'enable', '--quiet', '--no-reload', unit]),
    `systemctl enable ${unit}`,
  );
}

/** How a start ended, unit by unit; one that fails does not hide the others. */
export async function startUnits(host: Host, units: readonly string[]): Promise<RunResult> {
  await forgetFailures(host, units);
  return host.run(['systemctl', 'start', '--', ...units], { timeoutMs: 300_000 });
}

/** Milliseconds: the longest `stop_timeout`, systemd's margin and a start on top. */
const STOP_MS = 1_000_000;
const RESTART_MS = 1_200_000;

export async function stopUnits(host: Host, units: readonly string[]): Promise<void> {
  const result = await host.run(['systemctl', 'stop', '--', ...units], { timeoutMs: STOP_MS });
  // What systemd does not know does not run.
  const complaints = result.stderr.trim().split('\n');
  if (complaints.every((line) => /^Failed to stop .*: Unit .* not loaded\.$/.test(line))) return;
  requireDone(result, `systemctl stop ${units.join(' ')}`);
}

/**
 * The limit of starts is there for starts that nobody asked for. Without this, a restart that was
 * asked for could stop a gateway and then not be allowed to start it.
 */
async function forgetFailures(host: Host, units: readonly string[]): Promise<void> {
  await host.run(['systemctl', 'reset-failed', '--', ...units]);
}

export async function restartUnits(host: Host, units: readonly string[]): Promise<RunResult> {
  await forgetFailures(host, units);
  return host.run(['systemctl', 'restart', '--', ...units], { timeoutMs: RESTART_MS });
}

/**
 * Without those that require it: systemd would restart them too. Of a unit whose work somebody undid, while those
 * that needed it at their start may run on.
 */
export async function restartAlone(host: Host, unit: string): Promise<void> {
  await forgetFailures(host, [unit]);
  const argv = ['systemctl', 'restart', '--job-mode=ignore-dependencies', '--', unit] as const;
  const result = await host.run(argv, { timeoutMs: RESTART_MS });
  requireDone(result, `systemctl restart ${unit}`);
}

/** @throws UserError with the tool's own words when `result` is not a success */
export function requireDone(result: RunResult, what: string): void {
  if (result.exitCode === 0) return;
  const reason =
    result.failure === 'not-found'
      ? 'it is not installed'
      : result.failure === 'timed-out'
        ? 'it did not end in time'
        : result.stderr.trim() || result.stdout.trim() || `exit status ${result.exitCode}`;
  throw new UserError(
    `${what} failed: ${reason}`,
    result.failure === 'not-found' ? ExitCode.missingPart : ExitCode.failed,
  );
}
