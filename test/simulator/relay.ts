/**
 * An image's `socat TCP-LISTEN:4004,fork TCP:127.0.0.1:4002`: it accepts whether or not a gateway
 * is behind it; where none is it closes without a byte, and says so in the log.
 */

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { reason } from './files.ts';
import { stamp } from './ibc-log.ts';
import { type Listener, listen } from './listen.ts';

/** How long socat takes to fork and to be refused, milliseconds. */
const REFUSED_AFTER_MS = 2;

export interface RelayOptions extends ForwardOptions {
  /** Port to listen on; 0: any. */
  port: number;
  host: string;
  /** Ends the relay. */
  signal: AbortSignal;
  /** Milliseconds between two tries to listen, `SSH_RESTART` of the image. */
  retryMs: number;
  /** Line that run_socat.sh writes before each try. */
  announce: () => void;
}

/** Listens, trying for ever as run_socat.sh does. `null`: ended before a try went well. */
export async function startRelay(options: RelayOptions): Promise<Listener | null> {
  while (!options.signal.aborted) {
    options.announce();
    try {
      return await listen(options.port, options.host, (client) => forward(client, options));
    } catch (error) {
      socat(options.log, `E bind(5, {AF=2 0.0.0.0:${options.port}}, 16): ${reason(error)}`);
    }
    await sleep(options.retryMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return null;
}

export interface ForwardOptions {
  /** Port on which the gateway listens now; `null`: nothing is there. */
  upstream: () => number | null;
  /** The gateway's port as the log names it. */
  apiPort: number;
  log: (line: string) => void;
}

/** One connection of a relay: closed without a byte, and two lines, where no gateway is behind it. */
export function forward(client: Socket, { upstream, apiPort, log }: ForwardOptions): void {
  const refuse = () => {
    const pid = nextPid++;
    const address = `127.0.0.1:${apiPort}`;
    socat(log, `W connect(5, AF=2 ${address}, 16): Connection refused`, pid);
    socat(log, `E TCP:${address}: Connection refused`, pid);
    client.destroy();
  };
  const port = upstream();
  if (port === null) {
    setTimeout(refuse, REFUSED_AFTER_MS);
    return;
  }
  const gateway = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  let isThrough = false;
  gateway.on('connect', () => {
    isThrough = true;
  });
  gateway.on('error', () => (isThrough ? client.destroy() : refuse()));
  gateway.on('close', () => client.destroySoon());
  client.on('close', () => gateway.destroy());
  client.pipe(gateway);
  gateway.pipe(client);
}

/** socat forks for each connection. */
let nextPid = 200;

/** A line as socat writes it, local time. */
export function socat(log: (line: string) => void, message: string, pid = 71): void {
  const time = stamp().slice(0, 19).replaceAll('-', '/');
  log(`${time} socat[${pid}] ${message}`);
}
