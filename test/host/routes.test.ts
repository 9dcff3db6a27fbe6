/** The kernel's tables as ibq reads them, against what the kernel does: `ip route get` in namespaces made for it. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectedSubnets, findGateway } from '../../src/network/connected.ts';
import type { NetworkFacts } from '../../src/network/facts.ts';
import { type Cidr, cidrContains, type Ipv4, prefixOf } from '../../src/network/ipv4.ts';
import { describeOnHosts } from './harness.ts';
import {
  bridgeSubnet,
  type Case,
  cases,
  parseSaid,
  type Said,
  scriptOf,
  wayByTable,
  withBridge,
} from './routes.ts';

/** Each takes a fifth of a second; the sum over all runs is what counts. */
const COUNT = 40;

describeOnHosts(
  'random links and routes',
  (host) => {
    // A new draw at each run; a failing one is told with all that it takes to repeat it.
    const drawn = fc.sample(cases, COUNT);

    async function ask(list: readonly Case[]): Promise<Said[]> {
      const said = parseSaid(await host.ok(['bash', '-s'], { stdin: scriptOf(list) }), list);
      expect(said).toHaveLength(list.length);
      return said;
    }

    let first: Promise<Said[]> | null = null;
    const asDrawn = () => {
      first ??= ask(drawn);
      return first;
    };

    test('/proc/net/route is read as the kernel uses it, and a gateway is the kernel’s own', async () => {
      const said = await asDrawn();
      let compared = 0;
      let gateways = 0;
      for (const [index, { facts, ways }] of said.entries()) {
        const { commands, destinations } = drawn[index] ?? { commands: [], destinations: [] };
        for (const [at, to] of destinations.entries()) {
          if (facts.addresses.includes(to)) continue;
          const way = ways[at] ?? null;
          // Broadcast and network addresses are the host's own in another table.
          if (way?.interface === 'lo') continue;
          expect({ commands, to, way: wayByTable(facts, to) }).toEqual({ commands, to, way });
          compared += 1;
          gateways += checkGateway(facts, way) ? 1 : 0;
        }
      }
      expect(compared).toBeGreaterThan(COUNT);
      expect(gateways).toBeGreaterThan(0);
    });

    test('what goes to the subnet of a new bridge goes to the bridge, and stays with an installed one', async () => {
      const found = await asDrawn();
      const with_ = drawn.flatMap((it, index) => {
        const facts = found[index]?.facts;
        const subnet = facts ? bridgeSubnet(facts, null) : null;
        return subnet === null ? [] : [{ subnet, of: withBridge(it, subnet), drawn: it }];
      });
      expect(with_.length).toBeGreaterThan(COUNT / 2);
      const second = await ask(with_.map(({ of }) => of));
      for (const [index, { facts, ways }] of second.entries()) {
        const { subnet, drawn: it } = with_[index] ?? {};
        for (const way of ways) {
          expect({ subnet, it, way: way?.interface }).toEqual({ subnet, it, way: 'ibqbridge' });
        }
        // Its own route is there now, and nothing of what was drawn takes it away.
        expect({ it, kept: bridgeSubnet(facts, subnet ?? null) }).toEqual({ it, kept: subnet });
      }
    });

    test('an installed bridge that a plan keeps is one that the kernel sends to, whatever routes come later', async () => {
      const installed = '10.89.0.0/24' as Cidr;
      const later = drawn.map((it) => withBridge(it, installed));
      const said = await ask(later);
      let kept = 0;
      for (const [index, { facts, ways }] of said.entries()) {
        if (bridgeSubnet(facts, installed) !== installed) continue;
        kept += 1;
        for (const way of ways) {
          expect({ later: later[index], way: way?.interface }).toEqual({
            later: later[index],
            way: 'ibqbridge',
          });
        }
      }
      expect(kept).toBeGreaterThan(0);
    });
  },
  ['trixie'],
);

/** Where the kernel takes a default route with a router, detection finds the same router for that interface. */
function checkGateway(facts: NetworkFacts, way: Said['ways'][number]): boolean {
  if (way?.gateway == null) return false;
  const { interface: link, gateway } = way;
  const byDefault = facts.routes.some(
    (it) => prefixOf(it.destination) === 0 && it.gateway === gateway && it.interface === link,
  );
  const subnet = connectedSubnets(facts, link).find((it) => cidrContains(it, gateway as Ipv4));
  if (!byDefault || subnet === undefined) return false;
  const others = facts.routes.filter((it) => prefixOf(it.destination) === 0);
  expect({ found: findGateway(facts, link, subnet), others }).toEqual({
    found: { gateway, gatewaySource: 'route' },
    others,
  });
  return true;
}
