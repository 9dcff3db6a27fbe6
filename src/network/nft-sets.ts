/** Named sets of nftables rules, as text. */

import { type Cidr, cidrCovers, networkOf, prefixOf } from './ipv4.ts';

/** Sets of addresses and subnets, by name. */
export function renderAddressSets(sets: Readonly<Record<string, readonly Cidr[]>>): string {
  return Object.entries(sets)
    .map(([name, cidrs]) => {
      const elements = withoutCovered(cidrs).map((cidr) => cidr.replace(/\/32$/, ''));
      return renderSet(name, 'type ipv4_addr; flags interval;', elements);
    })
    .join('');
}

/**
 * Always there, so that rules can name it. Without elements nothing matches (`{ }` is a syntax error).
 *
 * @param kind `type …; flags …;`
 */
export function renderSet(name: string, kind: string, elements: readonly string[]): string {
  const line = elements.length > 0 ? `\t\telements = { ${elements.join(', ')} }\n` : '';
  return `\tset ${name} {\n\t\t${kind}\n${line}\t}\n`;
}

/** Sorted, and without the subnets that another one covers: nft refuses overlapping intervals. */
function withoutCovered(cidrs: readonly Cidr[]): Cidr[] {
  const wideFirst = [...new Set(cidrs)].sort(
    (a, b) => networkOf(a) - networkOf(b) || prefixOf(a) - prefixOf(b),
  );
  const kept: Cidr[] = [];
  for (const cidr of wideFirst) {
    const last = kept.at(-1);
    if (last === undefined || !cidrCovers(last, cidr)) kept.push(cidr);
  }
  return kept;
}
