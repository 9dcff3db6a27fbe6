/** In what Podman keeps its books: known by its files where they leave no doubt, asked where they do. */

import { expect, test } from 'vitest';
import type { HostReader } from '../../src/host/host.ts';
import { readPodmanDatabase } from '../../src/host/podman-database.ts';
import { sandbox } from '../support/sandbox.ts';

const ROOT = '/var/lib/containers/storage';
const ASKED = 'what podman info says';

function look(tree: Record<string, string>, env: Record<string, string> = {}): Promise<string> {
  const { host } = sandbox(tree).context;
  const run: HostReader['run'] = async (argv) => {
    expect(argv).toEqual(['podman', 'info', '--format', '{{.Host.DatabaseBackend}}']);
    return { stdout: `${ASKED}\n`, stderr: '', exitCode: 0, failure: null };
  };
  return readPodmanDatabase({ ...host, run }, env);
}

test.each<[string, Record<string, string>, Record<string, string>?]>([
  ['of a Podman that nobody has used', {}],
  ['of SQLite', { [`${ROOT}/db.sql`]: '' }],
  [
    "beside Debian's configuration, where all is a comment",
    {
      '/usr/share/containers/containers.conf':
        '[engine]\n#database_backend = ""\n # static_dir = "/x"\n',
    },
  ],
  [
    "beside Fedora's, which names the usual place",
    { '/usr/share/containers/storage.conf': `[storage]\ngraphroot = "${ROOT}" # usual\n` },
  ],
  [
    'beside a file that Podman does not read',
    { '/etc/containers/containers.conf.d/a.bak': 'static_dir="/x"' },
  ],
])('files %s', async (_, tree, env) => {
  expect(await look(tree, env)).toBe('sqlite');
});

test.each<[string, Record<string, string>, Record<string, string>?]>([
  ['the file of a BoltDB is there', { [`${ROOT}/libpod/bolt_state.db`]: '' }],
  [
    'one is there, and an SQLite that only Podman 5.8 prefers',
    { [`${ROOT}/libpod/bolt_state.db`]: '', [`${ROOT}/db.sql`]: '' },
  ],
  [
    'the configuration names a kind',
    { '/etc/containers/containers.conf': '[engine]\ndatabase_backend = "boltdb"\n' },
  ],
  [
    'in a line with another key',
    {
      '/usr/share/containers/containers.conf':
        'engine = { events_logger = "file", database_backend = "boltdb" }\n',
    },
  ],
  [
    'in a drop-in',
    { '/etc/containers/containers.conf.d/50-x.conf': 'engine.database_backend="boltdb"\n' },
  ],
  [
    "in root's own file",
    { '/root/.config/containers/containers.conf': '[engine]\n"database_backend"="boltdb"\n' },
  ],
  [
    'in that of another home',
    { '/h/.config/containers/containers.conf': '[engine]\ndatabase_backend="boltdb"\n' },
    { HOME: '/h' },
  ],
  [
    'in that of another configuration directory',
    { '/c/containers/containers.conf': '[engine]\ndatabase_backend="boltdb"\n' },
    { HOME: '/h', XDG_CONFIG_HOME: '/c' },
  ],
  [
    'the storage lies elsewhere',
    { '/etc/containers/storage.conf': '[storage]\n graphroot = "/srv/podman"\n' },
  ],
  [
    'the books alone do',
    { '/etc/containers/containers.conf': '[engine]\nstatic_dir = "/srv/libpod"\n' },
  ],
  [
    'they are of one boot',
    { '/etc/containers/storage.conf': '[storage]\ntransient_store = true\n' },
  ],
  ['a file can not be read', { '/etc/containers/containers.conf.d/x.conf/below': '' }],
  ['Podman reads other files', {}, { CONTAINERS_CONF: '/srv/containers.conf' }],
  ['Podman reads one file more', {}, { CONTAINERS_CONF_OVERRIDE: '/srv/containers.conf' }],
  ['Podman reads another storage.conf', {}, { CONTAINERS_STORAGE_CONF: '/srv/storage.conf' }],
])('Podman is asked where %s', async (_, tree, env) => {
  expect(await look(tree, env)).toBe(ASKED);
});
