/** Running instances whose guard somebody flushed: their network lets in what it should drop. */

import { connect } from 'node:net';
import { Patience } from '../gateway/patience.ts';
import { cidrContains, type Ipv4 } from '../network/ipv4.ts';
import { parseLocalAddresses } from '../network/proc.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { FileReader, HostReader } from './host.ts';
import { podmanSubnets } from './podman-networks.ts';

/** Nothing listens there: a guard says nothing, and without one the kernel refuses at once. */
const CLOSED_PORT = 1;
/** Over a bridge of the same machine a refusal takes less than one. */
const ANSWER_MS = 10;

/**
 * To list the rules of each would cost a process an instance; a connection that must get no answer
 * costs nothing. Only what answers is looked at, and what has no address on a bridge (mode `lan`).
 *
 * @returns names of those without a guard; one that was changed is not among them
 */
export async function findUnguarded(
  host: HostReader,
  running: ReadonlyMap<string, RunningInstance>,
): Promise<ReadonlySet<string>> {
  // In mode `host` nothing was loaded that could be lost: the host's own rules close those ports.
  const guarded = [...running].filter(([, { guard }]) => guard.includes('table inet ibq'));
  if (guarded.length === 0) return new Set();
  const bridges = podmanSubnets(host.files, 'ibq-publish-');
  const open = await Promise.all(
    guarded.map(async ([name, { pid }]) => {
      const address = localAddresses(host.files, pid).find((it) =>
        bridges.some((subnet) => cidrContains(subnet, it)),
      );
      if (address !== undefined && !(await answers(address))) return [];
      return (await hasNoGuard(host, pid)) ? [name] : [];
    }),
  );
  return new Set(open.flat());
}

function localAddresses(files: FileReader, pid: number): Ipv4[] {
  return parseLocalAddresses(files.readText(`/proc/${pid}/net/fib_trie`) ?? '').entries;
}

function answers(address: Ipv4): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: CLOSED_PORT });
    const patience = new Patience();
    const end = (answered: boolean) => {
      patience.end();
      socket.destroy();
      resolve(answered);
    };
    patience.set(ANSWER_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED'));
  });
}

/** Nft's own word; where it can't be asked (no root), nothing is known to be wrong. */
async function hasNoGuard(host: HostReader, pid: number): Promise<boolean> {
  const list = ['nft', 'list', 'chain', 'inet', 'ibq', 'input'] as const;
  const result = await host.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...list]);
  return result.exitCode !== 0 && /^Error: No such file or directory/m.test(result.stderr);
}
