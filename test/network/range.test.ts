import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  broadcastOf,
  cidrCovers,
  cidrsOverlap,
  makeCidr,
  networkOf,
  sizeOf,
} from '../../src/network/ipv4.ts';
import { addressesNeeded, isRangeUsable, proposeRange } from '../../src/network/range.ts';
import { cidr } from './hosts.ts';

const subnets = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 24 - 1 }), fc.integer({ min: 8, max: 30 }))
  .map(([host, prefix]) => makeCidr(0x0a000000 + host, prefix));
const instances = fc.integer({ min: 0, max: 60 });
/** Addresses and blocks, many of them inside the subnet and near its end. */
const takenIn = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 26, max: 32 }), fc.boolean()), {
  maxLength: 40,
});

test('a range lies in its subnet, holds nothing that is taken and enough for the instances', () => {
  fc.assert(
    fc.property(subnets, instances, takenIn, (subnet, count, places) => {
      const taken = places.map(([offset, prefix, fromEnd]) => {
        const value = fromEnd ? broadcastOf(subnet) - offset : networkOf(subnet) + offset;
        return makeCidr(Math.max(value, 0), prefix);
      });
      const range = proposeRange(subnet, taken, count);
      if (range === null) return;
      expect(cidrCovers(subnet, range)).toBe(true);
      expect(sizeOf(range)).toBeGreaterThanOrEqual(addressesNeeded(count));
      for (const block of taken) expect(cidrsOverlap(block, range)).toBe(false);
      expect(networkOf(range)).toBeGreaterThan(networkOf(subnet));
      expect(broadcastOf(range)).toBeLessThan(broadcastOf(subnet));
      expect(isRangeUsable(range, subnet, taken, count)).toBe(true);
    }),
  );
});

test('nothing is proposed only where no block that is large enough is free', () => {
  fc.assert(
    fc.property(fc.integer({ min: 24, max: 30 }), instances, takenIn, (prefix, count, places) => {
      const subnet = makeCidr(0x0a000000, prefix);
      const taken = places.map(([offset, bits]) => makeCidr(networkOf(subnet) + offset, bits));
      if (proposeRange(subnet, taken, count) !== null) return;
      const size = 2 ** Math.ceil(Math.log2(addressesNeeded(count)));
      for (let start = networkOf(subnet); start <= broadcastOf(subnet); start += size) {
        const block = makeCidr(start, 32 - Math.log2(size));
        const free =
          start > networkOf(subnet) &&
          broadcastOf(block) < broadcastOf(subnet) &&
          !taken.some((other) => cidrsOverlap(other, block));
        expect(free).toBe(false);
      }
    }),
  );
});

test.each([
  ['10.0.0.0/24', [], 3, '10.0.0.192/27'],
  ['10.0.0.0/24', ['10.0.0.200/32'], 3, '10.0.0.160/27'],
  ['10.0.0.0/24', [], 31, '10.0.0.192/27'],
  ['10.0.0.0/24', [], 32, '10.0.0.128/26'],
  ['10.0.0.0/24', [], 200, null],
  ['10.0.0.0/25', [], 3, '10.0.0.96/28'],
  ['10.0.0.0/28', [], 1, '10.0.0.12/31'],
  ['10.0.0.0/29', [], 1, '10.0.0.4/31'],
  ['10.0.0.0/30', [], 1, null],
  ['10.0.0.0/8', [], 3, '10.255.255.192/27'],
  ['10.0.0.0/8', ['10.128.0.0/9'], 3, '10.127.255.224/27'],
])('%s without %j for %d instances: %s', (subnet, taken, count, range) => {
  expect(proposeRange(cidr(subnet), taken.map(cidr), count)).toBe(range);
});

test('a smaller block is taken where the usual size is not free', () => {
  const scattered = [16, 48, 80, 112, 144, 176, 208, 240].map((last) => `10.0.0.${last}/32`);
  expect(proposeRange(cidr('10.0.0.0/24'), scattered.map(cidr), 3)).toBe('10.0.0.224/28');
});

test.each([
  ['10.0.0.192/27', 3, true],
  ['10.0.1.192/27', 3, false],
  ['10.0.0.0/24', 3, false],
  ['10.0.0.192/31', 3, false],
])('the pinned range %s for %d instances still does: %s', (range, count, expected) => {
  expect(isRangeUsable(cidr(range), cidr('10.0.0.0/24'), [], count)).toBe(expected);
});
