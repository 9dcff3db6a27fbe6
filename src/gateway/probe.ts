/**
 * Asks a port whether the IB API answers there. A TCP connect proves nothing, since the images' relay
 * accepts with no gateway behind it: the server's hello is the proof.
 */

import { connect as connectTcp, type Socket } from 'node:net';
import { converse, words } from './conversation.ts';

export type ProbeState =
  /** Nothing accepts: refused, unreachable or dropped on the way. */
  | 'refused'
  /** Accepted and closed before the hello: a relay with no gateway behind it. */
  | 'closed'
  /** Accepted, and nothing of the IB API was heard. */
  | 'silent'
  /** The hello came; no session was asked for, or none came of it. */
  | 'handshake'
  | 'logged-in'
  /** Logged in, and the gateway has lost its link to IBKR. */
  | 'link-down'
  | 'id-in-use';

export interface ProbeResult {
  state: ProbeState;
  serverVersion: number | null;
  /** As the server writes it, for example `20261121 07:00:00 EST`. */
  connectionTime: string | null;
  accounts: string[];
  nextValidId: number | null;
  /** Milliseconds of each step, `null` for one that did not end well. */
  timings: { connectMs: number | null; handshakeMs: number | null; loginMs: number | null };
  /** One sentence for people. */
  detail: string;
}

export interface ProbeTarget {
  host: string;
  port: number;
}

export interface ProbeOptions {
  /** Opens a session, which takes one of the gateway's 32. Its id is drawn at random unless given. */
  login?: { clientId?: number };
  /** Milliseconds for each step, however the bytes drip in. */
  timeouts?: { connectMs?: number; handshakeMs?: number; loginMs?: number };
}

export type Connect = (target: ProbeTarget) => Socket;

/** How long closing may take before the socket is dropped, milliseconds. */
const CLOSE_MS = 200;
/** Never rejects, whatever the peer does; ends within the sum of its time-outs and `CLOSE_MS`. */
export async function probeApi(
  target: ProbeTarget,
  options: ProbeOptions = {},
  connect: Connect = ({ host, port }) => connectTcp({ host, port, noDelay: true }),
): Promise<ProbeResult> {
  const result: ProbeResult = {
    state: 'refused',
    serverVersion: null,
    connectionTime: null,
    accounts: [],
    nextValidId: null,
    timings: { connectMs: null, handshakeMs: null, loginMs: null },
    detail: '',
  };
  let socket: Socket;
  try {
    socket = connect(target);
  } catch (error) {
    result.detail = `${target.host}:${target.port} cannot be tried: ${words(error)}`;
    return result;
  }
  await converse(socket, target, options, result);
  await close(socket);
  return result;
}

/**
 * Ends with FIN. What still comes is read away for a while, unread bytes would turn the FIN into a
 * RST, but nobody waits for that: a relay takes half a second to close its own side.
 */
function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const drop = setTimeout(done, CLOSE_MS);
    function done(): void {
      clearTimeout(drop);
      socket.destroy();
      resolve();
    }
    if (socket.destroyed || socket.connecting) return done();
    socket.on('error', done);
    socket.on('close', done);
    socket.resume();
    socket.end(() => {
      socket.unref();
      drop.unref();
      resolve();
    });
  });
}
