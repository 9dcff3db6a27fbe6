/**
 * The stand-in for IBKR beyond the host's router: a test asks what reached it and says what it does.
 * It runs in the test's own process, on a socket that is opened in the host's network `uplink`: a
 * reboot of the host loses no count. docs/simulator.md tells of its counts and policies.
 */

import { spawn } from 'node:child_process';
import { Server } from 'node:net';
import { join } from 'node:path';
import type { Counts, Policy } from '../simulator/ibkr/protocol.ts';
import { createIbkrServer, type IbkrServer } from '../simulator/ibkr/server.ts';
import type { TestHost } from './harness.ts';

const ADDRESS = '198.51.100.1';
const PORT = 4000;

/** What a gateway's environment needs, as a setting of `ibq instance add`. */
export const WITH_IBKR = `environment.SIMULATOR_IBKR=${ADDRESS}:${PORT}`;

export class HostIbkr {
  readonly #host: TestHost;
  readonly #standIn: IbkrServer = createIbkrServer();
  #listener: Server | null = null;

  constructor(host: TestHost) {
    this.#host = host;
  }

  /** Listens, with the counts of before; needed again after a reboot of the host. */
  async listen(): Promise<void> {
    this.#listener?.close();
    this.#listener = await listenIn(this.#host.netnsPath('uplink'));
    this.#standIn.attach(this.#listener);
  }

  counts(user: string): Counts {
    return this.#standIn.ibkr.counts(user);
  }

  /** Changes what a user's policy says; the rest of it stays. */
  setPolicy(user: string, policy: Partial<Policy>): void {
    this.#standIn.ibkr.setPolicy(user, policy);
  }

  /** Counts and policy of a user as at the start. */
  reset(user: string): void {
    this.#standIn.ibkr.reset(user);
  }

  /** Breaks the connection of every gateway. */
  dropAll(): void {
    this.#standIn.dropAll();
  }

  /** Waits until the counts that are named are so. Throws with all of them. */
  async until(user: string, wanted: Partial<Counts>, timeoutMs = 600_000): Promise<Counts> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const counts = this.counts(user);
      const keys = Object.keys(wanted) as (keyof Counts)[];
      if (keys.every((key) => counts[key] === wanted[key])) return counts;
      if (Date.now() > deadline) {
        const shown = [wanted, counts].map((each) => JSON.stringify(each));
        throw new Error(`IBKR, ${user}: waited for ${shown[0]}, there is ${shown[1]}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** No gateway can reach it any more. */
  close(): void {
    this.dropAll();
    this.#listener?.close();
    this.#listener = null;
  }
}

/** A socket of another network namespace: the process that opens it there hands it over. */
async function listenIn(namespace: string): Promise<Server> {
  const script = join(import.meta.dirname, 'listen.mjs');
  const argv = [`--net=${namespace}`, '--', process.execPath, script, ADDRESS, String(PORT)];
  const child = spawn('/usr/bin/nsenter', argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`no listener in ${namespace}: exit code ${code}`)));
    child.on('message', (message, handle) => {
      if (handle instanceof Server) resolve(handle);
      else reject(new Error(`no listener in ${namespace}: ${String(message)}`));
    });
  });
}
