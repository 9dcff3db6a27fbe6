/** Who gets into an instance, by the rules that its network namespace holds. */

import { lanInterface, publishInterface } from './guard.ts';
import { cidrContains, ipv4ToNumber, makeCidr, parseIpv4 } from './ipv4.ts';
import type { Rule, TableRules } from './nft-rules.ts';

/**
 * Who reaches what. `host`: programs on the host; `lan`: by the instance's own address; `published`:
 * from elsewhere, by the host's; `attached`: by a network of the user's; `other`: by a foreign rule.
 */
export interface Reach {
  by: 'host' | 'lan' | 'published' | 'attached' | 'other';
  /** Addresses as the instance sees them; empty: everybody. */
  from: string[];
  /** What is dropped before, although `from` has it. */
  except: string[];
  /** Address and port. */
  to: string;
}

export interface ReachedAt {
  bridge: string | null;
  lan: string | null;
  /** Addresses of the host. */
  host: ReadonlySet<string>;
  /** By interface: a joined network's, or all that the sidecar has whose network it lives in. */
  attached: ReadonlyMap<string, string>;
}

/** From the accepting rules of chain `input`, each with what is dropped before it. */
export function reachOf(table: TableRules | null, at: ReachedAt): Reach[] {
  if (table?.policies.input !== 'drop') return openToAll(at);
  const rules = table.rules.filter((rule) => rule.chain === 'input');
  return rules.flatMap((rule, index): Reach[] => {
    const opens = rule.verdict === 'accept' && rule.input !== 'lo' && rule.states === null;
    if (!opens || rule.protocol === 'icmp' || rule.protocol === 'ipv6') return [];
    if (rule.from !== null && rule.from.length === 0) return [];
    const dropped = rules
      .slice(0, index)
      .filter((it) => it.verdict === 'drop' && it.input === rule.input && it.ports === null)
      .flatMap((it) => it.from ?? []);
    return (rule.ports ?? ['any']).map((port) => ({
      by: wayOf(rule, at),
      from: rule.from ?? [],
      except: dropped.filter(
        (other) => rule.from === null || rule.from.some((it) => meets(it, other)),
      ),
      to: `${addressOf(rule, at) ?? '*'}:${port}`,
    }));
  });
}

function wayOf({ understood, input, from }: Rule, at: ReachedAt): Reach['by'] {
  if (!understood) return 'other';
  if (input === lanInterface) return 'lan';
  // In a sidecar's network the rules name no interface: which it has is its own business.
  const alone = at.bridge === null && at.lan === null && at.attached.size > 0;
  const attached = input === null ? alone : at.attached.has(input);
  if (input !== publishInterface && !attached) return 'other';
  if (from?.every((source) => at.host.has(source)) === true) return 'host';
  return attached ? 'attached' : 'published';
}

function addressOf({ input }: Rule, { bridge, lan, attached }: ReachedAt): string | null {
  if (input === lanInterface) return lan;
  return input === null ? bridge : (attached.get(input) ?? bridge);
}

/**
 * Of an instance in the host's own network: what the host's chain `input` lets through before it drops its port.
 *
 * @param at `publish`: address and port of the API, on the host
 */
export function hostReachOf(
  table: TableRules | null,
  { publish, relayPort }: { publish: string | null; relayPort: number },
): Reach[] {
  const rules = (table?.rules ?? []).filter(({ chain }) => chain === 'input');
  const names = (rule: Rule) => rule.ports?.includes(String(relayPort));
  const closed = rules.some((rule) => rule.verdict === 'drop' && names(rule) && rule.understood);
  const to = publish?.endsWith(`:${relayPort}`) ? publish : `*:${relayPort}`;
  if (!closed) return [{ by: 'published', from: [], except: [], to }];
  return rules.flatMap((rule): Reach[] =>
    rule.verdict === 'return' && names(rule) && rule.from !== null && rule.from.length > 0
      ? [{ by: 'published', from: rule.from, except: [], to }]
      : [],
  );
}

/** Nothing drops what is not accepted: every port, for everybody who has a way there. */
function openToAll({ lan, bridge, attached }: ReachedAt): Reach[] {
  const open = (by: Reach['by'], address: string | null): Reach[] =>
    address === null ? [] : [{ by, from: [], except: [], to: `${address}:any` }];
  return [
    ...open('lan', lan),
    ...open('published', bridge),
    ...[...attached.values()].flatMap((address) => open('attached', address)),
  ];
}

/** Whether two addresses, subnets or ranges of nft's have an address in common; a range counts as one that does. */
export function meets(one: string, other: string): boolean {
  const subnet = (text: string) => {
    const [address = '', prefix = '32'] = text.split('/');
    const parsed = parseIpv4(address);
    return parsed && { address: parsed, prefix: Number(prefix) };
  };
  const [a, b] = [subnet(one), subnet(other)];
  if (!a || !b) return true;
  const [wide, narrow] = a.prefix <= b.prefix ? [a, b] : [b, a];
  return cidrContains(makeCidr(ipv4ToNumber(wide.address), wide.prefix), narrow.address);
}
