/** What IBKR does with one connection of a gateway: a login or a resumed session, to its end. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { User } from './ibkr.ts';
import { inbox, type Line } from './line.ts';
import { DEFAULT_POLICY, type FromIbkr, type Hello, type Policy, type ToIbkr } from './protocol.ts';

/** How long a session that was taken over may take to say what it does, milliseconds. */
const CONTEST_MS = 5000;

export class Conversation {
  readonly #user: User;
  readonly #line: Line<FromIbkr, ToIbkr>;
  readonly #hello: Hello;
  #wish: Partial<Policy>;
  /** Messages but for wishes, which take effect at once. */
  readonly #inbox = inbox<ToIbkr>();
  /** A message that was asked for and not waited for to the end. */
  #pending: Promise<ToIbkr | null> | null = null;
  /** Set while another session claims the user's place. */
  #contest: ((outcome: 'stays' | 'goes') => void) | null = null;

  constructor(user: User, line: Line<FromIbkr, ToIbkr>, hello: Hello) {
    this.#user = user;
    this.#line = line;
    this.#hello = hello;
    this.#wish = hello.wish;
  }

  async run(): Promise<void> {
    this.#user.counts.connections++;
    if (!this.#policy.reachable) {
      this.#user.counts.unreachable++;
      return;
    }
    void this.#receive();
    const isIn = this.#hello.type === 'login' ? await this.#logIn() : await this.#resume();
    if (isIn) await this.#session();
    // A window of the gateway may still be open: it hangs up when it likes.
    else while ((await this.#next()) !== null);
  }

  async #receive(): Promise<void> {
    for (;;) {
      const message = await this.#line.next();
      if (message?.type === 'wish') {
        this.#wish = message.wish;
        this.#user.events.emit('change');
        continue;
      }
      this.#inbox.push(message);
      if (message === null) return;
    }
  }

  #next(): Promise<ToIbkr | null> {
    const message = this.#pending ?? this.#inbox.next();
    this.#pending = null;
    return message;
  }

