/** What becomes of the session of a running gateway at its end: foretold, asked for, told afterwards. */

import { parseListeners } from '../network/listeners.ts';
import { CURRENT, instanceService, RUNNING } from '../plan/paths.ts';
import { restartOf, type SessionRestart } from '../plan/session.ts';
import type { FileReader, Host, HostReader } from './host.ts';
import { readCurrentManifest, readRunning } from './installed.ts';
import { followRunLogs } from './run-log.ts';
import { showUnits, startUnits, stopUnits } from './systemd.ts';

/** Written by `scripts/stop`, one line; gone after a reboot. */
const ENDED = '/run/ibq/stopped';

/**
 * Those that are logged in by their log alone: a TWS may have its API switched off. The halves of mode `both` are not
 * told apart by it.
 */
export async function loggedInByLog(
  host: HostReader,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const closed = [...readRunning(host.files, names)].flatMap(([name, { pid, halves }]) => {
    const [half] = halves;
    if (half === undefined || halves.length > 1) return [];
    return listeningIn(host.files, pid).has(half.api) ? [] : [name];
  });
  if (closed.length === 0) return new Set();
  const units = await showUnits(host, closed.map(instanceService));
  const { instances = {} } = readCurrentManifest(host.files) ?? {};
  const logs = followRunLogs(host);
  const loggedIn = await Promise.all(
    closed.map(async (name) => {
      const unit = units.get(instanceService(name));
      const profile = instances[name]?.profile;
      if (unit === undefined || profile === undefined) return false;
      await logs.read(unit);
      return logs.stage(unit, profile).stage === 'logged-in';
    }),
  );
  return new Set(closed.filter((_, index) => loggedIn[index]));
}

/** What a restart would do to each that runs; `scripts/stop` decides by the same facts when it comes to it. */
export function foretellRestarts(
  files: FileReader,
  names: readonly string[],
  { newLogin, byLog }: { newLogin: boolean; byLog: ReadonlySet<string> },
): Map<string, SessionRestart> {
  const running = readRunning(files, names);
  return new Map(
    [...running].map(([name, { pid, halves, session }]) => {
      const open = listeningIn(files, pid);
      return [
        name,
        restartOf({
          session: halves.length === 0 ? '' : session,
          coming: comingSession(files, name),
          loggedIn: halves.map(({ api }) => open.has(api) || byLog.has(name)),
          newLogin: newLogin || awaitsNewLogin(files, name),
        }),
      ];
    }),
  );
}

/** The next end of what runs now is a logout, whatever could be kept. Its next start forgets that. */
export function demandNewLogin(host: Host, names: readonly string[]): void {
  for (const name of readRunning(host.files, names).keys()) {
    host.files.writeText(newLoginMark(name), '', 0o600);
  }
}

/** Since it was started its password was set anew, or somebody asked for a new login. */
export function awaitsNewLogin(files: FileReader, name: string): boolean {
  return files.exists(newLoginMark(name));
}

/** `scripts/stop` logs out by what the guard wrote down: where that is gone it is written again first. */
export function writeLostRecords(host: Host, names: readonly string[]): void {
  for (const [name, { foundAgain }] of readRunning(host.files, names)) {
    if (foundAgain === undefined) continue;
    host.files.makeDirectory(`${RUNNING}/${name}`);
    host.files.writeText(`${RUNNING}/${name}/state`, foundAgain);
  }
}

/** Before a stop: of how the last one ended, and that it was to be a restart. */
export function forgetEnds(host: Host, names: readonly string[]): void {
  for (const name of names) {
    host.files.remove(`${ENDED}/${name}`);
    host.files.remove(restartMark(name));
  }
}

/**
 * All are down before the first comes up: each takes over what another has. The mark tells `scripts/stop` that
 * sessions may be kept, as at any restart; the guard takes it away when the next container starts.
 */
export async function restartTogether(host: Host, names: readonly string[]): Promise<void> {
  const units = names.map(instanceService);
  for (const name of readRunning(host.files, names).keys()) {
    host.files.writeText(restartMark(name), '', 0o600);
  }
  try {
    await stopUnits(host, units);
  } finally {
    await startUnits(host, units);
  }
}

function restartMark(name: string): string {
  return `${RUNNING}/${name}/restarting`;
}

/** How it ended, in words; null: nothing ran, or it was left to Podman by an older ibq. */
export function endOf(files: FileReader, name: string): string | null {
  return files.readText(`${ENDED}/${name}`)?.trim() || null;
}

function newLoginMark(name: string): string {
  return `${RUNNING}/${name}/new-login`;
}

function comingSession(files: FileReader, name: string): string {
  const dropIn = files.readText(`${CURRENT}/units/ib-gateway@${name}.container.d/10-ibq.conf`);
  return /^Annotation=ibq\.session=(\w+)$/m.exec(dropIn ?? '')?.[1] ?? '';
}

/** Seen without a connection, which would stand in the gateway's log. */
function listeningIn(files: FileReader, pid: number): Set<number> {
  const tables = ['tcp', 'tcp6'].map((table) => files.readText(`/proc/${pid}/net/${table}`) ?? '');
  return new Set(tables.flatMap(parseListeners).map(({ port }) => port));
}
