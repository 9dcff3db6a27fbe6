/**
 * nftables rules as the kernel holds them, read from `nft -j list table` (libnftables-json(5)): who
 * gets in by them, and whether they are still those that were loaded.
 */

import { field, listOf, textOf } from './json.ts';

export interface Rule {
  chain: string;
  /** Interface that a packet came in by, or goes out by; null: any. */
  input: string | null;
  output: string | null;
  protocol: 'any' | 'tcp' | 'icmp' | 'ipv6';
  /** Source and destination addresses, sets written out; null: any. `local`: any of the host's own. */
  from: string[] | null;
  to: string[] | null;
  /** TCP ports; null: any. */
  ports: string[] | null;
  /** States of its connection; null: any. */
  states: string[] | null;
  verdict: 'accept' | 'drop' | 'return' | 'masquerade' | 'dnat' | 'other';
  /** Where `dnat` leads. */
  target: { address: string; port: number | null } | null;
  /** False where it has more conditions than were understood. */
  understood: boolean;
}

export interface TableRules {
  /** Policy of each base chain. */
  policies: Readonly<Record<string, string>>;
  /** Elements of each set, as `10.0.0.7`, `10.0.0.0/24` or `10.0.0.1-10.0.0.9`. */
  sets: Readonly<Record<string, readonly string[]>>;
  rules: readonly Rule[];
}

/** @param listing what `nft -j` printed, parsed; null: there is no such table */
export function parseRules(listing: unknown): TableRules | null {
  const items = listOf(field(listing, 'nftables'));
  const of = (kind: string) => items.map((item) => field(item, kind)).filter(Boolean);
  if (of('table').length === 0) return null;
  const sets = Object.fromEntries(
    of('set').map((set) => [String(field(set, 'name')), listOf(field(set, 'elem')).map(valueText)]),
  );
  const policies = of('chain').flatMap((chain) => {
    const policy = textOf(field(chain, 'policy'));
    return policy === null ? [] : [[String(field(chain, 'name')), policy] as const];
  });
  return {
    policies: Object.fromEntries(policies),
    sets,
    rules: of('rule').map((rule) => parseRule(rule, sets)),
  };
}

function parseRule(rule: unknown, sets: TableRules['sets']): Rule {
  const parsed: Rule = {
    chain: String(field(rule, 'chain')),
    input: null,
    output: null,
    protocol: 'any',
    from: null,
    to: null,
    ports: null,
    states: null,
    verdict: 'other',
    target: null,
    understood: true,
  };
  for (const expression of listOf(field(rule, 'expr'))) {
    const match = field(expression, 'match');
    if (match) takeMatch(parsed, match, sets);
    else if (!takeVerdict(parsed, expression)) parsed.understood = false;
  }
  return parsed;
}

function takeMatch(rule: Rule, match: unknown, sets: TableRules['sets']): void {
  const left = field(match, 'left');
  if (takePair(rule, match, sets)) return;
  const meta = field(left, 'meta', 'key');
  const values = valuesOf(field(match, 'right'), sets);
  const what = meta
    ? `meta ${meta}`
    : field(left, 'ct')
      ? `ct ${field(left, 'ct', 'key')}`
      : field(left, 'fib', 'result') === 'type'
        ? `fib ${listOf(field(left, 'fib', 'flags')).join(' ')}`
        : `${field(left, 'payload', 'protocol')} ${field(left, 'payload', 'field')}`;
  // `!=` turns a condition round: not one that guards of ours have.
  if (field(match, 'op') === '!=') rule.understood = false;
  else if (what === 'meta iif' || what === 'meta iifname') rule.input = values[0] ?? null;
  else if (what === 'meta oif' || what === 'meta oifname') rule.output = values[0] ?? null;
  else if (what === 'meta nfproto') rule.protocol = values[0] === 'ipv6' ? 'ipv6' : rule.protocol;
  else if (what === 'ct state') rule.states = values;
  else if (what === 'ip saddr' || what === 'fib saddr')
    rule.from = rule.from?.length === 0 ? [] : values;
  else if (what === 'ip daddr') rule.to = values;
  else if (what === 'icmp type') rule.protocol = 'icmp';
  else if (what === 'tcp dport') {
    rule.protocol = 'tcp';
    rule.ports = values;
  } else rule.understood = false;
}

/**
 * `ether saddr`, alone or with an address: who comes by it has an address too, so that it narrows a rule and opens
 * nothing. A set without elements is for nobody.
 */
function takePair(rule: Rule, match: unknown, sets: TableRules['sets']): boolean {
  const left = field(match, 'left');
  const parts = listOf(field(left, 'concat'));
  const [mac, address] = parts.length > 0 ? parts : [left];
  const is = (part: unknown, protocol: string) =>
    field(part, 'payload', 'protocol') === protocol && field(part, 'payload', 'field') === 'saddr';
  if (field(match, 'op') === '!=' || !is(mac, 'ether')) return false;
  const values = valuesOf(field(match, 'right'), sets);
  if (parts.length === 0) {
    if (values.length === 0) rule.from = [];
    return true;
  }
  if (parts.length !== 2 || !is(address, 'ip')) return false;
  rule.from = values.map((value) => value.split(' ').at(-1) ?? value);
  return true;
}

const PLAIN_VERDICTS = ['accept', 'drop', 'return', 'masquerade'] as const;

/** @returns false for what is neither a verdict nor of no effect */
function takeVerdict(rule: Rule, expression: unknown): boolean {
  if (typeof expression !== 'object' || expression === null) return false;
  const plain = PLAIN_VERDICTS.find((verdict) => verdict in expression);
  if (plain) {
    rule.verdict = plain;
    return true;
  }
  const dnat = field(expression, 'dnat');
  if (dnat) {
    const port = field(dnat, 'port');
    rule.verdict = 'dnat';
    rule.target = {
      address: textOf(field(dnat, 'addr')) ?? '',
      port: typeof port === 'number' ? port : null,
    };
    return true;
  }
  return 'counter' in expression || 'mangle' in expression;
}

/** One value, a list, `{ set: […] }`, or `@name` of a set of the table. */
function valuesOf(right: unknown, sets: TableRules['sets']): string[] {
  if (Array.isArray(right)) return right.map(valueText);
  const inline = field(right, 'set');
  if (inline) return (Array.isArray(inline) ? inline : [inline]).map(valueText);
  const text = valueText(right);
  return text.startsWith('@') ? [...(sets[text.slice(1)] ?? [])] : [text];
}

function valueText(value: unknown): string {
  const plain = textOf(value);
  if (plain !== null) return plain;
  const element = field(value, 'elem', 'val');
  if (element !== undefined) return valueText(element);
  const parts = listOf(field(value, 'concat'));
  if (parts.length > 0) return parts.map(valueText).join(' ');
  const prefix = field(value, 'prefix');
  if (prefix) return `${field(prefix, 'addr')}/${field(prefix, 'len')}`;
  const range = listOf(field(value, 'range'));
  return range.length === 2 ? `${range[0]}-${range[1]}` : JSON.stringify(value);
}

/**
 * Whether two listings hold the same rules: chains, sets with their elements, rules in order.
 * Handles and counters tell nothing.
 */
export function sameRules(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(listing: unknown): string {
  return listOf(field(listing, 'nftables'))
    .filter((item) => !field(item, 'metainfo'))
    .map((item) => JSON.stringify(item, withoutNumbers))
    .join('\n');
}

function withoutNumbers(key: string, value: unknown): unknown {
  return ['handle', 'index', 'packets', 'bytes', 'expires'].includes(key) ? undefined : value;
}
