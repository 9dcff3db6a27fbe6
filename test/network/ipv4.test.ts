import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  broadcastOf,
  cidrContains,
  cidrsBetween,
  cidrsOverlap,
  ipv4FromNumber,
  ipv4ToNumber,
  isPrivate,
  makeCidr,
  networkOf,
  parseCidr,
  parseIpv4,
  prefixOf,
  sizeOf,
} from '../../src/network/ipv4.ts';
import { cidr } from './hosts.ts';

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const prefix = fc.integer({ min: 0, max: 32 });

test('an address is the same after number and text', () => {
  fc.assert(
    fc.property(number, (value) => {
      const address = ipv4FromNumber(value);
      expect(ipv4ToNumber(address)).toBe(value);
      expect(parseIpv4(address)).toBe(address);
    }),
  );
});

test('a subnet is the same after parsing, and holds its first and last address', () => {
  fc.assert(
    fc.property(number, prefix, (value, bits) => {
      const subnet = makeCidr(value, bits);
      expect(parseCidr(subnet)).toBe(subnet);
      expect(prefixOf(subnet)).toBe(bits);
      expect(cidrContains(subnet, ipv4FromNumber(value))).toBe(true);
      expect(broadcastOf(subnet) - networkOf(subnet) + 1).toBe(sizeOf(subnet));
    }),
  );
});

test('subnets between two addresses hold exactly these', () => {
  fc.assert(
    fc.property(number, fc.integer({ min: 0, max: 5000 }), (first, count) => {
      const last = Math.min(first + count, 2 ** 32 - 1);
      const cidrs = cidrsBetween(first, last);
      let next = first;
      for (const block of cidrs) {
        expect(networkOf(block)).toBe(next);
        next = broadcastOf(block) + 1;
      }
      expect(next).toBe(last + 1);
    }),
  );
  expect(cidrsBetween(0, 2 ** 32 - 1)).toEqual(['0.0.0.0/0']);
});

test.each([
  ['10.0.0.5', true],
  ['255.255.255.255', true],
  ['10.0.0', false],
  ['10.0.0.256', false],
  ['010.0.0.1', false],
  ['10.0.0.1 ', false],
  ['1e1.0.0.1', false],
  ['', false],
])('address %j: %s', (text, valid) => {
  expect(parseIpv4(text) !== null).toBe(valid);
});

test.each([
  ['10.0.0.0/24', '10.0.0.0/24'],
  ['10.0.0.7', '10.0.0.7/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['10.0.0.5/24', null],
  ['10.0.0.0/33', null],
  ['10.0.0.0/024', null],
  ['10.0.0.0/24/8', null],
  ['10.0.0.0/', null],
])('subnet %j: %s', (text, parsed) => {
  expect(parseCidr(text)).toBe(parsed);
});

test.each([
  ['10.0.0.0/8', true],
  ['172.31.255.0/24', true],
  ['172.32.0.0/16', false],
  ['172.0.0.0/8', false],
  ['192.168.4.0/22', true],
  ['169.254.0.0/16', false],
  ['100.64.0.0/10', false],
])('%s is private: %s', (text, expected) => {
  expect(isPrivate(cidr(text))).toBe(expected);
});

test('subnets overlap where one holds the other', () => {
  const outer = cidr('10.0.0.0/8');
  expect(cidrsOverlap(outer, cidr('10.255.0.0/16'))).toBe(true);
  expect(cidrsOverlap(cidr('10.255.0.0/16'), outer)).toBe(true);
  expect(cidrsOverlap(outer, cidr('11.0.0.0/16'))).toBe(false);
});
