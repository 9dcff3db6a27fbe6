/** Ports that instances want and somebody has: told before anything is stopped, or waited for until the other moves. */

import { ExitCode } from '../errors.ts';
import { listenerInTheWay, nameOfHolder, parseListeners } from '../network/listeners.ts';
import type { PortHolding, StartNeeds } from '../plan/start-needs.ts';
import type { HostReader } from './host.ts';
import { type Lack, lack } from './lacks.ts';
import { readListeners } from './listeners.ts';

/** @param needs instances that start, or that run and want a port which is new to them */
export function readPortHoldings(
  { files }: Pick<HostReader, 'files'>,
  needs: readonly Pick<StartNeeds, 'name' | 'ports'>[],
): PortHolding[] {
  const wanted = needs.flatMap(({ name, ports }) =>
    ports.map(({ title, publish }) => {
      const [address = '', port = ''] = publish.split(':');
      return { name, title, publish, address, port: Number(port) };
    }),
  );
  const listeners = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    parseListeners(files.readText(path) ?? ''),
  );
  const inTheWay = wanted.filter(({ address, port }) => listenerInTheWay(listeners, address, port));
  if (inTheWay.length === 0) return [];
  const holders = readListeners(files, new Set(inTheWay.map(({ port }) => port)));
  return inTheWay.flatMap(({ name, title, publish, address, port }) => {
    const found = listenerInTheWay(holders, address, port);
    if (found === undefined) return [];
    const holder = /^ib-gateway@(\w+)\.service$/.exec(found.unit)?.[1] ?? null;
    return holder === name ? [] : [{ name, title, publish, holder, shown: nameOfHolder(found) }];
  });
}

export interface Moves {
  /** Instances that are stopped and started again together with what starts. */
  restarting: ReadonlySet<string>;
  /** Those that want a port and are left alone: another gateway may have it until both are restarted. */
  waiting?: ReadonlySet<string>;
  needs: readonly Pick<StartNeeds, 'name' | 'ports'>[];
  /** The command that restarts two that are in each other's way. */
  mend: (names: readonly string[]) => string;
}

/** Those holdings that no restart of this plan ends. */
export function portLacks(
  holdings: readonly PortHolding[],
  { restarting, waiting = new Set(), needs, mend }: Moves,
): Lack[] {
  const keeps = (holder: string, publish: string) =>
    !restarting.has(holder) ||
    needs.some(({ name, ports }) => name === holder && ports.some((it) => it.publish === publish));
  return holdings.flatMap(({ name, title, publish, holder, shown }) => {
    if (holder !== null && (waiting.has(name) || !keeps(holder, publish))) return [];
    const taken = `instance ${name}: its ${title} ${publish} is taken by`;
    const text =
      holder === null
        ? `${taken} ${shown}; stop that, or set another port`
        : `${taken} instance ${holder} until that is restarted (${shown}); to restart both: ${mend([name, holder].sort())}`;
    return [lack(ExitCode.failed, text)];
  });
}

/** Of each instance that is restarted those that have its port, and are restarted as well. */
export function blockersOf(
  holdings: readonly PortHolding[],
  restarting: ReadonlySet<string>,
): Map<string, ReadonlySet<string>> {
  const blockers = new Map<string, Set<string>>();
  for (const { name, holder } of holdings) {
    if (holder === null || !restarting.has(name) || !restarting.has(holder)) continue;
    blockers.set(name, (blockers.get(name) ?? new Set()).add(holder));
  }
  return blockers;
}
