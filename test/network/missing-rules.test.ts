import { describe, expect, test } from 'vitest';
import { renderHostRules } from '../../src/network/host-rules.ts';
import type { Cidr, Ipv4 } from '../../src/network/ipv4.ts';
import { rulesAreMissing } from '../../src/network/missing-rules.ts';

const wanted = renderHostRules({
  hostPorts: { all: [4002, 4004], open: [4004] },
  allow: ['10.0.0.7' as Cidr],
  siblings: [],
  publishAddress: '10.0.0.5' as Ipv4,
  lanSubnet: null,
  routed: null,
  otherBridges: [],
  egress: 'host',
  gateways: [],
  hostServices: [],
  linkLocal: false,
});
/** As `nft list table` puts it: without comments, what it knows by another order of words in that order. */
const listed = wanted
  .replace(/^.*(?:#|delete table).*\n/gm, '')
  .replace('ct state new,untracked,invalid', 'ct state invalid,new,untracked');

describe('rules of the host', () => {
  test('are all there as they were loaded', () => {
    expect(rulesAreMissing(wanted, listed)).toBe(false);
  });

  const rules = listed
    .split('\n')
    .filter((line) => /(?:drop|return|jump \w+|masquerade)$/.test(line));

  test.each(rules)('lack one: %s', (rule) => {
    expect(rulesAreMissing(wanted, listed.replace(`${rule}\n`, ''))).toBe(true);
  });

  test('lack a chain', () => {
    expect(rulesAreMissing(wanted, listed.replace('chain input', 'chain other'))).toBe(true);
  });

  test('are not judged by what is no listing', () => {
    expect(rulesAreMissing(wanted, '')).toBe(false);
  });
});
