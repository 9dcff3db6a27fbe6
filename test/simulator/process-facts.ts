/** How the container's process was started: what a unit has to see to, and no log shows. */

import { readFileSync, statfsSync } from 'node:fs';

export interface ProcessFacts {
  pid: number;
  /** Effective. */
  uid: number;
  gid: number;
  /** Capabilities in force, hexadecimal as the kernel writes them. */
  capabilities: string;
  noNewPrivileges: boolean;
  /** A filter of system calls is in force. */
  seccomp: boolean;
  /** Size of /dev/shm in bytes; `null`: there is none. */
  shm: number | null;
  /** Most files it may have open. */
  openFiles: number;
}

export function processFacts(): ProcessFacts {
  const status = readFileSync('/proc/self/status', 'utf8');
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  return {
    pid: process.pid,
    uid: Number(field('Uid').split('\t')[1]),
    gid: Number(field('Gid').split('\t')[1]),
    capabilities: field('CapEff'),
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp: field('Seccomp') !== '0',
    shm: sharedMemory(),
    openFiles: Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]),
  };
}

function sharedMemory(): number | null {
  try {
    const { blocks, bsize } = statfsSync('/dev/shm');
    return blocks * bsize;
  } catch {
    return null;
  }
}