  /** The next message, or that something has changed. */
  async #nextOrChange(): Promise<ToIbkr | null | 'changed'> {
    const message = this.#next();
    const first = await Promise.race([message, this.#changed()]);
    if (first === 'changed') this.#pending = message;
    return first;
  }

  get #policy(): Policy {
    return { ...DEFAULT_POLICY, ...this.#wish, ...this.#user.policy };
  }

  async #logIn(): Promise<boolean> {
    const user = this.#user;
    user.counts.attempts++;
    if (this.#refuses()) {
      user.counts.refused++;
      return false;
    }
    if (!(await this.#settleOtherSessions())) return false;
    if (!(await this.#secondFactor())) return false;
    while (!this.#policy.completes) {
      if ((await this.#nextOrChange()) === null) return false;
    }
    user.failures = 0;
    user.counts.completed++;
    this.#line.send({ type: 'logged-in' });
    return true;
  }

  async #resume(): Promise<boolean> {
    const { counts } = this.#user;
    const token = this.#hello.type === 'resume' ? this.#hello.token : '';
    if (!this.#user.useToken(token) || this.#policy.tokens === 'refused') {
      counts.tokensRefused++;
      this.#line.send({
        type: 'token-refused',
        text: 'Your session has expired. Please log in again.',
      });
      return false;
    }
    counts.resumed++;
    this.#line.send({ type: 'logged-in' });
    return true;
  }

  /** Locked, or the wrong password; it says so. */
  #refuses(): boolean {
    const user = this.#user;
    const policy = this.#policy;
    const left = policy.lockedOut ? policy.lockOutSeconds * 1000 : user.lockedUntil - Date.now();
    if (left > 0) {
      this.#line.send({ type: 'locked-out', text: lockedOut(left) });
      return true;
    }
    const given = this.#hello.type === 'login' ? this.#hello.password : '';
    // The user of IBC's own sample has no account.
    const unknown = user.name === 'edemo';
    const wrong = policy.password !== null && given !== policy.password;
    if (!policy.refuse && !unknown && !wrong) return false;
    user.failures++;
    if (policy.lockOutAfter > 0 && user.failures >= policy.lockOutAfter) {
      user.failures = 0;
      user.lockedUntil = Date.now() + policy.lockOutSeconds * 1000;
      user.counts.lockOuts++;
    }
    const { refusal } = policy;
    this.#line.send({ type: 'refused', refusal, text: 'Invalid username or password' });
    return true;
  }

  /** `false`: this login ends for the sake of another session. */
  async #settleOtherSessions(): Promise<boolean> {
    for (let round = 1; this.#isElsewhere(); round++) {
      this.#line.send({ type: 'existing-session' });
      const action = await this.#choice();
      if (action === 'gone') return false;
      if (action === 'end') {
        this.#user.counts.gaveWay++;
        return false;
      }
      if (action === 'settled') return true;
      const others = this.#others();
      const outcomes = await Promise.all(others.map((other) => other.#takeOver()));
      const stay = outcomes.includes('stays');
      const insists = others.length === 0 && this.#policy.existingSession === 'insists';
      // Told a second time, whoever continues is in.
      if (round > 1 || (!stay && !insists)) return true;
    }
    return true;
  }

  #isElsewhere(): boolean {
    return this.#others().length > 0 || this.#policy.existingSession !== 'none';
  }

  /** Sessions of the user in the same mode: live and paper are two accounts. */
  #others(): Conversation[] {
    const { mode } = this.#hello;
    return [...this.#user.sessions].filter((other) => other.#hello.mode === mode);
  }

  /** What the gateway chooses; `settled`: the other session has gone meanwhile. */
  async #choice(): Promise<'continue' | 'end' | 'gone' | 'settled'> {
    for (;;) {
      const message = await this.#nextOrChange();
      if (message === null) return 'gone';
      if (message === 'changed') {
        if (!this.#isElsewhere()) return 'settled';
      } else if (message.type === 'existing-session') return message.action;
    }
  }

  /** Another session claims the place of this one. */
  async #takeOver(): Promise<'stays' | 'goes'> {
    const outcome = new Promise<'stays' | 'goes'>((resolve) => {
      this.#contest = resolve;
    });
    this.#line.send({ type: 'taken-over' });
    const late = sleep(CONTEST_MS, 'silent' as const, { ref: false });
    const result = await Promise.race([outcome, late]);
    this.#contest = null;
    if (result !== 'silent') return result;
    // Nobody is there any more, and no network has said so.
    this.#line.close();
    return 'goes';
  }

  async #secondFactor(): Promise<boolean> {
    if (this.#hello.mode === 'paper' && !this.#policy.secondFactorForPaper) return true;
    const { devices } = this.#policy;
    if (devices.length > 1) {
      this.#line.send({ type: 'devices', devices });
      for (;;) {
        const message = await this.#next();
        if (message === null) return false;
        if (message.type === 'device') break;
      }
    }
    this.#user.counts.secondFactorAsked++;
    this.#line.send({ type: 'second-factor' });
    const how = await this.#answer(Date.now());
    const { counts } = this.#user;
    if (how === 'abandoned') {
      counts.secondFactorAbandoned++;
      return false;
    }
    if (how === 'answered') counts.secondFactorAnswered++;
    else if (how === 'refused') counts.secondFactorRefused++;
    else counts.secondFactorTimedOut++;
    this.#line.send({ type: 'second-factor-over', how });
    return how === 'answered';
  }

  /** How a request ends; the policy may change while it waits. */
  async #answer(asked: number): Promise<'answered' | 'refused' | 'timed-out' | 'abandoned'> {
    for (;;) {
      const { secondFactor, secondFactorSeconds, secondFactorTimeoutSeconds } = this.#policy;
      const late = secondFactor === 'never' || secondFactorSeconds >= secondFactorTimeoutSeconds;
      const seconds = late ? secondFactorTimeoutSeconds : secondFactorSeconds;
      const left = asked + seconds * 1000 - Date.now();
      if (left <= 0) return late ? 'timed-out' : secondFactor;
      const waiting = new AbortController();
      const signal = AbortSignal.any([waiting.signal, this.#line.closed]);
      const timer = sleep(Math.min(left, 2 ** 30), undefined, { signal }).catch(() => undefined);
      await Promise.race([timer, this.#changed()]);
      waiting.abort();
      if (this.#line.closed.aborted) return 'abandoned';
    }
  }

  /** A session that is there, until it ends in one way or another. */
  async #session(): Promise<void> {
    const { sessions } = this.#user;
    sessions.add(this);
    this.#user.counts.open = sessions.size;
    const stopLinking = this.#watchLink();
    try {
      for (;;) {
        const message = await this.#next();
        if (message === null) {
          this.#user.counts.lost++;
          return;
        }
        if (this.#ends(message)) return;
      }
    } finally {
      stopLinking();
      sessions.delete(this);
      this.#user.counts.open = sessions.size;
      this.#contest?.('goes');
      this.#user.events.emit('change');
    }
  }

  #ends(message: ToIbkr): boolean {
    const { counts } = this.#user;
    switch (message.type) {
      case 'logout':
        counts.logouts++;
        return true;
      case 'pause':
        counts.paused++;
        this.#line.send({ type: 'token', token: this.#user.newToken() });
        return true;
      case 'relogin':
        this.#line.send({ type: 'existing-session' });
        return false;
      case 'existing-session':
        if (message.action === 'end') {
          counts.gaveWay++;
          return true;
        }
        this.#contest?.('stays');
        this.#line.send({ type: 'logged-in' });
        return false;
      default:
        return false;
    }
  }

  /** Tells the gateway when its link is lost, and when it is back. */
  #watchLink(): () => void {
    let up = true;
    const look = () => {
      const now = this.#policy.link === 'up';
      if (now === up) return;
      up = now;
      this.#line.send({ type: 'link', up });
    };
    look();
    this.#user.events.on('change', look);
    return () => this.#user.events.off('change', look);
  }

  async #changed(): Promise<'changed'> {
    await once(this.#user.events, 'change', { signal: this.#line.closed }).catch(() => undefined);
    return 'changed';
  }
}

/** As the gateway's window says it. */
function lockedOut(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const of = (count: number, unit: string) => (count === 1 ? `1 ${unit}` : `${count} ${unit}s`);
  const minutes = Math.floor(seconds / 60);
  const parts = [...(minutes > 0 ? [of(minutes, 'minute')] : []), of(seconds % 60, 'second')];
  const wait = `Please wait ${parts.join(' & ')} before attempting to re-login again.`;
  return `Too many failed login attempts. ${wait}`;
}
