/** Asks the LAN who has an address: ARP requests that the kernel itself sends. */

import { UserError } from '../errors.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import type { HostReader } from './host.ts';

export interface LanQuestion {
  /** Interface that asks. A macvlan never hears its parent, so what answers there is somebody else. */
  device: string;
  addresses: readonly Ipv4[];
  /** Ask from the network namespace of this process. */
  pid?: number;
  /** Milliseconds that each time of asking waits; the kernel itself asks again after a second. */
  waitMs: number;
  /** How often all are asked. Once, where it is not said. */
  times?: number;
}

/** From one look at the answers to the next: most come at once, and nobody waits for the rest of them. */
const LOOKS_MS = [20, 60, 200];

/**
 * What is known already is forgotten first, and everything is afterwards: an answer is of now. It is
 * over as soon as all have answered.
 *
 * @returns MAC address (lower case) of each that answered
 * @throws UserError where the interface can't ask
 */
export async function askLan(
  host: HostReader,
  { device, addresses, pid, waitMs, times = 1 }: LanQuestion,
): Promise<Map<Ipv4, string>> {
  const enter = pid === undefined ? [] : ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
  const ip = (args: string[], input?: string) => {
    const [program = 'ip', ...rest] = [...enter, 'ip', ...args];
    return host.run([program, ...rest], input === undefined ? {} : { input });
  };
  const forget = addresses.map((address) => `neigh flush to ${address} dev ${device}\n`).join('');
  // NTF_USE: as if a packet were on its way there (`neigh_add` of net/core/neighbour.c).
  const ask = addresses.map((it) => `neigh replace ${it} dev ${device} nud none use\n`).join('');
  const answers = new Map<Ipv4, string>();
  for (let time = 0; time < times && answers.size < addresses.length; time++) {
    const asked = await ip(['-batch', '-'], forget + ask);
    if (asked.failure === 'not-found') {
      throw new UserError('ip is needed to ask the LAN; install the package iproute2');
    }
    if (asked.exitCode !== 0) {
      throw new UserError(`${device} can't ask the LAN: ${asked.stderr.trim().split('\n')[0]}`);
    }
    for (const ms of looks(waitMs, addresses.length)) {
      await host.sleep(ms);
      const table = await ip(['-json', 'neigh', 'show', 'dev', device]);
      for (const [it, mac] of parseAnswers(table.stdout, new Set(addresses))) answers.set(it, mac);
      if (answers.size === addresses.length) break;
    }
  }
  await ip(['-force', '-batch', '-'], forget);
  return answers;
}

/** Milliseconds between the looks: a range is never all there, so it is looked at once. */
function looks(waitMs: number, addresses: number): number[] {
  if (addresses > 1) return [waitMs];
  const early = LOOKS_MS.filter((ms) => ms < waitMs);
  return [...early, waitMs - early.reduce((sum, ms) => sum + ms, 0)];
}

/** @param text of `ip -json neigh`: `[{"dst":"10.0.0.7","lladdr":"02:…","state":["REACHABLE"]}]` */
function parseAnswers(text: string, asked: ReadonlySet<string>): Map<Ipv4, string> {
  const rows = JSON.parse(text || '[]') as { dst?: string; lladdr?: string; state?: string[] }[];
  return new Map(
    rows.flatMap(({ dst = '', lladdr, state = [] }) =>
      lladdr !== undefined && asked.has(dst) && !state.includes('FAILED')
        ? [[dst as Ipv4, lladdr.toLowerCase()] as const]
        : [],
    ),
  );
}
