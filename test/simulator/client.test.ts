/** A real client library against the simulator. */

import { EventName, IBApi } from '@stoqey/ib';
import { afterEach, describe, expect, it } from 'vitest';
import { MAX_CLIENTS } from './api-server.ts';
import { RIGHT, start, type TestSimulator } from './running.ts';

const open: { clients: IBApi[]; simulators: TestSimulator[] } = { clients: [], simulators: [] };

afterEach(async () => {
  for (const client of open.clients.splice(0)) client.disconnect();
  for (const simulator of open.simulators.splice(0)) await simulator.end();
});

async function ready(
  env: Record<string, string> = {},
): Promise<{ simulator: TestSimulator; port: number }> {
  const simulator = start({ env: { ...RIGHT, ...env } });
  open.simulators.push(simulator);
  const port = await simulator.relay();
  await simulator.logged(/Configuration tasks completed/);
  return { simulator, port };
}

interface Seen {
  accounts?: string;
  nextId?: number;
  errors: number[];
}

/** Connects and gives what the library heard; `enough` ends the wait. */
async function client(
  port: number,
  clientId: number,
  enough: (seen: Seen) => boolean,
): Promise<{ ib: IBApi; seen: Seen }> {
  const ib = new IBApi({ host: '127.0.0.1', port, clientId });
  open.clients.push(ib);
  const seen: Seen = { errors: [] };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`heard only ${JSON.stringify(seen)}`)), 4000);
    const look = () => {
      if (!enough(seen)) return;
      clearTimeout(timer);
      resolve();
    };
    ib.on(EventName.managedAccounts, (accounts) => {
      seen.accounts = accounts;
      look();
    });
    ib.on(EventName.nextValidId, (id) => {
      seen.nextId = id;
      look();
    });
    ib.on(EventName.error, (_error, code) => {
      seen.errors.push(code);
      look();
    });
    ib.on(EventName.info, (_message, code) => {
      seen.errors.push(code);
      look();
    });
    ib.connect();
  });
  return { ib, seen };
}

const complete = (seen: Seen) => seen.accounts !== undefined && seen.nextId !== undefined;

describe('@stoqey/ib', () => {
  it('gets the paper account list and the next order id through the relay', async () => {
    const { port, simulator } = await ready();
    const { seen } = await client(port, 11, complete);
    expect(seen).toMatchObject({ accounts: expect.stringMatching(/^DU\d{7}$/), nextId: 1 });
    expect(simulator.half().sessions).toBe(1);
  });

  it('gets a live account with live', async () => {
    const { port } = await ready({ TRADING_MODE: 'live' });
    expect((await client(port, 11, complete)).seen.accounts).toMatch(/^U\d{7}$/);
  });

  it('gets the accounts it is told to have', async () => {
    const { port } = await ready({ SIMULATOR_ACCOUNTS: 'DU1,DU2' });
    expect((await client(port, 11, complete)).seen.accounts).toBe('DU1,DU2');
  });

  it('gets the time', async () => {
    const { port } = await ready();
    const { ib } = await client(port, 11, complete);
    const time = await new Promise<number>((resolve) => {
      ib.once(EventName.currentTime, resolve);
      ib.reqCurrentTime();
    });
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(5);
  });

  it('is refused with a client id that is in use, and has it once the other is gone', async () => {
    const { port, simulator } = await ready();
    const { ib } = await client(port, 11, complete);
    await client(port, 11, (seen) => seen.errors.includes(326));
    ib.disconnect();
    await simulator.until(() => simulator.half().sessions === 0);
    await client(port, 11, complete);
  });

  it('hears that the link to IBKR is lost and restored', async () => {
    const { port, simulator } = await ready();
    const { seen } = await client(port, 11, complete);
    simulator.behave('link-down');
    await simulator.until(() => seen.errors.includes(1100));
    simulator.behave('normal');
    await simulator.until(() => seen.errors.includes(1102));
  });

  it(`has no more than ${MAX_CLIENTS} sessions`, async () => {
    const { port, simulator } = await ready();
    for (let id = 1; id <= MAX_CLIENTS; id++) await client(port, id, complete);
    const late = new IBApi({ host: '127.0.0.1', port, clientId: 99 });
    open.clients.push(late);
    const closed = new Promise((resolve) => late.once(EventName.disconnected, resolve));
    late.connect();
    await closed;
    expect(simulator.half().sessions).toBe(MAX_CLIENTS);
  });
});
