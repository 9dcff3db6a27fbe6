import { expect, test } from 'vitest';
import { stableMac } from '../../src/network/mac.ts';

const none = new Set<string>();

test('a MAC is locally administered, unicast and always the same', () => {
  expect(stableMac('0123', '4001', none)).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(stableMac('0123', '4001', none)).toBe(stableMac('0123', '4001', none));
});

test('it differs between instances and between hosts', () => {
  const names = Array.from({ length: 1000 }, (_, at) => `gw${at}`);
  const macs = ['a', 'b'].flatMap((host) => names.map((name) => stableMac(host, name, none)));
  expect(new Set(macs).size).toBe(2000);
});

test('one that is taken is passed over', () => {
  const first = stableMac('0123', '4001', none);
  expect(stableMac('0123', '4001', new Set([first]))).not.toBe(first);
});
