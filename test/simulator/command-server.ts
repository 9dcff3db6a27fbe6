/** IBC's command server: lines of text over TCP (IBC's CommandServer, CommandDispatcher, StopTask). */

import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Listener, listen } from './listen.ts';

export type Order = 'STOP' | 'RESTART' | 'PAUSE';

/** What an order that is being carried out has of its client. */
export interface Channel {
  /** Sends a line. */
  say(line: string): void;
  close(): void;
}

export interface CommandServerOptions {
  /** 0: any. */
  port: number;
  /** `BindAddress`; empty: all addresses. */
  bindAddress: string;
  /** What stands for all addresses: 0.0.0.0, or loopback in tests. */
  everywhere: string;
  /** `ControlFrom`: who may, besides loopback and the address it is bound to; commas between. */
  controlFrom: string;
  /** `CommandPrompt`. */
  prompt: string;
  /** `SuppressInfoMessages`. */
  quiet: boolean;
  product: string;
  /** Writes a line of IBC's log. */
  log: (message: string) => void;
  /** `false`: an order of its kind is being carried out already, and is for ever. */
  begin: (order: Order) => boolean;
  /** Closes the channel as soon as the client is no longer needed; until then it may give no more orders. */
  carryOut: (order: Order, channel: Channel) => void;
  /**
   * Ticks "Enable ActiveX and Socket Clients"; `false`: it was ticked. As IBC's, it waits until there
   * is a main window, which is after the login; it never settles where the process ends before.
   */
  enableApi: () => Promise<boolean>;
}

/** Rejects where it cannot listen; IBC then goes on without one. */
export async function startCommandServer(options: CommandServerOptions): Promise<Listener> {
  const { bindAddress, everywhere, port, controlFrom, log } = options;
  const listener = await listen(port, bindAddress || everywhere, (socket) => {
    const client = address(socket);
    log(`CommandServer: ControlFrom setting = ${controlFrom}`);
    if (!isPermitted(client, bindAddress, controlFrom)) {
      log(`CommandServer denied access to: /${client}`);
      socket.destroy();
      return;
    }
    log(`CommandServer accepted connection from: /${client}`);
    serve(socket, options);
  });
  log(
    bindAddress === ''
      ? `CommandServer listening on addresses: ${hostAddresses()}; port: ${port}`
      : `CommandServer listening on address: ${bindAddress} port: ${port}`,
  );
  return listener;
}

/** Loopback always may; an empty `ControlFrom` lets nobody else in. Names are not looked up here. */
export function isPermitted(client: string, bindAddress: string, controlFrom: string): boolean {
  return (
    client === '127.0.0.1' || client === bindAddress || controlFrom.split(',').includes(client)
  );
}

function serve(socket: Socket, options: CommandServerOptions): void {
  let text = '';
  // One line after the other, as IBC's one thread for a client reads them.
  let work = Promise.resolve();
  if (!options.quiet) socket.write('INFO IBC Command Server\n');
  // A client that has said all still gets its answers.
  socket.on('end', () => {
    work = work.then(() => void socket.end());
  });
  socket.on('data', (chunk) => {
    text += chunk.toString('utf8');
    const lines = text.split(/\r?\n/);
    text = lines.pop() ?? '';
    if (text.length > 4096) socket.destroy();
    for (const line of lines) {
      work = work.then(async () => {
        if (socket.writableEnded || busy.has(socket)) return;
        if (line.trim() !== '') await handle(line, socket, options);
        if (!socket.writableEnded && !busy.has(socket)) socket.write(options.prompt);
      });
    }
  });
}

async function handle(line: string, socket: Socket, options: CommandServerOptions): Promise<void> {
  const { log } = options;
  log(`CommandServer received command: ${line}`);
  const command = line.toUpperCase();
  switch (command) {
    case 'EXIT':
      socket.end('OK Goodbye\n');
      log('Closing command channel');
      return;
    case 'RESTART':
    case 'PAUSE':
      log(`RestartTask: pauseOnly = ${command === 'PAUSE'}`);
      log(`RestartTask: verb = ${command}`);
      execute(command, socket, options);
      return;
    case 'STOP':
      execute(command, socket, options);
      return;
    case 'ENABLEAPI':
      socket.write(await enableApi(options));
      return;
    case 'RECONNECTDATA':
    case 'RECONNECTACCOUNT':
      socket.write('OK \n');
      return;
    default:
      socket.write('ERROR Command invalid\n');
      log(`CommandServer: invalid command received: ${line}`);
  }
}

const ANSWERS: Readonly<Record<Order, { info: string; ok: string }>> = {
  STOP: { info: 'Closing IBC', ok: 'Shutting down: STOP command' },
  RESTART: { info: 'Restarting TWS', ok: 'RESTART in progress' },
  PAUSE: { info: 'Pausing TWS', ok: 'PAUSE in progress' },
};

/** IBC's StopTask and RestartTask, as far as the client sees them. */
function execute(order: Order, socket: Socket, options: CommandServerOptions): void {
  const { log, quiet, begin, carryOut } = options;
  const close = () => {
    if (socket.writableEnded) return;
    log('Closing command channel');
    socket.end();
  };
  if (!begin(order)) {
    log(`${order} already in progress`);
    socket.write(`ERROR ${order} already in progress\n`);
    close();
    return;
  }
  const { info, ok } = ANSWERS[order];
  socket.write(`${quiet ? '' : `INFO ${info}\n`}OK ${ok}\n`);
  busy.add(socket);
  carryOut(order, { say: (line) => socket.write(`${line}\n`), close });
}

/** Connections whose order is being carried out, on the thread that would read the next one. */
const busy = new WeakSet<Socket>();

async function enableApi(options: CommandServerOptions): Promise<string> {
  const { product, log } = options;
  if (product === 'gateway') return 'ERROR ENABLEAPI is not valid for the IB Gateway\n';
  const changed = await options.enableApi();
  log('Doing ENABLEAPI configuration');
  log(`TWS ${changed ? 'has been' : 'is already'} configured to accept API connections`);
  return changed ? 'OK configured\n' : 'OK already configured\n';
}

function address(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function hostAddresses(): string {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map((each) => each.address)
    .join(',');
}
