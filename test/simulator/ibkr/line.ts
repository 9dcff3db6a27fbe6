/** One end of a conversation with IBKR, over TCP or inside the process. */

import type { Duplex } from 'node:stream';

export interface Line<Out, In> {
  send(message: Out): void;
  /** The next message; `null` once the other end is gone. */
  next(): Promise<In | null>;
  /** Aborts when the other end is gone, or this one closed. */
  closed: AbortSignal;
  close(): void;
}

/** Queue of what arrived and was not yet asked for. */
export function inbox<In>(): {
  push: (message: In | null) => void;
  next: () => Promise<In | null>;
} {
  const waiting: ((message: In | null) => void)[] = [];
  const arrived: In[] = [];
  let ended = false;
  return {
    push(message) {
      if (message === null) {
        ended = true;
        for (const take of waiting.splice(0)) take(null);
        return;
      }
      const take = waiting.shift();
      if (take === undefined) arrived.push(message);
      else take(message);
    },
    next() {
      const first = arrived.shift();
      if (first !== undefined) return Promise.resolve(first);
      if (ended) return Promise.resolve(null);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** Both ends of a line inside the process. */
export function pair<A, B>(): [Line<A, B>, Line<B, A>] {
  const toFirst = inbox<B>();
  const toSecond = inbox<A>();
  const ending = new AbortController();
  const close = () => {
    if (ending.signal.aborted) return;
    ending.abort();
    toFirst.push(null);
    toSecond.push(null);
  };
  const end = <Out, In>(
    out: { push: (message: Out) => void },
    into: { next: () => Promise<In | null> },
  ): Line<Out, In> => ({
    send: (message) => {
      if (!ending.signal.aborted) out.push(message);
    },
    next: () => into.next(),
    closed: ending.signal,
    close,
  });
  return [end(toSecond, toFirst), end(toFirst, toSecond)];
}

/** A line over a stream: a JSON object in each line of text. What is no JSON ends it. */
export function overStream<Out, In>(stream: Duplex): Line<Out, In> {
  const { push, next } = inbox<In>();
  const ending = new AbortController();
  let text = '';
  const close = () => {
    if (ending.signal.aborted) return;
    ending.abort();
    push(null);
    // What was said still goes out.
    stream.end();
    setTimeout(() => stream.destroy(), 1000).unref();
  };
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      try {
        push(JSON.parse(line) as In);
      } catch {
        close();
      }
    }
  });
  stream.on('error', close);
  stream.on('end', close);
  stream.on('close', close);
  return {
    send(message) {
      if (!ending.signal.aborted) stream.write(`${JSON.stringify(message)}\n`);
    },
    next,
    closed: ending.signal,
    close,
  };
}
