/** `network test` on the host: sets the stand-ins up, has everything tried, puts all back. */

import { lanInterface, publishInterface, STAND_IN_SET } from '../network/guard.ts';
import type { NetworkInForce } from '../network/in-force.ts';
import { cidrContains, type Ipv4, ipv4ToNumber, makeCidr, parseIpv4 } from '../network/ipv4.ts';
import { type Judged, judgeTries } from '../network/judge-tries.ts';
import { planTries, publishedAt, type Stand, type Target } from '../network/reachability.ts';
import { freeBlock, isAllowed } from '../network/stand-addresses.ts';
import type { Host } from './host.ts';
import type { Interrupt } from './interrupt.ts';
import { type LanPlan, type OnLan, planLan } from './lan-plan.ts';
import { readNetworkState } from './network-state.ts';
import { runTries } from './run-tries.ts';
import {
  addressesBehind,
  forget,
  introduce,
  letIn,
  plugBehindHost,
  plugIntoLan,
  undoStands,
  unknownMac,
} from './stand-in.ts';
import { type Perform, undoLeftovers, withUndo } from './undo.ts';
import { openVantage, type Vantage } from './vantage.ts';

export interface TestOptions {
  /** Null: all that are deployed. */
  instance: string | null;
  /** Where each instance should get out to. */
  to: readonly { host: string; port: number }[];
  interrupt: Interrupt;
}

export interface Tested {
  tries: Judged[];
  /** Instances that do not run: there is nothing to try. */
  notRunning: string[];
}

interface Running extends OnLan {
  pid: number;
  /** Its address there as it runs; null: it should have none. */
  lan: string | null;
  pendingRestart: boolean;
}

/** @returns null where it was interrupted; nothing temporary is left in any case */
export async function testReachability(host: Host, options: TestOptions): Promise<Tested | null> {
  await undoLeftovers(host);
  const facts = await readNetworkState(host);
  const all = runningOf(facts);
  const chosen = ({ name }: { name: string }) =>
    options.instance === null || name === options.instance;
  const tested = all.filter(chosen);
  const notRunning = facts.instances
    .filter((it) => chosen(it) && !all.some(({ name }) => name === it.name))
    .map(({ name }) => name);
  if (tested.length === 0) return { tries: [], notRunning };
  const lost = tested.flatMap(lostLan);

  const lan = await planLan(host, facts, tested);
  const mac = standInMac(facts, lan);
  const lets = tested.flatMap(({ pid, target, namespace }) => {
    const already =
      lan.allowed === null || isAllowed(namespace?.rules?.sets.allow ?? [], lan.allowed);
    // Where nobody is allowed nothing is opened, not even for a moment.
    return already || lan.allowed === null || target.allow.length === 0 || !target.takesStandIn
      ? []
      : [letIn(pid, { mac, address: lan.allowed })];
  });
  const borrowed = [lan.allowed, lan.other].filter((it) => it !== null);
  const onLan = tested.filter(({ target }) => target.lan !== null && borrowed.length > 0);
  const introducing = onLan.map(({ pid }) => introduce(pid, borrowed, mac));
  const client = await openVantage(['unshare', '--net']);
  const commands = [
    ...undoStands(
      client.pid,
      lets.map((it) => it.undo),
    ),
    ...onLan.map(({ pid }) => forget(pid, borrowed)),
  ];
  const tries = await withUndo(host, { pid: client.pid, commands }, async (perform) => {
    try {
      for (const line of introducing) await perform(line);
      const stand = await setUp(host, facts, tested, { ...lan, mac }, { client, perform });
      for (const { add } of lets) await perform(add);
      const planned = tested.map(({ target }) =>
        planTries(onThisLan(target, lan), stand, options.to),
      );
      const outcomes = runTries(host, planned.flat(), {
        client,
        pids: new Map(all.map(({ name, pid }) => [name, pid])),
        lanBroken: lan.broken,
      });
      const done = await Promise.race([outcomes, options.interrupt.requested.then(() => null)]);
      if (done === null) return null;
      return planned.flatMap((list) =>
        judgeTries(
          list,
          list.map((it) => done.get(it) ?? null),
          lan.broken,
        ),
      );
    } finally {
      await client.end();
    }
  });
  return tries && { tries: [...lost, ...tries], notRunning };
}

/** It should be on the LAN, and its interface there is gone: nobody's way in can be tried. */
function lostLan({ target, lan: address, pendingRestart }: Running): Judged[] {
  if (address === null || target.lan !== null || target.sharesHost || pendingRestart) return [];
  return [
    {
      instance: target.name,
      service: 'api',
      id: 'lan-allowed',
      from: 'LAN',
      host: address,
      port: target.relayPort,
      source: null,
      expected: 'ok',
      actual: null,
      result: 'fail',
      detail: `its interface ${lanInterface} is gone; sudo ibq deploy makes it again`,
      ms: null,
    },
  ];
}

