/** What a test of a tunnel has shown. */

import type { ProbeResult } from '../gateway/probe.ts';
import type { TunnelState } from './state.ts';

export interface Proof {
  target: string;
  /** Where it listens there. */
  listen: string;
  /**
   * `proven`: the API answered there; `unproven`: the other side listens, and nobody could ask from there;
   * `failed`: it was asked and does not answer; `down`: there is no tunnel.
   */
  state: 'proven' | 'unproven' | 'failed' | 'down';
  serverVersion: number | null;
  detail: string;
}

/** @param back null: not tried, the tunnel is not up */
export function judgeProof(
  { target, state, detail }: TunnelState,
  listen: string,
  back: { probe: ProbeResult; said: string } | null,
): Proof {
  const same = { target, listen, serverVersion: null };
  if (back === null) {
    const why = detail === '' ? `the tunnel is ${state}` : detail;
    return { ...same, state: 'down', detail: why };
  }
  const { probe, said } = back;
  if (probe.state === 'handshake') {
    const shown = `the API answers on ${target.split('@')[1]} at ${listen}, server version ${probe.serverVersion}`;
    return { ...same, state: 'proven', serverVersion: probe.serverVersion, detail: shown };
  }
  if (/administratively prohibited/.test(said)) {
    const why = `it listens there, but the key may not open ${listen}: add permitopen="${listen}" to its line ("sudo ibq tunnel show" prints it)`;
    return { ...same, state: 'unproven', detail: why };
  }
  // Otherwise it was opened, or nothing listens there.
  const last = said.split('\n').at(-1)?.trim() ?? '';
  if (last !== '' && !/open failed/.test(said)) {
    const why = `it listens there, but nobody could ask from there: ${last}`;
    return { ...same, state: 'unproven', detail: why };
  }
  return { ...same, state: 'failed', detail: probe.detail };
}
