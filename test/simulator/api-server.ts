/** The gateway's API socket: what a client library needs to connect and to get its account list. */

import type { Socket } from 'node:net';
import {
  ApiCode,
  ClientMessage,
  createFrameDecoder,
  decodeFields,
  encodeFields,
  ServerMessage,
} from '../../src/gateway/api-protocol.ts';
import type { BehaviourSwitch } from './behaviour.ts';
import { type Listener, listen } from './listen.ts';

/** Range of versions spoken; 187 is the last with text messages throughout. */
const MIN_VERSION = 100;
const MAX_VERSION = 187;
/** From this version on an error message has a field for an order's rejection. */
const VERSION_WITH_REJECTION = 166;
/** The most sessions an IB gateway keeps. */
export const MAX_CLIENTS = 32;

export interface ApiServerOptions {
  port: number;
  /** Address to listen on; the gateway's is every one (IBC #173). */
  host: string;
  /** Clients it talks to besides loopback; others are closed without a byte. */
  trusted: readonly string[];
  accounts: readonly string[];
  /** It may change while clients are connected. */
  readOnly: () => boolean;
  behaviour: BehaviourSwitch;
  /** The link to IBKR is there. */
  linkUp: () => boolean;
}

export interface ApiServer {
  port: number;
  sessions(): number;
  /** Sends a notice that belongs to no request to every session. */
  notify(code: number, text: string): void;
  close(): Promise<void>;
}

interface Session {
  socket: Socket;
  version: number;
  clientId: number | null;
}

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const sessions = new Map<number, Session>();
  const listener: Listener = await listen(options.port, options.host, (socket) => {
    const client = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    if (isServed(client, options.trusted)) serve(socket, sessions, options);
    else socket.destroy();
  });
  return {
    port: listener.port,
    sessions: () => sessions.size,
    notify(code, text) {
      for (const session of sessions.values()) sendError(session, -1, code, text);
    },
    close: () => listener.close(),
  };
}

/** Loopback always is; other addresses where jts.ini trusts them. */
export function isServed(client: string, trusted: readonly string[]): boolean {
  return client.startsWith('127.') || trusted.includes(client);
}

function serve(socket: Socket, sessions: Map<number, Session>, options: ApiServerOptions): void {
  const session: Session = { socket, version: 0, clientId: null };
  const decoder = createFrameDecoder();
  let prefix = Buffer.alloc(0);
  let dead = false;
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    if (session.clientId !== null && sessions.get(session.clientId) === session) {
      sessions.delete(session.clientId);
    }
  });
  socket.on('data', (chunk) => {
    // A client that met a hung gateway stays without an answer: bytes were lost on it.
    dead ||= options.behaviour.current.kind === 'hang';
    if (dead) return;
    let rest: Buffer = chunk;
    if (prefix.length < 4) {
      const missing = 4 - prefix.length;
      prefix = Buffer.concat([prefix, chunk.subarray(0, missing)]);
      rest = chunk.subarray(missing);
      if (prefix.length === 4 && prefix.toString('latin1') !== 'API\0') socket.destroy();
      if (prefix.length < 4 || socket.destroyed) return;
    }
    for (const frame of decoder.push(rest)) {
      if (socket.destroyed) return;
      if (session.version === 0) negotiate(session, frame.toString('utf8'));
      else answer(session, decodeFields(frame), sessions, options);
    }
    if (decoder.hostileLength !== null) socket.destroy();
  });
}

function negotiate(session: Session, range: string): void {
  const [, low, high] = /^v(\d+)(?:\.\.(\d+))?/.exec(range) ?? [];
  const version = Math.min(Number(high ?? low), MAX_VERSION);
  if (low === undefined || version < MIN_VERSION || version < Number(low)) {
    session.socket.end();
    return;
  }
  session.version = version;
  const now = new Date().toISOString();
  session.socket.write(
    encodeFields(version, `${now.slice(0, 10).replaceAll('-', '')} ${now.slice(11, 19)} UTC`),
  );
}

function answer(
  session: Session,
  fields: readonly string[],
  sessions: Map<number, Session>,
  options: ApiServerOptions,
): void {
  const { socket } = session;
  const type = Number(fields[0]);
  if (type === ClientMessage.startApi) startSession(session, Number(fields[2]), sessions, options);
  else if (session.clientId === null) return;
  else if (type === ClientMessage.reqManagedAccounts) sendAccounts(session, options);
  else if (type === ClientMessage.reqIds) sendNextId(session);
  else if (type === ClientMessage.reqCurrentTime) {
    socket.write(encodeFields(ServerMessage.currentTime, 1, Math.floor(Date.now() / 1000)));
  } else if (type === ClientMessage.placeOrder && options.readOnly()) {
    sendError(session, Number(fields[1]), ApiCode.readOnly, READ_ONLY);
  }
}

const READ_ONLY =
  "Error validating request.-'b8' : cause - The API interface is currently in Read-Only mode.";

function startSession(
  session: Session,
  clientId: number,
  sessions: Map<number, Session>,
  options: ApiServerOptions,
): void {
  if (session.clientId !== null) return;
  if (sessions.has(clientId)) {
    const text =
      'Unable to connect as the client id is already in use. Retry with a unique client id.';
    sendError(session, -1, ApiCode.clientIdInUse, text);
    session.socket.end();
    return;
  }
  if (sessions.size >= MAX_CLIENTS) {
    session.socket.end();
    return;
  }
  session.clientId = clientId;
  sessions.set(clientId, session);
  sendAccounts(session, options);
  sendNextId(session);
  if (!options.linkUp()) {
    sendError(session, -1, ApiCode.linkLost, LINK_LOST);
    return;
  }
  sendError(session, -1, 2104, 'Market data farm connection is OK:usfarm');
  sendError(session, -1, 2106, 'HMDS data farm connection is OK:ushmds');
  sendError(session, -1, 2158, 'Sec-def data farm connection is OK:secdefil');
}

export const LINK_LOST = 'Connectivity between IBKR and Trader Workstation has been lost.';
export const LINK_RESTORED =
  'Connectivity between IBKR and Trader Workstation has been restored - data maintained.';

function sendAccounts({ socket }: Session, { accounts }: ApiServerOptions): void {
  socket.write(encodeFields(ServerMessage.managedAccounts, 1, accounts.join(',')));
}

function sendNextId({ socket }: Session): void {
  socket.write(encodeFields(ServerMessage.nextValidId, 1, 1));
}

function sendError({ socket, version }: Session, id: number, code: number, text: string): void {
  const rejection = version >= VERSION_WITH_REJECTION ? [''] : [];
  socket.write(encodeFields(ServerMessage.error, 2, id, code, text, ...rejection));
}
