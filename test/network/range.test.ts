import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  broadcastOf,
  type Cidr,
  cidrCovers,
  cidrsOverlap,
  makeCidr,
  networkOf,
  sizeOf,
} from '../../src/network/ipv4.ts';
import {
  addressesNeeded,
  enlargeRange,
  isRangeUsable,
  proposeRange,
} from '../../src/network/range.ts';
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

test.each<[string, string, string[], number, string | null]>([
  ['10.0.0.192/27', '10.0.0.0/24', ['10.0.0.1/32'], 33, '10.0.0.192/26'],
  ['10.0.0.192/27', '10.0.0.0/24', ['10.0.0.1/32', '10.0.0.240/32'], 33, null],
  // The neighbours in the old part are the instances themselves.
  ['10.0.0.192/27', '10.0.0.0/24', ['10.0.0.1/32', '10.0.0.193/32'], 40, '10.0.0.192/26'],
  ['10.0.0.192/27', '10.0.0.0/24', ['10.0.0.1/32'], 100, '10.0.0.128/25'],
  ['10.0.0.192/27', '10.0.0.0/24', ['10.0.0.1/32'], 200, null],
])('%s of %s beside %j for %d instances grows to %s', (range, subnet, taken, count, larger) => {
  expect(enlargeRange(cidr(range), cidr(subnet), taken.map(cidr), count)).toBe(larger);
});

test('a range that grows holds all of the old one, has room, and takes nobody else’s address', () => {
  fc.assert(
    fc.property(
      subnets.filter((subnet) => sizeOf(subnet) >= 16),
      fc.integer({ min: 1, max: 12 }),
      instances,
      takenIn,
      (subnet, block, count, places) => {
        const range = makeCidr(networkOf(subnet) + block, 30);
        if (!cidrCovers(subnet, range)) return;
        const taken = places.map(([offset]) => makeCidr(networkOf(subnet) + offset, 32));
        const larger: Cidr | null = enlargeRange(range, subnet, taken, count);
        if (larger === null) return;
        expect(cidrCovers(larger, range)).toBe(true);
        expect(cidrCovers(subnet, larger) && larger !== subnet).toBe(true);
        for (const it of taken)
          if (!cidrCovers(range, it)) expect(cidrCovers(larger, it)).toBe(false);
        const edges = [networkOf(subnet), broadcastOf(subnet)].filter(
          (edge) => edge >= networkOf(larger) && edge <= broadcastOf(larger),
        ).length;
        expect(sizeOf(larger) - edges).toBeGreaterThanOrEqual(addressesNeeded(count));
      },
    ),
  );
});
