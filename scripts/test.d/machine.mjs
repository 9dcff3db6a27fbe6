/** What the machine has left: processors and memory. */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

export const cores = availableParallelism();

/** MiB that can be had without swapping. */
export function freeMemory() {
  const text = readFileSync('/proc/meminfo', 'utf8');
  return Number(/^MemAvailable: +(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}

/** Milliseconds of the past that tell whether there is room: a lull between two commands is none. */
const LATELY = 4000;

/** Follows how busy the processors are. */
export class Processors {
  #looks = [{ at: Date.now(), ...ticks() }];
  #first = this.#looks[0];

  /** Share of all of them that was idle, waited for a disk or did background work lately. */
  idle() {
    const now = { at: Date.now(), ...ticks() };
    this.#looks = [...this.#looks.filter(({ at }) => at > now.at - LATELY), now];
    return shareOf(this.#looks[0], now, ({ idle, nice }) => idle + nice);
  }

  /** Share that was busy, with the background work, since the beginning. */
  busySinceStart() {
    return 1 - shareOf(this.#first, ticks(), ({ idle }) => idle);
  }
}

function shareOf(before, now, count) {
  return now.all === before.all ? 1 : (count(now) - count(before)) / (now.all - before.all);
}

/** Of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. */
function ticks() {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line
    .split(/ +/)
    .slice(1)
    .map(Number);
  const all = user + nice + system + idle + iowait + irq + softirq + steal;
  return { all, nice, idle: idle + iowait };
}
