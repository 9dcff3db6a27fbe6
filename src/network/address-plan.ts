/**
 * Which LAN address and MAC each instance has. Given once, then kept for life: they are read back
 * from the installed generation, so there is no other state.
 */

import type { Instance, InstanceName, Lan } from '../config/types.ts';
import type { Problem } from '../errors.ts';
import {
  broadcastOf,
  type Cidr,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  makeCidr,
  networkOf,
} from './ipv4.ts';
import { type Mac, stableMac } from './mac.ts';
import { growRange } from './range.ts';

export interface LanAddress {
  address: Ipv4;
  /** `null` with ipvlan, whose interfaces all have the parent's. */
  mac: Mac | null;
}

export interface AddressPlanInput {
  lan: Lan;
  instances: readonly (Pick<Instance, 'name' | 'file'> & { fixed: Ipv4 | null })[];
  /** The host has an address of its own among them. */
  hostAccess: boolean;
  /** Of the installed generation, instances that have left the configuration included. */
  previous: ReadonlyMap<string, LanAddress>;
  /** Those of them that left before the installed generation: they get theirs back as long as others are free. */
  retired?: ReadonlySet<string>;
  /**
   * What running instances really have: until its restart one keeps the address of its older
   * definition, whatever the installed generation says.
   */
  held: ReadonlyMap<string, readonly Ipv4[]>;
  /** The host's own addresses; nobody else may have one, an instance that was there first neither. */
  hostAddresses: readonly Ipv4[];
  /** Addresses seen on the LAN (ARP). A new instance avoids them; one that has its address keeps it, for it may be the one seen. */
  seen: readonly Ipv4[];
  /** Somebody else's just now: an instance that had one before, and does not run there, gets another. */
  answered: readonly Ipv4[];
  /** /etc/machine-id. */
  machineId: string;
  /** The file that holds the range, for messages. */
  file: string;
}

export interface AddressPlan {
  assignments: ReadonlyMap<InstanceName, LanAddress>;
  problems: Problem[];
}

/** The lowest free address for each new instance, in order of the instances; that of a retired one only where no other is free. */
export function planAddresses(input: AddressPlanInput): AddressPlan {
  const { lan, instances, previous, machineId, retired = new Set<string>() } = input;
  const pool = usablePool(lan);
  const kept = new Map<InstanceName, Ipv4>();
  const wanting: InstanceName[] = [];
  const fixed = new Map<InstanceName, Ipv4>();
  for (const { name, fixed: address } of instances) {
    const old = previous.get(name)?.address ?? heldWithoutRecord(name);
    if (address !== null) fixed.set(name, address);
    else if (old && isInPool(pool, old) && !input.answered.includes(old)) kept.set(name, old);
    else wanting.push(name);
  }

  // An instance that has left still runs while this plan is made: its address is free in the next one.
  const taken = new Set<number>(
    [...previous]
      .filter(([name]) => !retired.has(name) || kept.has(name as InstanceName))
      .map(([, { address }]) => address)
      .concat([...fixed.values()], [...input.held.values()].flat())
      .concat(input.hostAddresses, input.seen, input.answered, lan.gateway)
      .map(ipv4ToNumber),
  );
  const macs = new Set<string>([...previous.values()].flatMap(({ mac }) => mac ?? []));

  const back = new Set<string>(instances.map(({ name }) => name));
  const spare = [...previous]
    .filter(([name]) => retired.has(name) && !back.has(name))
    .map(([, { address }]) => ipv4ToNumber(address))
    .sort((a, b) => a - b);
  const fresh = new Map<InstanceName, Ipv4>();
  const free = (address: number) => !taken.has(address) && !spare.includes(address);
  const reusable = spare.filter(
    (address) => isInPool(pool, ipv4FromNumber(address)) && !taken.has(address),
  );
  let next = pool.first;
  for (const name of wanting) {
    while (next <= pool.last && !free(next)) next++;
    const address = next <= pool.last ? next++ : reusable.shift();
    if (address === undefined) break;
    fresh.set(name, ipv4FromNumber(address));
  }

  const assignments = new Map<InstanceName, LanAddress>();
  for (const { name } of instances) {
    const address = fixed.get(name) ?? kept.get(name) ?? fresh.get(name);
    if (address === undefined) continue;
    assignments.set(name, { address, mac: macFor(name) });
  }
  const missing = wanting.length - fresh.size;
  const problems = [
    ...clashes(input, assignments),
    ...(missing > 0 ? [rangeFull(input, pool, missing)] : []),
  ];
  return { assignments, problems };

  /** What was deployed is lost, and it runs: its address is its own all the same. */
  function heldWithoutRecord(name: InstanceName): Ipv4 | undefined {
    return input.held.get(name)?.find((it) => isInPool(pool, it));
  }

  function macFor(name: InstanceName): Mac | null {
    if (lan.driver === 'ipvlan') return null;
    const mac = previous.get(name)?.mac ?? stableMac(machineId, name, macs);
    macs.add(mac);
    return mac;
  }
}

