/**
 * Asks a port whether the IB API answers there. A TCP connect proves nothing, since the images' relay
 * accepts with no gateway behind it: the server's hello is the proof.
 */

import { connect as connectTcp, type Socket } from 'node:net';
import {
  ApiCode,
  createFrameDecoder,
  encodeHello,
  encodeReqCurrentTime,
  encodeStartApi,
  parseHello,
  parseServerMessage,
} from './api-protocol.ts';

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

const TIMEOUTS = { connectMs: 2000, handshakeMs: 3000, loginMs: 8000 };
/** Longest frame a probe takes in, bytes: an account list is far shorter. */
const MAX_FRAME = 1024 * 1024;
/** How long notices are waited for once the session is complete, milliseconds. */
const SETTLE_MS = 500;
/** How long closing may take before the socket is dropped, milliseconds. */
const CLOSE_MS = 200;
/** What people read for the errors of a connect. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

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

type Step = 'connect' | 'handshake' | 'login' | 'settle';

/** Fills `result` as the steps go well; resolves at the first thing that decides the outcome. */
function converse(
  socket: Socket,
  target: ProbeTarget,
  { login, timeouts }: ProbeOptions,
  result: ProbeResult,
): Promise<void> {
  const limits = { ...TIMEOUTS, ...timeouts };
  const decoder = createFrameDecoder(MAX_FRAME);
  const where = `${target.host}:${target.port}`;
  return new Promise((resolve) => {
    let step: Step = 'connect';
    let since = performance.now();
    let heard = false;
    let linkDown = false;
    let over = false;
    let timer = setTimeout(timedOut, limits.connectMs);

    function end(state: ProbeState, detail: string): void {
      if (over) return;
      over = true;
      clearTimeout(timer);
      result.state = state;
      result.detail = detail;
      resolve();
    }

    /** Goes to the next step; gives back what the last one took, in milliseconds. */
    function next(to: Step, ms: number): number {
      const now = performance.now();
      const took = Math.round((now - since) * 10) / 10;
      step = to;
      since = now;
      clearTimeout(timer);
      timer = setTimeout(timedOut, ms);
      return took;
    }

    function loggedIn(): void {
      const accounts = `${result.accounts.length} account${result.accounts.length === 1 ? '' : 's'}`;
      if (linkDown) end('link-down', `logged in with ${accounts}, but the link to IBKR is down`);
      else end('logged-in', `logged in with ${accounts}`);
    }

    function timedOut(): void {
      if (step === 'connect')
        end('refused', `${where} did not accept within ${limits.connectMs} ms`);
      else if (step === 'handshake') {
        const what = heard ? 'sent something that is not the IB API' : 'sent nothing';
        end('silent', `${where} accepted and ${what} within ${limits.handshakeMs} ms`);
      } else if (step === 'settle') loggedIn();
      else end('handshake', `the API answers but gave no account list within ${limits.loginMs} ms`);
    }

    function gone(how: string, reset = false): void {
      // A reset can overtake the news that the connection was accepted.
      if (step === 'connect' && reset) end('closed', `${where} accepted and closed at once`);
      else if (step === 'connect') end('refused', `${where} cannot be reached: ${how}`);
      else if (step === 'handshake') {
        const what = heard
          ? 'after bytes that are not the IB API'
          : 'without a byte: no gateway behind it';
        end('closed', `${where} accepted and closed ${what}`);
      } else if (step === 'settle') loggedIn();
      else end('handshake', 'the API answers but closed the session that was asked for');
    }

    function takeFrame(frame: Uint8Array): void {
      if (over) return;
      if (step === 'handshake') {
        const hello = parseHello(frame);
        if (hello === null) return;
        result.timings.handshakeMs = next('login', limits.loginMs);
        result.serverVersion = hello.serverVersion;
        result.connectionTime = hello.connectionTime;
        if (login === undefined)
          end('handshake', `the API answers, server version ${hello.serverVersion}`);
        else socket.write(encodeStartApi(login.clientId ?? randomClientId()));
        return;
      }
      takeNews(frame);
    }

    function takeNews(frame: Uint8Array): void {
      const news = parseServerMessage(frame);
      if (news.kind === 'accounts' && news.accounts.length > 0) result.accounts = news.accounts;
      else if (news.kind === 'next-valid-id') result.nextValidId = news.id;
      else if (news.kind === 'current-time' && step === 'settle') loggedIn();
      else if (news.kind === 'error') {
        if (news.code === ApiCode.clientIdInUse) {
          end('id-in-use', 'the API answers, and another client uses this client id');
        }
        linkDown = linkAfter(news.code, linkDown);
      }
      if (step === 'login' && result.accounts.length > 0 && result.nextValidId !== null) {
        result.timings.loginMs = next('settle', SETTLE_MS);
        // Notices of the session come before this answer.
        socket.write(encodeReqCurrentTime());
      }
    }

    socket.on('connect', () => {
      result.timings.connectMs = next('handshake', limits.handshakeMs);
      socket.write(encodeHello());
    });
    socket.on('data', (chunk) => {
      if (over) return;
      heard = true;
      for (const frame of decoder.push(chunk)) takeFrame(frame);
      if (decoder.hostileLength === null) return;
      if (step === 'handshake') end('silent', `${where} answers, but not with the IB API`);
      else end('handshake', `${where} sent a frame longer than any of the IB API`);
    });
    socket.on('error', (error) => gone(words(error), codeOf(error) === 'ECONNRESET'));
    socket.on('end', () => gone('closed'));
    socket.on('close', () => gone('closed'));
  });
}

/** Whether the link to IBKR is down after a notice, given what it was before. */
function linkAfter(code: number, before: boolean): boolean {
  switch (code) {
    case ApiCode.linkLost:
    case ApiCode.linkBroken:
    case ApiCode.notConnected:
      return true;
    case ApiCode.linkRestored:
    case ApiCode.linkRestoredDataLost:
      return false;
    default:
      return before;
  }
}

/** High, so that it meets nobody's own id: never 0, and no likely master id. */
function randomClientId(): number {
  return 1_000_000_000 + Math.floor(Math.random() * 1_000_000_000);
}

/** Ends with FIN, and reads away what still comes, so that the peer gets no RST. */
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
    socket.end();
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function words(error: unknown): string {
  return WORDS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}
