/** Which LAN the stand-ins are plugged into, and with which addresses. */

import { lanInterface } from '../network/guard.ts';
import type { InstanceState, NetworkInForce, PodmanNetwork } from '../network/in-force.ts';
import { type Ipv4, ipv4ToNumber, makeCidr } from '../network/ipv4.ts';
import type { Target } from '../network/reachability.ts';
import { isAllowed, lanCandidates } from '../network/stand-addresses.ts';
import type { Host } from './host.ts';
import { askLan } from './lan-ask.ts';

/** How long a machine may take to answer for its address. */
const ANSWER_MS = 400;

export interface OnLan extends InstanceState {
  target: Target;
}

export interface LanPlan {
  network: PodmanNetwork | null;
  prefix: string;
  allowed: Ipv4 | null;
  other: Ipv4 | null;
  reason: string;
  broken: string | null;
}

/** The LAN of the first instance that has one; stand-ins are plugged into one LAN only. */
export async function planLan(
  host: Host,
  facts: NetworkInForce,
  tested: readonly OnLan[],
): Promise<LanPlan> {
  const onLan = tested.find(({ target }) => target.lan !== null);
  const network = facts.networks.find(({ attached }) =>
    attached.includes(`${onLan?.container}/${lanInterface}`),
  );
  const none: LanPlan = {
    network: network ?? null,
    prefix: '',
    allowed: null,
    other: null,
    reason: 'Podman does not say which LAN it is on',
    broken: null,
  };
  const [, prefix = ''] = network?.subnet.split('/') ?? [];
  if (!onLan || !network) return none;
  const parent = facts.host.links.find(({ name }) => name === network.interface);
  if (parent?.state !== 'up') {
    const broken = `${network.interface} is ${parent?.state ?? 'missing'}`;
    return { ...none, prefix, broken };
  }
  const rules = tested.map(({ namespace }) => namespace?.loadedRules);
  const ranges = rules.flatMap((table) =>
    (table?.rules ?? [])
      .filter(({ verdict, input }) => verdict === 'drop' && input === lanInterface)
      .flatMap(({ from }) => from ?? []),
  );
  const allow = [...new Set(tested.flatMap(({ target }) => target.allow))];
  const taken = new Set([
    ...facts.host.links.flatMap(({ addresses }) => addresses.map((it) => it.split('/')[0] ?? '')),
    ...facts.host.routes.flatMap(({ gateway }) => gateway ?? []),
    ...facts.instances.flatMap(({ lan, name }) => [
      lan ?? '',
      tested.find((it) => it.name === name)?.target.lan?.address ?? '',
    ]),
    network.gateway ?? '',
  ]);
  const address = network.subnet.split('/')[0] as Ipv4;
  const subnet = makeCidr(ipv4ToNumber(address), Number(prefix));
  const found = lanCandidates({ subnet, allow, taken, ranges }, (it) => isAllowed(allow, it));
  const asked = [...found.allowed, ...found.others];
  const answers = await askLan(host, {
    device: network.interface,
    addresses: asked,
    waitMs: ANSWER_MS,
  });
  const pick = (list: readonly Ipv4[]) => list.filter((address) => !answers.has(address));
  const [other, second] = pick(found.others);
  return {
    ...none,
    prefix,
    other: other ?? null,
    // Without a free one in an allowed subnet, one that is let in for the time of the test.
    allowed: pick(found.allowed)[0] ?? second ?? null,
    reason:
      found.others.length === 0
        ? 'everybody on the LAN is allowed'
        : `no free address was found in ${network.subnet}`,
  };
}
