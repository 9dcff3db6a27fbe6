/** A gateway's own clock: that of the time zone in its jts.ini, or what an order has set it to. */

import { setTimeout as sleep } from 'node:timers/promises';

const DAY_MS = 86_400_000;

export class Clock {
  /** What is added to this machine's time; null: it shows that. */
  #ahead: number | null = null;
  #changed = new AbortController();

  /** @param text `hh:mm:ss` that it shows now. Throws for another text. */
  set(text: string): void {
    const [, hours, minutes, seconds] = /^(\d\d):(\d\d):(\d\d)$/.exec(text) ?? [];
    if (seconds === undefined) throw new Error(`clock: should be hh:mm:ss, got ${text}`);
    const shown = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    this.#ahead = shown - (Date.now() % DAY_MS);
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** Resolves when it next shows a time, `hh:mm AM`; rejects when `signal` aborts. */
  async shows(time: string, zone: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const changed = this.#changed.signal;
      const left = (minutesOf(time) * 60_000 - this.#now(zone) + 2 * DAY_MS) % DAY_MS;
      try {
        await sleep(left === 0 ? DAY_MS : left, undefined, {
          signal: AbortSignal.any([signal, changed]),
          ref: false,
        });
        return;
      } catch (error) {
        if (signal.aborted) throw error;
      }
    }
  }

  /** Milliseconds of the day. */
  #now(zone: string): number {
    const now = Date.now();
    return ((this.#ahead ?? offsetOf(zone, now)) + now + DAY_MS) % DAY_MS;
  }
}

/** Milliseconds by which a zone is ahead of UTC, or as many less by a day; one that is unknown is UTC. */
export function offsetOf(zone: string, now: number): number {
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      hour: 'numeric',
      minute: 'numeric',
    });
    const shown = Object.fromEntries(
      format.formatToParts(now).map(({ type, value }) => [type, Number(value)]),
    );
    const minutes = (shown.hour ?? 0) * 60 + (shown.minute ?? 0);
    return minutes * 60_000 - ((Math.floor(now / 60_000) * 60_000) % DAY_MS);
  } catch {
    return 0;
  }
}

/** Of a day, from a clock of twelve hours. */
function minutesOf(time: string): number {
  const [, hours, minutes, half] = /^(\d\d):(\d\d) (AM|PM)$/.exec(time) ?? [];
  return ((Number(hours) % 12) + (half === 'PM' ? 12 : 0)) * 60 + Number(minutes);
}
