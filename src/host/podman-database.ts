/**
 * In what Podman keeps its books, by its own files. `podman info` tells it as well, and starts seven programs for it
 * (dpkg, netavark, crun, conmon …): it is asked where the files leave a doubt.
 */

import type { Environment } from '../config/load.ts';
import type { FileReader, HostReader } from './host.ts';
import { DEFAULT_GRAPH_ROOT } from './image-store.ts';

/** @returns `sqlite`, `boltdb`; empty where Podman does not say */
export async function readPodmanDatabase(host: HostReader, env: Environment): Promise<string> {
  if (mustBeSqlite(host.files, env)) return 'sqlite';
  const info = await host.run(['podman', 'info', '--format', '{{.Host.DatabaseBackend}}']);
  return info.stdout.trim();
}

/**
 * Podman keeps to SQLite but where the file of a BoltDB is there (5.8: and none of an SQLite) or where its
 * configuration names one (`getDBState` of libpod/runtime.go, 5.3 to 5.8; Podman 6 knows SQLite alone).
 */
function mustBeSqlite(files: FileReader, env: Environment): boolean {
  if (OTHER_PLACES.some((name) => env[name])) return false;
  if (files.exists(`${DEFAULT_GRAPH_ROOT}/libpod/bolt_state.db`)) return false;
  try {
    return configurations(files, env).every((text) => !namesAnother(text));
  } catch {
    // A file that can't be read: Podman knows what it makes of that.
    return false;
  }
}

/** Podman reads other files than the usual ones. */
const OTHER_PLACES = [
  'CONTAINERS_CONF',
  'CONTAINERS_CONF_OVERRIDE',
  'CONTAINERS_STORAGE_CONF',
  'STORAGE_OPTS',
];

/** containers.conf(5), containers-storage.conf(5): whichever of them counts. */
function configurations(files: FileReader, env: Environment): string[] {
  const own = env.XDG_CONFIG_HOME || `${env.HOME || '/root'}/.config`;
  return ['/usr/share', '/etc', own].flatMap((directory) =>
    ['containers', 'storage'].flatMap((name) => {
      const main = `${directory}/containers/${name}.conf`;
      const more = files.list(`${main}.d`).filter((file) => file.endsWith('.conf'));
      const paths = [main, ...more.map((file) => `${main}.d/${file}`)];
      return paths.flatMap((path) => files.readText(path) ?? []);
    }),
  );
}

/** What decides about the database: its kind, and where its file would be. */
const KEYS = /\b(?:database_backend|static_dir|tmp_dir|transient_store|graphroot)\b/;
const USUAL = new RegExp(
  String.raw`^\s*graphroot\s*=\s*["']${DEFAULT_GRAPH_ROOT}/?["']\s*(?:#.*)?$`,
);

function namesAnother(text: string): boolean {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  return lines.some((line) => KEYS.test(line) && !USUAL.test(line));
}
