/** How long somebody waits for another machine, where this process may have been too busy to listen. */

/** One limit at a time. When it is over, what has arrived meanwhile is heard first: Node.js runs its timers before that. */
export class Patience {
  #timer: NodeJS.Timeout | undefined;

  /** @param ms from now; an earlier limit counts no more */
  set(ms: number, over: () => void): void {
    clearTimeout(this.#timer);
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#timer === timer) over();
      });
    }, ms);
    this.#timer = timer;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
