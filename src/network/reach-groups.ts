/** Who gets in, by people: all the ports that the same ones may open. */

import type { Reach } from './reach-in.ts';
import { butNot } from './show-words.ts';

export interface Group {
  from: string[];
  except: string[];
  /** Where they get in; `*`: any of its addresses. */
  address: string;
  /** `any`: all of them. */
  ports: string[];
}

/** Several ports of an address for the same people are one way in. */
export function groupsOf(reach: readonly Reach[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { from, except, to } of reach) {
    const [address, port] = [to.slice(0, to.lastIndexOf(':')), to.slice(to.lastIndexOf(':') + 1)];
    const key = JSON.stringify([from, except, address]);
    const group = groups.get(key) ?? { from, except, address, ports: [] };
    if (!group.ports.includes(port)) group.ports.push(port);
    groups.set(key, group);
  }
  return [...groups.values()];
}

export function isEverybody({ from }: Group): boolean {
  return from.length === 0 || from.includes('0.0.0.0/0');
}

export function isAnyPort({ ports }: Group): boolean {
  return ports.includes('any');
}

export function whoOf(group: Group): string[] {
  return group.from.length > 0
    ? [group.from.join(', '), ...butNot(group.except)]
    : ['everybody', ...butNot(group.except)];
}

/** `10.0.0.192:4003, 5900` */
export function targetOf(group: Group, address = group.address): string {
  return isAnyPort(group) ? `${address}, all ports` : `${address}:${group.ports.join(', ')}`;
}
