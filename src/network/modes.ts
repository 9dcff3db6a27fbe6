/** What a network mode gives an instance. */

import type { NetworkMode } from '../config/types.ts';

/** An interface `lan0` with an address of its own. */
export function hasLan(mode: NetworkMode): boolean {
  return mode === 'dual' || mode === 'lan';
}

/** An interface `pub0` on the bridge that ports are published through. */
export function hasBridge(mode: NetworkMode): boolean {
  return mode === 'dual' || mode === 'bridge';
}

export function publishesBeyondLoopback(address: string): boolean {
  return !address.startsWith('127.');
}
