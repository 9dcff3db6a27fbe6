/** Who the simulator is: an image that starts as root hands its work to another user. */

import { chownSync, existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setegid, seteuid, setgroups } from 'node:process';

export interface Identity {
  /** It is process 1 of its container. */
  firstProcess: boolean;
  root: boolean;
  /** What is done from now on is done by this user. Throws where the kernel does not let it. */
  become(uid: number, gid: number): void;
  /** It is root again. */
  unbecome(): void;
  /** Gives a path and what is below it to a user. Throws as `become`. */
  own(path: string, uid: number, gid: number): void;
  /** Calls `spawn` with what makes the child wholly the present user's. */
  spawnAs<T>(spawn: (as: { uid?: number; gid?: number }) => T): T;
}

/** Process 1 and root by its own account, and never somebody else. */
export const nobodyElse: Identity = {
  firstProcess: true,
  root: true,
  become: () => undefined,
  unbecome: () => undefined,
  own: () => undefined,
  spawnAs: (spawn) => spawn({}),
};

/** That of this process. Only the effective ids change: root has to come back. */
export function processIdentity(): Identity {
  const root = process.getuid?.() === 0;
  let current: { uid: number; gid: number } | null = null;
  const unbecome = () => {
    if (current === null) return;
    current = null;
    seteuid?.(0);
    setegid?.(0);
  };
  const become = (uid: number, gid: number) => {
    setgroups?.([gid]);
    setegid?.(gid);
    seteuid?.(uid);
    current = { uid, gid };
  };
  return {
    firstProcess: process.pid === 1,
    root,
    become,
    unbecome,
    own: (path, uid, gid) => ownTree(path, uid, gid),
    spawnAs(spawn) {
      if (current === null) return spawn({});
      const { uid, gid } = current;
      // Only root may give a child both ids for good.
      unbecome();
      try {
        return spawn({ uid, gid });
      } finally {
        become(uid, gid);
      }
    },
  };
}

function ownTree(path: string, uid: number, gid: number): void {
  if (!existsSync(path)) return;
  chownSync(path, uid, gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) ownTree(join(path, name), uid, gid);
}
