/** Which test file starts next, and on how full a machine. */

import { describe, expect, test } from 'vitest';
import {
  inOrder,
  type Machine,
  next as nextOf,
  type Waiting,
} from '../../scripts/test.d/schedule.mjs';

const IDLE: Machine = { cores: 2, memory: 24_000, idle: 1 };

function job(id: string, changes: Partial<Waiting & { kind: string }> = {}): Waiting {
  return { id, kind: 'host', after: [], background: false, memory: 1200, ...changes };
}

const hosts = (count: number) => Array.from({ length: count }, (_, at) => job(`host ${at}`));

function next(
  waiting: readonly Waiting[],
  running: readonly Waiting[] = [],
  machine: Partial<Machine> = {},
  most: number | null = null,
): string | undefined {
  return nextOf(waiting, running, new Set(['build']), { ...IDLE, ...machine }, most)?.id;
}

describe('the order', () => {
  test('longest first, what nobody has measured before all', () => {
    const jobs = ['short', 'new', 'long'].map((id) => job(id));
    const order = inOrder(jobs, { short: 10, long: 300 });
    expect(order.map(({ id }) => id)).toEqual(['new', 'long', 'short']);
  });

  test('what others need, then the unit tests, then hosts', () => {
    const jobs = [
      job('host'),
      job('unit', { kind: 'unit' }),
      job('image trixie', { kind: 'image' }),
      job('build', { kind: 'check' }),
    ];
    const order = inOrder(jobs, { host: 900, unit: 100, build: 1 }).map(({ id }) => id);
    expect(order).toEqual(['image trixie', 'build', 'unit', 'host']);
  });
});

describe('the next', () => {
  test('waits for what it needs, and lets others go before it', () => {
    const waiting = [job('a', { after: ['build', 'image forky'] }), job('b', { after: ['build'] })];
    expect(next(waiting)).toBe('b');
    expect(next(waiting.slice(0, 1))).toBeUndefined();
  });

  test('as many hosts as processors, however busy they are', () => {
    expect(next(hosts(1), hosts(1), { idle: 0 })).toBe('host 0');
    expect(next(hosts(1), hosts(2), { idle: 0 })).toBeUndefined();
  });

  test('more where the processors wait, up to two for each', () => {
    expect(next(hosts(1), hosts(3), { idle: 0.5 })).toBe('host 0');
    expect(next(hosts(1), hosts(4), { idle: 1 })).toBeUndefined();
  });

  test('no more than somebody said', () => {
    expect(next(hosts(1), hosts(2), {}, 3)).toBe('host 0');
    expect(next(hosts(1), hosts(3), {}, 3)).toBeUndefined();
    expect(next(hosts(1), hosts(1), {}, 1)).toBeUndefined();
  });

  test('none for which there is no memory, but one always', () => {
    expect(next(hosts(1), hosts(3), { memory: 6000 })).toBeUndefined();
    expect(next(hosts(1), [], { memory: 500 })).toBe('host 0');
  });

  test('background work one after the other, beside hosts', () => {
    const check = job('style', { kind: 'check', background: true });
    expect(next([check], hosts(3), { idle: 0 })).toBe('style');
    expect(next([check], [job('types', { kind: 'check', background: true })])).toBeUndefined();
  });
});
