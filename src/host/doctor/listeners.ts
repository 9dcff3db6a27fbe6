/** Who listens on the ports that are wanted, from /proc alone: no `ss`, no `lsof`. */

import { endianness } from 'node:os';
import type { Listener } from '../../doctor/facts.ts';
import { parseListening, unitOfCgroup } from '../../doctor/listening.ts';
import type { FileReader } from '../host.ts';

export function readListeners(files: FileReader, ports: ReadonlySet<number>): Listener[] {
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((path) => parseListening(files.readText(path) ?? '', endianness() === 'LE'))
    .filter(({ port }) => ports.has(port));
  const owners = findOwners(files, new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ address, port, inode }) => {
    const pid = owners.get(inode);
    if (pid === undefined) return { address, port, process: '', unit: '' };
    const name = read(files, `/proc/${pid}/comm`).trim();
    const unit = unitOfCgroup(read(files, `/proc/${pid}/cgroup`));
    return { address, port, process: `${name} (pid ${pid})`, unit };
  });
}

/** The first process that has each socket open: `socket:[885420]` among its file descriptors. */
function findOwners(files: FileReader, inodes: ReadonlySet<string>): Map<string, string> {
  const owners = new Map<string, string>();
  if (inodes.size === 0) return owners;
  for (const pid of files.list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(files, `/proc/${pid}/fd`)) {
      const link = readLink(files, `/proc/${pid}/fd/${descriptor}`);
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined && inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
    }
    if (owners.size === inodes.size) break;
  }
  return owners;
}

// A process may end while it is looked at.
function list(files: FileReader, path: string): string[] {
  return attempt(() => files.list(path), []);
}

function readLink(files: FileReader, path: string): string {
  return attempt(() => files.readLink(path) ?? '', '');
}

function read(files: FileReader, path: string): string {
  return attempt(() => files.readText(path) ?? '', '');
}

function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch {
    return otherwise;
  }
}