/** The address kept back for a host-side interface, the last of the range. */
export function shimAddress(lan: Lan): Ipv4 {
  return ipv4FromNumber(usablePool(lan).last + 1);
}

interface Pool {
  first: number;
  /** Last address for instances; smaller than `first` where there is none. */
  last: number;
}

/** The range without the subnet's network and broadcast addresses and without the shim's. */
function usablePool(lan: Lan): Pool {
  const first = Math.max(networkOf(lan.range), networkOf(lan.subnet) + 1);
  const last = Math.min(broadcastOf(lan.range), broadcastOf(lan.subnet) - 1) - 1;
  return { first, last };
}

function isInPool(pool: Pool, address: Ipv4): boolean {
  const value = ipv4ToNumber(address);
  return value >= pool.first && value <= pool.last;
}

/** Addresses that something else has now, or that two instances have. */
function clashes(input: AddressPlanInput, assignments: AddressPlan['assignments']): Problem[] {
  const { lan, instances, hostAccess, file: rangeFile } = input;
  const shim = shimAddress(lan);
  const owners = new Map<Ipv4, string>();
  // A running instance keeps its own, but nobody else may have it before that restart.
  const holders = new Map<Ipv4, string>();
  for (const [name, addresses] of input.held) {
    for (const address of addresses) holders.set(address, name);
  }
  const holderOf = (address: Ipv4, name: string | null) => {
    const holder = holders.get(address);
    return holder === undefined || holder === name ? null : holder;
  };
  for (const address of input.hostAddresses) owners.set(address, 'the host');
  owners.set(lan.gateway, 'the gateway');
  if (hostAccess) owners.set(shim, 'the host (network.host_access)');
  const shimHolder = hostAccess ? holderOf(shim, null) : null;
  const ofShim: Problem[] =
    shimHolder === null
      ? []
      : [
          {
            file: rangeFile,
            key: 'network.range',
            message: `its last address ${shim} is the host's (network.host_access), but ${stillHeld(shimHolder)}`,
          },
        ];
  const ofInstances = instances.flatMap(({ name, file, fixed }): Problem[] => {
    const address = assignments.get(name)?.address;
    if (address === undefined) return [];
    if (fixed !== null && !isHostOf(lan.subnet, fixed)) {
      const message = `should be the address of a machine in ${lan.subnet}, got ${fixed}`;
      return [{ file, key: 'address', message }];
    }
    const owner = owners.get(address);
    owners.set(address, owner ?? `instance ${name}`);
    if (owner !== undefined) {
      if (fixed !== null) {
        return [{ file, key: 'address', message: `should be free, ${fixed} is that of ${owner}` }];
      }
      const message =
        `LAN address ${address} of instance ${name} is also that of ${owner}; ` +
        `give ${owner} another one, or set network.range so that ${address} is outside it`;
      return [{ file, message }];
    }
    const holder = holderOf(address, name);
    if (holder === null) return [];
    return [{ file, key: 'address', message: `should be free, ${address}: ${stillHeld(holder)}` }];
  });
  return [...ofShim, ...ofInstances];
}

function stillHeld(name: string): string {
  return `instance ${name} has it until it is stopped or restarted; run "sudo ibq stop ${name}" first`;
}

/** In the subnet, and neither its network nor its broadcast address. */
function isHostOf(subnet: Cidr, address: Ipv4): boolean {
  const value = ipv4ToNumber(address);
  return value > networkOf(subnet) && value < broadcastOf(subnet);
}

function rangeFull(input: AddressPlanInput, pool: Pool, missing: number): Problem {
  const { lan, instances, previous, retired } = input;
  const room = Math.max(0, pool.last - pool.first + 1);
  const gone = [...previous.keys()].filter(
    (name) => retired?.has(name) !== true && !instances.some((i) => i.name === name),
  ).length;
  const inTheWay = new Set(
    [...input.hostAddresses, ...input.seen, ...input.answered, lan.gateway].filter((a) =>
      isInPool(pool, a),
    ),
  ).size;
  const held = [
    ...(gone > 0 ? [`${gone} still held by removed instances until they are gone`] : []),
    ...(inTheWay > 0 ? [`${inTheWay} in use on the LAN`] : []),
  ];
  return {
    file: input.file,
    key: 'network.range',
    message:
      `should have an address for each of ${instances.length} instances, got ${lan.range} with ${room}` +
      `${held.length > 0 ? ` (${held.join(', ')})` : ''}, ${missing} too few; ${enlarge(input, instances.length + inTheWay + gone)}`,
  };
}

function enlarge({ lan, hostAddresses, seen, answered }: AddressPlanInput, count: number): string {
  const taken = [...hostAddresses, ...seen, ...answered, lan.gateway];
  return growRange(
    lan,
    taken.map((it) => makeCidr(ipv4ToNumber(it), 32)),
    count,
  );
}
