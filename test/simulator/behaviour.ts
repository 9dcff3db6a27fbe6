/** What the simulated gateway does wrong, and the switch by which that changes at run time. */

import { EventEmitter, once } from 'node:events';

export type Behaviour =
  | { kind: (typeof PLAIN)[number] }
  /** Ends during its login with this status. */
  | { kind: 'exit'; status: number }
  /** Seconds of the login; of the time before its window is there. */
  | { kind: 'slow-login' | 'slow-start'; seconds: number };

/** docs/simulator.md tells what each is. */
const PLAIN = [
  'normal',
  'hang',
  'no-login',
  'two-factor-refused',
  'login-stalls',
  'several-devices',
  'gateway-down',
  'lock-out',
  'wrong-password',
  'unrecognized-password',
  'login-error',
  'unreachable',
  'no-window',
  'link-down',
  'existing-session',
  'existing-primary',
  'token-refused',
] as const;

/** Reads `hang`, `exit:87`, `slow-login:2.5`. Throws on anything else: a test would test nothing. */
export function parseBehaviour(text: string): Behaviour {
  const plain = PLAIN.find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  const exit = /^exit:(\d{1,4})$/.exec(text)?.[1];
  if (exit !== undefined) return { kind: 'exit', status: Number(exit) % 256 };
  const [, slow, seconds] = /^slow-(login|start):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (slow === 'login' || slow === 'start') {
    return { kind: `slow-${slow}`, seconds: Number(seconds) };
  }
  const timed = 'exit:N, slow-login:SECONDS, slow-start:SECONDS';
  throw new Error(`behaviour: should be one of ${PLAIN.join(', ')}, ${timed}, got ${text}`);
}

export interface BehaviourSwitch {
  readonly current: Behaviour;
  set(next: Behaviour): void;
  /** Resolves at the next `set`; rejects when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Calls `listener` with each new behaviour; gives back what ends that. */
  listen(listener: (next: Behaviour) => void): () => void;
}

export function createSwitch(initial: Behaviour): BehaviourSwitch {
  const events = new EventEmitter();
  let current = initial;
  return {
    get current() {
      return current;
    },
    set(next) {
      current = next;
      events.emit('change', next);
    },
    async changed(signal) {
      await once(events, 'change', { signal });
    },
    listen(listener) {
      events.on('change', listener);
      return () => events.off('change', listener);
    },
  };
}
