/** How a gateway reaches IBKR: the stand-in that `SIMULATOR_IBKR` names, or one inside the process. */

import { connect as connectTo } from 'node:net';
import { Ibkr } from './ibkr.ts';
import { type Line, overStream, pair } from './line.ts';
import type { FromIbkr, ToIbkr } from './protocol.ts';

export type IbkrLine = Line<ToIbkr, FromIbkr>;
/** `null`: it cannot be reached. */
export type Connect = () => Promise<IbkrLine | null>;

/** As long as a gateway tries, milliseconds. */
const TIMEOUT_MS = 10_000;

/** @param address `host:port`; empty: a stand-in of its own, which takes every token */
export function ibkrAt(address: string): Connect {
  if (address === '') return inProcess(new Ibkr({ anyToken: true }));
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host === undefined) throw new Error(`SIMULATOR_IBKR: should be HOST:PORT, was ${address}`);
  return () =>
    new Promise((resolve) => {
      const socket = connectTo({ host, port: Number(port), noDelay: true });
      socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
      socket.once('error', () => resolve(null));
      socket.once('close', () => resolve(null));
      socket.once('connect', () => {
        socket.setTimeout(0);
        // A link that is cut without a word is noticed.
        socket.setKeepAlive(true, 10_000);
        resolve(overStream(socket));
      });
    });
}

function inProcess(ibkr: Ibkr): Connect {
  return async () => {
    const [gateway, server] = pair<ToIbkr, FromIbkr>();
    void ibkr.serve(server);
    return gateway;
  };
}
