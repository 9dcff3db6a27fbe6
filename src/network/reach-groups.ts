/** Who gets in, by people: all the ports that the same ones may open. */

import type { Reach } from './reach-in.ts';
import { butNot } from './show-words.ts';

export interface Group {
  from: string[];
  except: string[];
  reach: Reach[];
}

/** Several ports for the same people are one path. */
export function merged(reach: readonly Reach[]): Group[] {
  const groups = new Map<string, Group>();
  for (const it of reach) {
    const key = JSON.stringify([it.from, it.except]);
    const group = groups.get(key) ?? { from: it.from, except: it.except, reach: [] };
    group.reach.push(it);
    groups.set(key, group);
  }
  return [...groups.values()];
}

export function isEverybody({ from }: Group): boolean {
  return from.length === 0 || from.includes('0.0.0.0/0');
}

export function isAnyPort({ reach }: Group): boolean {
  return reach.some(({ to }) => to.endsWith(':any'));
}

export function whoOf(group: Group): string[] {
  return group.from.length > 0
    ? [group.from.join(', '), ...butNot(group.except)]
    : ['everybody', ...butNot(group.except)];
}

/** `10.0.0.192:4003, 5900` */
export function targetOf(reach: readonly Reach[], address: string): string {
  const ports = reach.map(({ to }) => to.slice(to.lastIndexOf(':') + 1));
  if (ports.length === 0) return '';
  return ports.includes('any') ? `${address}, all ports` : `${address}:${ports.join(', ')}`;
}
