/** The stand-in on a TCP port: gateways log in there, and whoever asks gets its counts. */

import { createServer, type Server, type Socket } from 'node:net';
import { Ibkr } from './ibkr.ts';
import { type Line, overStream } from './line.ts';
import type { FromIbkr, Hello, Question, ToIbkr } from './protocol.ts';

export interface IbkrServer {
  ibkr: Ibkr;
  /** Takes connections of a server that listens already, in whatever network. */
  attach(server: Server): void;
  /** Drops every connection: the links of all sessions break. */
  dropAll(): void;
}

export function createIbkrServer(ibkr = new Ibkr()): IbkrServer {
  const connections = new Set<Socket>();
  const accept = (socket: Socket) => {
    connections.add(socket);
    socket.setNoDelay(true);
    // A gateway whose host has lost its power is noticed.
    socket.setKeepAlive(true, 10_000);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    void converse(ibkr, overStream<unknown, ToIbkr | Question>(socket));
  };
  return {
    ibkr,
    attach: (server) => server.on('connection', accept),
    dropAll() {
      for (const socket of connections) socket.destroy();
    },
  };
}

/** Listens here; port 0: any. */
export async function listenForGateways(
  { attach }: IbkrServer,
  port: number,
  host: string,
): Promise<Server> {
  const server = createServer();
  attach(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

/** A gateway, or somebody with questions: the first message tells. */
async function converse(ibkr: Ibkr, line: Line<unknown, ToIbkr | Question>): Promise<void> {
  const first = await line.next();
  if (first !== null && isHello(first)) {
    const rest: Line<FromIbkr, ToIbkr> = { ...line, next: startingWith(first, line) };
    await ibkr.serve(rest);
    return;
  }
  let asked: ToIbkr | Question | null = first;
  for (; asked !== null; asked = await line.next()) line.send(answer(ibkr, asked));
}

function isHello(message: ToIbkr | Question): message is Hello {
  return message.type === 'login' || message.type === 'resume';
}

function startingWith(
  first: Hello,
  line: Line<unknown, ToIbkr | Question>,
): () => Promise<ToIbkr | null> {
  let unread: Hello | null = first;
  return async () => {
    const message = unread;
    unread = null;
    // A gateway has no questions.
    return message ?? ((await line.next()) as ToIbkr | null);
  };
}

function answer(ibkr: Ibkr, question: ToIbkr | Question): unknown {
  switch (question.type) {
    case 'counts':
      return ibkr.allCounts();
    case 'policy':
      ibkr.setPolicy(question.user, question.policy);
      return 'ok';
    case 'reset':
      ibkr.reset(question.user);
      return 'ok';
    default:
      return `error: unknown question ${question.type}`;
  }
}
