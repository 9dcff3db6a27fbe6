/** Who reaches an instance, for a picture: a path from each source, open or closed. */

import { lanInterface } from './guard.ts';
import type { RulesWord } from './in-force.ts';
import { groupsOf, isAnyPort, isEverybody, targetOf, whoOf } from './reach-groups.ts';
import { meets, type Reach } from './reach-in.ts';
import type { NetworkShow, ShownInstance, ShownNetwork } from './show.ts';
import { butNot } from './show-words.ts';

/**
 * `open`: allowed, and leads to the instance. `broken`: allowed, and leads nowhere. `closed`: dropped.
 * `exposed`: open for everybody, or by rules that are not ibq's.
 */
export type PathState = 'open' | 'broken' | 'closed' | 'exposed';

export interface Source {
  /** `host`: on the host itself; `beyond`: comes to an address of the host; `lan`: to an address of the instance's own. */
  where: 'host' | 'beyond' | 'lan';
  title: string;
  /** Addresses, or what else there is to say. */
  words: string[];
}

export interface Path {
  source: Source;
  state: PathState;
  /** What one connects to, `127.0.0.1:4001`; empty where that is all and nothing. */
  target: string;
}

/** @param lan the network of its LAN address; null: it has none, or Podman does not say */
export function pathsOf(
  show: NetworkShow,
  instance: ShownInstance,
  lan: ShownNetwork | null,
): Path[] {
  return [
    ...(instance.bridge || instance.attached.length > 0 ? bridgePaths(show, instance, lan) : []),
    ...(instance.lan ? lanPaths(show, instance, instance.lan, lan) : []),
    ...(instance.sharesHost ? sharedPaths(instance) : []),
  ];
}

/** By its bridge, by networks of the user's, by the sidecar whose network it lives in. */
function bridgePaths(
  { host }: NetworkShow,
  instance: ShownInstance,
  lan: ShownNetwork | null,
): Path[] {
  const { bridge, published, reach, api } = instance;
  const waysOf = (by: Reach['by']) => groupsOf(reach.filter((it) => it.by === by));
  const [byHost, elsewhere, attached] = [waysOf('host'), waysOf('published'), waysOf('attached')];
  const leads =
    (bridge === null || bridge.state === 'up') &&
    (published === null || (published.listening && published.forwarded));
  const state = (comes: boolean) => (leads && comes ? 'open' : 'broken');
  const everybody = (bridge === null ? attached : elsewhere).some(isEverybody);
  const hostGetsIn = byHost.length > 0 || everybody;
  const target = published?.address ?? (byHost[0] ? targetOf(byHost[0]) : '');
  // It was the host that asked, at the published port.
  const programs = hostGetsIn ? state(published === null || api !== 'refused') : 'closed';
  return [
    path('host', 'Programs on this host', [], programs, target),
    ...elsewhere.map((it) => {
      // Without rules every port is open, and the host's address is not the only way there.
      const at = published && !isAnyPort(it) ? target : targetOf(it);
      if (isEverybody(it)) return path('beyond', 'Everybody', butNot(it.except), 'exposed', at);
      const back = host.returnPath !== null || !isAnsweredByLan(instance, lan, it.from);
      return path('beyond', 'Allowed clients', whoOf(it), state(back), at);
    }),
    ...attached.map((it) => {
      const how = isEverybody(it) ? 'exposed' : 'open';
      return path('beyond', 'By another network', whoOf(it), how, targetOf(it));
    }),
    ...oddPaths(instance, 'beyond', bridge?.address ?? '*'),
    ...(everybody ? [] : otherPaths(host.rules, hostGetsIn, target)),
  ];
}

/** Whether it would answer them over the LAN, with an address that they never asked. */
function isAnsweredByLan(
  { lan, wayOut }: ShownInstance,
  network: ShownNetwork | null,
  clients: readonly string[],
): boolean {
  if (lan === null) return false;
  if (wayOut?.interface === lanInterface || network === null) return true;
  return clients.some((it) => meets(it, network.subnet));
}

/** Of an instance in the host's own network: nothing is forwarded, and the host's rules close its ports. */
function sharedPaths({ published, reach }: ShownInstance): Path[] {
  const open = published?.listening ? 'open' : 'broken';
  const groups = groupsOf(reach);
  const at = published?.address.replace(/:\d+$/, '') ?? '*';
  return [
    path('host', 'Programs on this host', [], open, published?.address ?? ''),
    ...groups.map((it) =>
      isEverybody(it)
        ? path('beyond', 'Everybody', butNot(it.except), 'exposed', targetOf(it, '*'))
        : path('beyond', 'Allowed clients', whoOf(it), open, targetOf(it, at)),
    ),
    ...(groups.some(isEverybody)
      ? []
      : [path('host', 'Everybody else', ['containers and machines'], 'closed', '')]),
  ];
}

/**
 * Those that nothing speaks of. What the host forwards can come under its own address, and the guard
 * lets the host in: there the host's rules decide.
 */
function otherPaths(rules: RulesWord, hostGetsIn: boolean, target: string): Path[] {
  if (rules === 'in-force' || !hostGetsIn) {
    return [
      path('host', 'Everybody else', ['other gateways, containers and machines'], 'closed', ''),
    ];
  }
  const who = rules === 'missing' ? 'Other containers' : 'Others';
  return [
    path('host', who, [`may get in: the host's rules are ${rules}`], 'exposed', target),
    path('host', 'Other gateways', ['by the bridge'], 'closed', ''),
  ];
}

function lanPaths(
  { host }: NetworkShow,
  instance: ShownInstance,
  { state, address }: NonNullable<ShownInstance['lan']>,
  network: ShownNetwork | null,
): Path[] {
  const leads = state === 'up' && (network === null || network.interfaceState === 'up');
  const shims = host.interfaces.filter(({ role }) => role === 'shim');
  const shimOf = (from: readonly string[]) =>
    shims.find(({ addresses }) => addresses.some((it) => from.includes(it.split('/')[0] ?? '')));
  const groups = groupsOf(instance.reach.filter(({ by }) => by === 'lan'));
  const open = leads ? 'open' : 'broken';
  return [
    ...groups.map((it) => {
      const target = targetOf(it);
      if (isEverybody(it)) return path('lan', 'Everybody', butNot(it.except), 'exposed', target);
      const shim = it.from.length === 1 ? shimOf(it.from) : undefined;
      if (!shim) return path('lan', 'Allowed clients', whoOf(it), open, target);
      const byShim = shim.state === 'up' ? open : 'broken';
      return path('lan', `This host, by ${shim.name}`, whoOf(it), byShim, target);
    }),
    ...oddPaths(instance, 'lan', address),
    ...(groups.some(isEverybody)
      ? []
      : [path('lan', 'Everybody else', ['on the LAN, other gateways too'], 'closed', '')]),
  ];
}

/**
 * By rules that ibq does not write. Which interface such a rule is for is not always known: unless
 * it is lan0's, it is shown on both sides.
 */
function oddPaths({ reach, lan }: ShownInstance, where: 'beyond' | 'lan', address: string): Path[] {
  const onLan = ({ to }: Reach) => lan !== null && to.startsWith(`${lan.address}:`);
  const here = reach.filter((it) => it.by === 'other' && (where === 'lan' || !onLan(it)));
  return groupsOf(here).map((it) =>
    path(where, 'By a foreign rule', whoOf(it), 'exposed', targetOf(it, address)),
  );
}

function path(
  where: Source['where'],
  title: string,
  words: string[],
  state: PathState,
  target: string,
): Path {
  return { source: { where, title, words }, state, target };
}
