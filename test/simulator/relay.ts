/**
 * An image's `socat TCP-LISTEN:4004,fork TCP:127.0.0.1:4002`: it accepts whether or not a gateway
 * is behind it, and closes without a byte where none is.
 */

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { reason } from './files.ts';
import { type Listener, listen } from './listen.ts';

/** How long socat takes to fork and to be refused, milliseconds. */
const REFUSED_AFTER_MS = 2;

export interface RelayOptions {
  /** Port to listen on; 0: any. */
  port: number;
  host: string;
  /** Port on which the gateway listens now; `null`: nothing is there. */
  upstream: () => number | null;
  /** Ends the relay. */
  signal: AbortSignal;
  /** Milliseconds between two tries to listen, `SSH_RESTART` of the image. */
  retryMs: number;
  /** Line that run_socat.sh writes before each try. */
  announce: () => void;
  log: (line: string) => void;
}

/** Listens, trying for ever as run_socat.sh does. `null`: ended before a try went well. */
export async function startRelay(options: RelayOptions): Promise<Listener | null> {
  while (!options.signal.aborted) {
    options.announce();
    try {
      return await listen(options.port, options.host, (client) =>
        forward(client, options.upstream),
      );
    } catch (error) {
      options.log(`socat[1] E bind(5, {AF=2 0.0.0.0:${options.port}}, 16): ${reason(error)}`);
    }
    await sleep(options.retryMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return null;
}

/** One connection of a relay: closed without a byte where no gateway is behind it. */
export function forward(client: Socket, upstream: () => number | null): void {
  const port = upstream();
  if (port === null) {
    setTimeout(() => client.destroy(), REFUSED_AFTER_MS);
    return;
  }
  const gateway = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  gateway.on('error', () => client.destroy());
  gateway.on('close', () => client.destroy());
  client.on('close', () => gateway.destroy());
  client.pipe(gateway);
  gateway.pipe(client);
}
