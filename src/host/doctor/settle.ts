/** How a fact is found out: once, within its time, and with a reason where it could not be. */

import type { Fact } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import type { HostReader } from '../host.ts';

/** Milliseconds that one program may take. */
const RUN_MS = 5000;
/** Milliseconds that one fact may take: a program, its end by force, and a second one. */
const FACT_MS = 12_000;

/** Facts rest on one another; each is found out once, and its failure is everybody's. */
export function once<T>(gather: () => T, why?: string): () => T {
  let outcome: { value: T } | { error: unknown } | null = null;
  return () => {
    if (outcome === null) {
      try {
        outcome = { value: gather() };
      } catch (error) {
        outcome = { error: why === undefined ? error : new UserError(why) };
      }
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
}

/** No program may take longer than the doctor is ready to wait for it. */
export function withLimit(host: HostReader): HostReader {
  return {
    root: host.root,
    files: host.files,
    attach: host.attach,
    now: host.now,
    sleep: host.sleep,
    run: (argv, options = {}) =>
      host.run(argv, { ...options, timeoutMs: Math.min(options.timeoutMs ?? RUN_MS, RUN_MS) }),
  };
}

/** Never throws and never waits for ever. */
export async function settle(gather: () => unknown): Promise<Fact<unknown>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Fact<unknown>>((resolve) => {
    timer = setTimeout(
      () => resolve(unknown(`not known within ${FACT_MS / 1000} seconds`)),
      FACT_MS,
    );
  });
  const found = (async (): Promise<Fact<unknown>> => {
    try {
      return { known: true, value: await gather() };
    } catch (error) {
      return unknown(error instanceof Error ? error.message.replaceAll('\n', '; ') : `${error}`);
    }
  })();
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function unknown(why: string): { known: false; why: string } {
  return { known: false, why };
}
