/** An interrupt lets the step in hand finish; a second one ends ibq at once. */

import { ExitCode } from '../errors.ts';

export interface Interrupt {
  /** 130 or 143 once asked to stop, else null. */
  readonly exitCode: ExitCode | null;
  /** Settles when asked to stop. */
  readonly requested: Promise<void>;
}

/** Runs `action` with SIGINT and SIGTERM turned into a wish it can look at between its steps. */
export async function withInterrupt<T>(
  onRequest: () => void,
  action: (interrupt: Interrupt) => Promise<T>,
): Promise<T> {
  let exitCode: ExitCode | null = null;
  let settle: () => void = () => {};
  const requested = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const request = (code: ExitCode) => () => {
    if (exitCode !== null) process.exit(code);
    exitCode = code;
    settle();
    onRequest();
  };
  const onInterrupt = request(ExitCode.interrupted);
  const onTerminate = request(ExitCode.terminated);
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  try {
    return await action({
      get exitCode() {
        return exitCode;
      },
      requested,
    });
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
  }
}
