/** A real client library as a client of the host or of its LAN, run by this machine's Node. */

import { execa } from 'execa';
import { expect } from 'vitest';
import { until } from './gateways.ts';
import type { Neighbour, TestHost } from './harness.ts';

interface Accounts {
  accounts: string[];
  nextOrderId: number;
}

/** Connects with `@stoqey/ib`; throws what it says where it gets no account list. */
export async function accountsAt(
  host: TestHost,
  from: Neighbour | 'host',
  address: string,
  port: number,
): Promise<Accounts> {
  const client = [process.execPath, 'scripts/accounts.mjs', address, String(port)] as const;
  const { stdout, stderr, exitCode } = await host.runOutside(from, client);
  if (exitCode === 0) return JSON.parse(stdout) as Accounts;
  throw new Error(`${from} → ${address}:${port}: ${stderr}`);
}

/** An API session that is kept open and used all the time. */
export interface Session {
  /** @throws where the session has ended, or the server no longer answers */
  expectAlive(): Promise<void>;
  end(): Promise<void>;
}

export async function openSession(
  host: TestHost,
  from: Neighbour | 'host',
  address: string,
  port: number,
): Promise<Session> {
  const client = [process.execPath, 'test/host/session.mjs', address, String(port)];
  const started = execa('/usr/bin/nsenter', [`--net=${host.netnsPath(from)}`, '--', ...client], {
    stdin: 'pipe',
    reject: false,
  });
  let answers = 0;
  let words = '';
  let ended = false;
  started.stdout.on('data', () => answers++);
  started.stderr.on('data', (chunk) => {
    words += String(chunk);
  });
  started.on('exit', () => {
    ended = true;
  });
  const expectAlive = async () => {
    const before = answers;
    await until(
      `the session ${from} → ${address}:${port} answers (${words})`,
      async () => ended || answers > before + 1,
    );
    expect(ended, `the session ${from} → ${address}:${port} should be open: ${words}`).toBe(false);
  };
  await expectAlive();
  return {
    expectAlive,
    async end() {
      started.stdin.end();
      await started;
    },
  };
}
