/** The gateway's own clock, by the zone of its jts.ini. */

import { expect, test } from 'vitest';
import { Clock, offsetOf } from './clock.ts';

const HOUR = 3_600_000;
const hours = (zone: string, at: string) => {
  const ahead = offsetOf(zone, Date.parse(at)) / HOUR;
  return ((ahead + 36) % 24) - 12;
};

test.each([
  ['America/New_York', '2026-01-15T03:00:30Z', -5],
  ['America/New_York', '2026-07-15T03:00:30Z', -4],
  ['Asia/Kolkata', '2026-07-15T23:59:59Z', 5.5],
  ['Etc/UTC', '2026-07-15T12:00:00Z', 0],
  ['', '2026-07-15T12:00:00Z', 0],
  ['Nowhere/At_All', '2026-07-15T12:00:00Z', 0],
])('%s at %s is %d hours ahead', (zone, at, ahead) => {
  expect(hours(zone, at)).toBe(ahead);
});

test('an order sets it, while somebody waits for a time', async () => {
  const clock = new Clock();
  clock.set('12:00:00');
  const { signal } = new AbortController();
  const shown = Promise.all([
    clock.shows('12:00 AM', 'Etc/UTC', signal),
    clock.shows('12:01 AM', '', signal).then(() => 'later'),
  ]);
  clock.set('23:59:59');
  setTimeout(() => clock.set('00:00:59'), 1100);
  expect(await shown).toEqual([undefined, 'later']);
});

test('what is no time is refused', () => {
  expect(() => new Clock().set('23:59')).toThrow('clock: should be hh:mm:ss, got 23:59');
});

test('who waits is let go when the process ends', async () => {
  const ending = new AbortController();
  const waiting = new Clock().shows('12:00 AM', 'Etc/UTC', ending.signal);
  ending.abort();
  await expect(waiting).rejects.toThrow();
});
