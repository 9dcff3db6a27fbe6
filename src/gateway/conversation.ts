/** The talk of a probe with whatever listens: step by step, until something decides the outcome. */

import type { Socket } from 'node:net';
import {
  ApiCode,
  createFrameDecoder,
  encodeHello,
  encodeReqCurrentTime,
  encodeStartApi,
  parseHello,
  parseServerMessage,
} from './api-protocol.ts';
import { Patience } from './patience.ts';
import type { ProbeOptions, ProbeResult, ProbeState, ProbeTarget } from './probe.ts';

const TIMEOUTS = { connectMs: 2000, handshakeMs: 3000, loginMs: 8000 };
/** Longest frame a probe takes in, bytes: an account list is far shorter. */
const MAX_FRAME = 1024 * 1024;
/** How long notices are waited for once the session is complete, milliseconds. */
const SETTLE_MS = 500;
/** What people read for the errors of a connect. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

type Step = 'connect' | 'handshake' | 'login' | 'settle';

/** Fills `result` as the steps go well; resolves at the first thing that decides the outcome. */
export function converse(
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
    const patience = new Patience();
    patience.set(limits.connectMs, timedOut);

    function end(state: ProbeState, detail: string): void {
      if (over) return;
      over = true;
      patience.end();
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
      patience.set(ms, timedOut);
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

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** An error in words for people. */
export function words(error: unknown): string {
  return WORDS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}