/** Instances with a network of their own, and what they should be closed and open to. */
function runningOf({ instances, host }: NetworkInForce): Running[] {
  const running = instances.filter(
    (it) => it.pid !== null && (it.namespace !== null || it.sharesHost),
  );
  return running.flatMap((instance) => {
    const { name, namespace, pid, publish, relayPort, sharesHost } = instance;
    if (pid === null) return [];
    const link = (wanted: string) => namespace?.links.find((it) => it.name === wanted);
    const address = (wanted: string) => parseIpv4(link(wanted)?.addresses[0]?.split('/')[0] ?? '');
    const lan = address(lanInterface);
    const target: Target = {
      name,
      publish: placeOf(publish),
      relayPort,
      sharesHost,
      bridge: address(publishInterface),
      lan: lan && { address: lan, mac: link(lanInterface)?.mac ?? '' },
      allow: (namespace ?? host).loadedRules?.sets.allow ?? [],
      takesStandIn: namespace?.rules?.sets[STAND_IN_SET] !== undefined,
      sibling: running.find((other) => other.name !== name)?.name ?? null,
      others: instance.sideServices.map((side) => ({
        service: side.service,
        relayPort: side.relayPort,
        publish: placeOf(side.publish),
        forLan: side.lan !== null,
      })),
    };
    return [{ ...instance, pid, target }];
  });
}

function placeOf(publish: string | null): Target['publish'] {
  const colon = publish?.lastIndexOf(':') ?? -1;
  const address = parseIpv4(publish?.slice(0, colon) ?? '');
  return address && { address, port: Number(publish?.slice(colon + 1)) };
}

/** Another LAN than the stand-in's: its tries over the LAN are left out. */
function onThisLan(target: Target, { network }: LanPlan): Target {
  if (target.lan === null || network === null) return target;
  const [address = '', prefix = ''] = network.subnet.split('/');
  const subnet = makeCidr(ipv4ToNumber(address as Ipv4), Number(prefix));
  return cidrContains(subnet, target.lan.address) ? target : { ...target, lan: null };
}

async function setUp(
  host: Host,
  facts: NetworkInForce,
  tested: readonly Running[],
  lan: LanPlan & { mac: string },
  { client, perform }: { client: Vantage; perform: Perform },
): Promise<Stand> {
  const parent = facts.host.links.find(({ name }) => name === lan.network?.interface);
  const addresses = [lan.allowed, lan.other].filter((it) => it !== null);
  const plugged =
    lan.network === null || lan.broken !== null || addresses.length === 0
      ? { complaint: null, ipv6: null }
      : await plugIntoLan(host, client.pid, {
          network: lan.network,
          prefix: lan.prefix,
          addresses,
          instances: tested.flatMap(({ target }) => target.lan ?? []),
          parentMac: parent?.mac ?? null,
          mac: lan.mac,
        });
  const refused = plugged.complaint
    ? `${lan.network?.interface} takes no stand-in: ${plugged.complaint}`
    : null;
  const hostAddress = hostAddressOf(facts, lan);
  const block = freeBlock(facts.host.routes.map(({ destination }) => destination));
  const behindHost = tested.flatMap(({ target }) => [target.bridge, publishedAt(target)]);
  const destinations = new Set([...behindHost, hostAddress].filter((it) => it !== null));
  const complaint =
    block === null
      ? 'this host has routes to all documentation networks'
      : await plugBehindHost(host, client.pid, perform, {
          block,
          destinations: [...destinations].map((it) => `${it}/32`),
        });
  const behind = block === null || complaint !== null ? null : addressesBehind(block);
  return {
    allowed: refused ? null : lan.allowed,
    other: refused ? null : lan.other,
    lanReason: refused ?? lan.reason,
    lanBroken: lan.broken,
    neighbour: behind?.neighbour ?? null,
    container: behind?.container ?? null,
    hostReason: complaint ?? '',
    ipv6Interface: plugged.ipv6,
    hostAddress,
    shim: facts.host.links.some(
      (link) => link.name.startsWith('ibq') && link.parent === parent?.name && parent !== undefined,
    ),
  };
}

function standInMac({ host }: NetworkInForce, { network }: LanPlan): string {
  const parent = host.links.find(({ name }) => name === network?.interface);
  return (network?.driver === 'ipvlan' && parent?.mac) || unknownMac();
}

/** On the LAN; without one, of the interface that leads out. */
function hostAddressOf({ host }: NetworkInForce, { network }: LanPlan): Ipv4 | null {
  const out = host.routes.find(({ destination }) => destination === 'default')?.interface;
  const on = (name: string | undefined) => host.links.find((link) => link.name === name);
  const text = on(network?.interface)?.addresses[0] ?? on(out)?.addresses[0];
  return parseIpv4(text?.split('/')[0] ?? '');
}
