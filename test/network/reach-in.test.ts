/** Who reaches an instance in the host's own network, by the host's rules. */

import { describe, expect, test } from 'vitest';
import type { Rule, TableRules } from '../../src/network/nft-rules.ts';
import { hostReachOf } from '../../src/network/reach-in.ts';

const rule = (changes: Partial<Rule>): Rule => ({
  chain: 'input',
  input: null,
  output: null,
  protocol: 'tcp',
  from: null,
  to: null,
  ports: null,
  states: null,
  verdict: 'drop',
  target: null,
  understood: true,
  ...changes,
});
const table = (...rules: Rule[]): TableRules => ({
  policies: { input: 'accept' },
  sets: {},
  rules,
});

const loopback = rule({ input: 'lo', protocol: 'any', verdict: 'return' });
const drop = rule({ ports: ['4004'] });
const instance = { publish: '10.0.0.5:4004', relayPort: 4004 };

describe('the relay in the host’s network', () => {
  test.each<[string, TableRules | null, string[]]>([
    ['closed: nobody but the host', table(loopback, drop), []],
    [
      'open to those who are allowed',
      table(loopback, rule({ ports: ['4004'], from: ['10.0.0.7'], verdict: 'return' }), drop),
      ['10.0.0.7 → 10.0.0.5:4004'],
    ],
    [
      'allowed without a name: nobody',
      table(loopback, rule({ ports: ['4004'], from: [], verdict: 'return' }), drop),
      [],
    ],
    ['another port is closed: everybody', table(rule({ ports: ['4003'] })), [' → 10.0.0.5:4004']],
    [
      'dropped on a condition that was not understood: everybody',
      table(rule({ ports: ['4004'], understood: false })),
      [' → 10.0.0.5:4004'],
    ],
    ['no rules at all: everybody', null, [' → 10.0.0.5:4004']],
  ])('%s', (_title, rules, expected) => {
    const reach = hostReachOf(rules, instance).map(({ from, to }) => `${from.join(' ')} → ${to}`);
    expect(reach).toEqual(expected);
  });

  test('published on loopback it is named by its port alone', () => {
    const published = { publish: '127.0.0.1:4002', relayPort: 4004 };
    expect(hostReachOf(null, published).map(({ to }) => to)).toEqual(['*:4004']);
  });
});
