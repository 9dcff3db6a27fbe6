/** Who reaches an instance on networks that are not ibq's: the host's own, joined ones, a sidecar's. */

import { describe, expect, test } from 'vitest';
import type { Rule, TableRules } from '../../src/network/nft-rules.ts';
import { hostReachOf, reachOf } from '../../src/network/reach-in.ts';

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

describe('networks of the user’s', () => {
  const host = new Set(['10.89.0.1', '10.90.0.1']);
  const joined = {
    bridge: '10.89.0.3',
    lan: null,
    host,
    attached: new Map([['join0', '10.90.0.5']]),
  };
  const sidecar = { bridge: null, lan: null, host, attached: new Map([['wg0', '10.8.0.2']]) };
  const open = (from: string[], input: string | null, understood = true) =>
    rule({ from, input, ports: ['4003'], verdict: 'accept', understood });

  test.each<[string, Parameters<typeof reachOf>[1], Rule, string]>([
    [
      'containers of a joined one',
      joined,
      open(['10.90.0.0/24'], 'join0'),
      'attached 10.90.0.5:4003',
    ],
    [
      'published ports by a joined one',
      joined,
      open(['10.90.0.1'], 'join0'),
      'host 10.90.0.5:4003',
    ],
    [
      'conditions that were not understood',
      joined,
      open(['10.90.0.0/24'], 'join0', false),
      'other 10.90.0.5:4003',
    ],
    [
      'a rule for no interface, where ibq names them',
      joined,
      open(['10.8.0.7'], null),
      'other 10.89.0.3:4003',
    ],
    ['an interface that is not there', joined, open(['10.8.0.7'], 'eth7'), 'other 10.89.0.3:4003'],
    ['clients by a sidecar', sidecar, open(['10.8.0.7'], null), 'attached *:4003'],
    ['the host by a sidecar', sidecar, open(['10.89.0.1'], null), 'host *:4003'],
  ])('%s', (_title, at, one, expected) => {
    const rules = { ...table(one), policies: { input: 'drop' } };
    expect(reachOf(rules, at).map(({ by, to }) => `${by} ${to}`)).toEqual([expected]);
  });

  test('without rules all of them are open', () => {
    expect(reachOf(null, joined).map(({ by, to }) => `${by} ${to}`)).toEqual([
      'published 10.89.0.3:any',
      'attached 10.90.0.5:any',
    ]);
  });
});
