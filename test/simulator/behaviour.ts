/** What the simulated gateway does wrong, and the switch by which that changes at run time. */

import { EventEmitter, once } from 'node:events';

export type Behaviour =
  | { kind: 'normal' }
  /** Logged in; its API accepts and never answers. */
  | { kind: 'hang' }
  /** Waits for a two-factor answer that never comes. */
  | { kind: 'no-login' }
  /** The relay is up, the gateway process is gone. */
  | { kind: 'gateway-down' }
  | { kind: 'lock-out' }
  | { kind: 'wrong-password' }
  /** Logged in, without its link to IBKR. */
  | { kind: 'link-down' }
  /** Another session of the same user is open. */
  | { kind: 'existing-session' }
  /** Ends during its login with this status. */
  | { kind: 'exit'; status: number }
  | { kind: 'slow-login'; seconds: number };

const PLAIN = [
  'normal',
  'hang',
  'no-login',
  'gateway-down',
  'lock-out',
  'wrong-password',
  'link-down',
  'existing-session',
] as const;

/** Reads `hang`, `exit:87`, `slow-login:2.5`. Throws on anything else: a test would test nothing. */
export function parseBehaviour(text: string): Behaviour {
  const plain = PLAIN.find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  const exit = /^exit:(\d{1,4})$/.exec(text)?.[1];
  if (exit !== undefined) return { kind: 'exit', status: Number(exit) % 256 };
  const slow = /^slow-login:(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (slow !== undefined) return { kind: 'slow-login', seconds: Number(slow) };
  throw new Error(
    `behaviour: should be one of ${PLAIN.join(', ')}, exit:N, slow-login:SECONDS, got ${text}`,
  );
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
