/**
 * A stand-in for IBKR: it lets users in or not, by a policy of each that may change at any time, and
 * counts what reached it. What it does to a session is in `conversation.ts`.
 */

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Conversation } from './conversation.ts';
import type { Line } from './line.ts';
import { type Counts, type FromIbkr, noCounts, type Policy, type ToIbkr } from './protocol.ts';

/** One user, as IBKR knows it. */
export class User {
  readonly name: string;
  counts: Counts = noCounts();
  /** What a test has said; it goes before what a gateway wishes. */
  policy: Partial<Policy> = {};
  failures = 0;
  /** Milliseconds since 1970; 0: not locked. */
  lockedUntil = 0;
  readonly sessions = new Set<Conversation>();
  readonly events = new EventEmitter();
  readonly #tokens = new Set<string>();
  readonly #anyToken: boolean;

  constructor(name: string, anyToken: boolean) {
    this.name = name;
    this.#anyToken = anyToken;
    // One listener for each conversation that waits.
    this.events.setMaxListeners(0);
  }

  newToken(): string {
    const token = randomBytes(16).toString('hex');
    this.#tokens.add(token);
    return token;
  }

  /** A token is good once. */
  useToken(token: string): boolean {
    return this.#tokens.delete(token) || this.#anyToken;
  }
}

export class Ibkr {
  readonly #users = new Map<string, User>();
  readonly #anyToken: boolean;

  /** @param anyToken takes tokens that it never gave: those of an earlier process */
  constructor({ anyToken = false } = {}) {
    this.#anyToken = anyToken;
  }

  /** Takes a connection of a gateway, until it ends. */
  async serve(line: Line<FromIbkr, ToIbkr>): Promise<void> {
    const hello = await line.next();
    if (hello?.type === 'login' || hello?.type === 'resume') {
      await new Conversation(this.#user(hello.user), line, hello).run();
    }
    line.close();
  }

  /** What reached it of a user; of one that it never saw, nothing. */
  counts(user: string): Counts {
    return { ...this.#user(user).counts };
  }

  /** Of every user that it has seen or was told of. */
  allCounts(): Record<string, Counts> {
    return Object.fromEntries([...this.#users.keys()].map((name) => [name, this.counts(name)]));
  }

  /** Changes what a user's policy says; the rest of it stays. */
  setPolicy(user: string, policy: Partial<Policy>): void {
    const known = this.#user(user);
    Object.assign(known.policy, policy);
    known.events.emit('change');
  }

  /** Counts and policy of a user as at the start, and no lock. Sessions go on. */
  reset(user: string): void {
    const known = this.#user(user);
    known.counts = { ...noCounts(), open: known.sessions.size };
    known.policy = {};
    known.failures = 0;
    known.lockedUntil = 0;
    known.events.emit('change');
  }

  #user(name: string): User {
    const key = name.toLowerCase();
    const user = this.#users.get(key) ?? new User(key, this.#anyToken);
    this.#users.set(key, user);
    return user;
  }
}
