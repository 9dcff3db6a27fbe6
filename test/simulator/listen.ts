/** TCP listeners that end at once: closing one ends its connections too. */

import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface Listener {
  port: number;
  /** Closes the listener and drops its connections. */
  close(): Promise<void>;
  /** Closes the listener; an answer under way still goes out. */
  drain(): Promise<void>;
}

/** Rejects with the system's error, `EADDRINUSE` for a port that is taken. Port 0: any. */
export async function listen(
  port: number,
  host: string,
  accept: (socket: Socket) => void,
): Promise<Listener> {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    // A client that goes away is no error here.
    socket.on('error', () => socket.destroy());
    accept(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 128 }, resolve);
  });
  const address = server.address() as AddressInfo;
  const close = (end: (socket: Socket) => void) =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of connections) end(socket);
    });
  return {
    port: address.port,
    close: () => close((socket) => socket.destroy()),
    drain: () => close((socket) => socket.destroySoon()),
  };
}
