/** Waits that end with the process they are in: they reject when `signal` aborts. */

import { setTimeout as sleep } from 'node:timers/promises';

export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal });
}

/** A window that waits for somebody who never comes. */
export async function forever(signal: AbortSignal): Promise<never> {
  for (;;) await sleep(2 ** 30, undefined, { signal });
}

/** A promise and what settles it (`Promise.withResolvers` of later Nodes). */
export function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
} {
  let resolve: (value: T | PromiseLike<T>) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Resolves when `signal` aborts, or after so many seconds. */
export async function untilAborted(signal: AbortSignal, seconds = 2 ** 20): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}
