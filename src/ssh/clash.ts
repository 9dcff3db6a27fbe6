/** Two tunnels that want one port of one machine: only the first to come would get it. */

import { type Listen, listenText, type TargetListens } from './listens.ts';
import { hostKeyName } from './target.ts';

export interface Claimant {
  instance: string;
  /** How its machines are reached: two that are reached by different ways may be different ones of one name. */
  way: string;
  targets: readonly TargetListens[];
}

export interface Clash {
  instance: string;
  /** Number of the target in its list, from 0. */
  index: number;
  listen: Listen;
  /** Who wants it as well: another instance, or the same one once more. */
  other: string;
}

/** Each side of a clash is told, once for each port. */
export function findClashes(claimants: readonly Claimant[]): Clash[] {
  const claims = claimants.flatMap(({ instance, way, targets }) =>
    targets.flatMap(({ target, listens }, index) =>
      listens.map((listen) => ({
        instance,
        index,
        listen,
        machine: `${way} ${hostKeyName(target)}`,
      })),
    ),
  );
  return claims.flatMap((claim) => {
    const { machine, listen, instance, index } = claim;
    const other = claims.find(
      (it) => it !== claim && it.machine === machine && overlap(it.listen, listen),
    );
    return other === undefined ? [] : [{ instance, index, listen, other: other.instance }];
  });
}

function overlap(a: Listen, b: Listen): boolean {
  return a.port === b.port && (a.address === b.address || isAny(a) || isAny(b));
}

function isAny({ address }: Listen): boolean {
  return address === '*' || address === '0.0.0.0';
}

/** For messages: `127.0.0.1:4001 (api)`. */
export function describeListen(listen: Listen): string {
  return `${listenText(listen)} (${listen.service})`;
}
