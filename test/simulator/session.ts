/** A session with IBKR from the gateway's side: what it hears, and how it ends. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Exit } from './contract.ts';
import { existingSession } from './existing-session.ts';
import { closed, opened } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';
import type { IbkrLine } from './ibkr/connect.ts';
import type { FromIbkr } from './ibkr/protocol.ts';

export interface SessionOptions {
  product: string;
  settings: IbcSettings;
  line: IbkrLine;
  /** Writes a line of IBC's log. */
  log: (message: string) => void;
  /** The link to IBKR is lost, or back. */
  linkChanged: (up: boolean) => void;
  /** Ends the process. */
  end: (status: number) => void;
  /** Aborts when it ends. */
  signal: AbortSignal;
}

export class Session {
  readonly #options: SessionOptions;
  #up = true;
  #attempted = false;
  #token: ((token: string) => void) | null = null;
  /** It was ended from this side. */
  #over = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    void this.#listen();
  }

  /** The link to IBKR is there. */
  get up(): boolean {
    return this.#up;
  }

  /** Tells IBKR that it is over. */
  logOut(): void {
    this.#over = true;
    this.#options.line.send({ type: 'logout' });
    this.#options.line.close();
  }

  /** Ends it so that it can be taken up again; resolves with what that takes. */
  async pause(): Promise<string> {
    this.#over = true;
    const token = new Promise<string>((resolve) => {
      this.#token = resolve;
    });
    this.#options.line.send({ type: 'pause' });
    const result = await Promise.race([token, sleep(2000, 'none', { ref: false })]);
    this.#options.line.close();
    return result;
  }

  async #listen(): Promise<void> {
    for (;;) {
      const message = await this.#options.line.next();
      if (message === null) {
        if (!this.#over && !this.#options.signal.aborted) this.#setLink(false);
        return;
      }
      try {
        await this.#hear(message);
      } catch (error) {
        if (!(error instanceof Exit)) throw error;
        this.#options.end(error.status);
      }
    }
  }

  async #hear(message: FromIbkr): Promise<void> {
    const { line, log } = this.#options;
    switch (message.type) {
      case 'token':
        this.#token?.(message.token);
        return;
      case 'link':
        this.#setLink(message.up);
        return;
      case 'taken-over':
        this.#setLink(false);
        opened(log, 'dialog', 'Re-login is required');
        log('Re-login to session');
        log('Click button: Re-login');
        line.send({ type: 'relogin' });
        return;
      case 'existing-session': {
        const attempted = this.#attempted;
        this.#attempted = true;
        return existingSession(this.#options, line, attempted);
      }
      case 'logged-in':
        this.#setLink(true);
        log('Login has completed');
        return;
    }
  }

  #setLink(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    const { product, log, linkChanged } = this.#options;
    if (product === 'gateway') {
      (up ? closed : opened)(
        log,
        'frame',
        up ? 'Starting application...' : 'Connecting to server...',
      );
    }
    linkChanged(up);
  }
}
