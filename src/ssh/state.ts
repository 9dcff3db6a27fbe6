/** How the tunnels of an instance are, for people and for `--json`. */

import { parseStatusText } from './status-text.ts';

export interface TunnelState {
  /** `trader@vps.example.com` */
  target: string;
  /** Where it listens there, `127.0.0.1:4001`. */
  listens: readonly string[];
  /**
   * `up`: the other side has said that it listens; `pending`: it comes with the restart that its gateway
   * needs; `stopped`: the gateway does not run either; `unchecked`: the image holds it, and tells nobody.
   */
  state: 'up' | 'connecting' | 'down' | 'pending' | 'stopped' | 'unchecked';
  /** ISO 8601, UTC; null where it is not known. */
  since: string | null;
  /** Why it is so, empty where there is nothing to say. */
  detail: string;
}

export interface TunnelFacts {
  /** Null: systemd says nothing of it. */
  unit: { active: string; sub: string; statusText: string } | null;
  /** Last lines of its log, where it does not run. */
  log: readonly string[];
  gatewayRuns: boolean;
}

/** @param tunnel as it is deployed @returns one for each target, in order */
export function judgeTunnel(
  tunnel: {
    via: 'host' | 'image';
    targets: readonly { target: string; listens: readonly string[] }[];
  },
  { unit, log, gatewayRuns }: TunnelFacts,
): TunnelState[] {
  const told = unit?.active === 'active' ? parseStatusText(unit.statusText) : [];
  return tunnel.targets.map(({ target, listens }): TunnelState => {
    const same = { target, listens, since: null };
    if (tunnel.via === 'image') {
      const detail = "held by the image's own client: its log tells";
      return { ...same, state: gatewayRuns ? 'unchecked' : 'stopped', detail };
    }
    if (unit?.active === 'active' || unit?.active === 'reloading') {
      const known = told.find((it) => it.target === target);
      if (!known) return { ...same, state: told.length > 0 ? 'pending' : 'connecting', detail: '' };
      return { ...same, state: known.state, since: known.since, detail: known.why };
    }
    if (!gatewayRuns) return { ...same, state: 'stopped', detail: 'its gateway does not run' };
    if (unit?.active === 'activating' && !unit.sub.startsWith('auto-restart')) {
      return { ...same, state: 'connecting', detail: '' };
    }
    const why =
      log.findLast((line) => /^(?:instance |Error: )/.test(line)) ?? 'its unit does not run';
    return { ...same, state: 'down', detail: why };
  });
}

/** Whether clients on the other side can be served, as far as ibq can know. */
export function isWell({ state }: TunnelState): boolean {
  return state !== 'down' && state !== 'connecting';
}

/** One line for people: `tunnel to trader@vps.example.com: down since …: Connection refused`. */
export function describeTunnel({ target, state, since, detail }: TunnelState): string {
  const when = since === null ? '' : ` since ${since}`;
  return `tunnel to ${target}: ${state}${when}${detail === '' ? '' : `: ${detail}`}`;
}
