/** Who listens on the ports that are wanted, from /proc alone: no `ss`, no `lsof`. */

import { type PortHolder, parseListeners } from '../network/listeners.ts';
import type { FileReader } from './host.ts';

export function readListeners(files: FileReader, ports: ReadonlySet<number>): PortHolder[] {
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((path) => parseListeners(files.readText(path) ?? ''))
    .filter(({ port }) => ports.has(port));
  const owners = findOwners(files, new Set(sockets.map(({ inode }) => inode)));
  return sockets.map((socket) => {
    const pid = owners.get(socket.inode);
    if (pid === undefined) return { ...socket, process: '', unit: '' };
    const name = read(files, `/proc/${pid}/comm`).trim();
    const unit = unitOfCgroup(read(files, `/proc/${pid}/cgroup`));
    return { ...socket, process: `${name} (pid ${pid})`, unit };
  });
}

/** The first process that has each socket open: `socket:[885420]` among its file descriptors. */
function findOwners(files: FileReader, inodes: ReadonlySet<number>): Map<number, string> {
  const owners = new Map<number, string>();
  if (inodes.size === 0) return owners;
  for (const pid of files.list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(files, `/proc/${pid}/fd`)) {
      const link = readLink(files, `/proc/${pid}/fd/${descriptor}`);
      const inode = Number(/^socket:\[(\d+)\]$/.exec(link)?.[1]);
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
    }
    if (owners.size === inodes.size) break;
  }
  return owners;
}

/** The unit that a process runs in. @param text of /proc/PID/cgroup, version 2 */
function unitOfCgroup(text: string): string {
  return /^0::.*?\/([^/]+\.(?:service|scope))(?:\/|$)/m.exec(text)?.[1] ?? '';
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
