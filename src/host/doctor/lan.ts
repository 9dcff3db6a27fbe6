/** Facts about the LAN, asked of those who are there. */

import type { Config, Lan } from '../../config/types.ts';
import type { FactValues } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import { lanInterface } from '../../network/guard.ts';
import {
  broadcastOf,
  type Ipv4,
  ipv4FromNumber,
  networkOf,
  parseIpv4,
} from '../../network/ipv4.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest } from '../../plan/manifest.ts';
import type { HostReader } from '../host.ts';
import { askLan } from '../lan-ask.ts';
import { hasLostLan } from '../lan-link.ts';

/** A first try and the kernel's second one, a second later. */
const WAIT_MS = 1200;
/** What should be silent is asked twice: a machine that is awake answers in some milliseconds. */
const SILENCE = { waitMs: 175, times: 2 };
/** The rest of a larger range is not asked: the kernel's table of neighbours is small (gc_thresh2). */
const MOST_ASKED = 256;

/** @throws UserError without a LAN */
export function requireLan({ network }: Config): Lan {
  if (network.lan === null) throw new UserError('no LAN is configured (mode bridge)');
  return network.lan;
}

/** The whole range, and deployed addresses wherever they lie. */
export async function readLanAnswers(
  host: HostReader,
  config: Config,
  manifest: Manifest | null,
  network: NetworkFacts,
): Promise<FactValues['lanAnswers']> {
  const { interface: device, range } = requireLan(config);
  const deployed = Object.values(manifest?.instances ?? {}).flatMap(
    ({ lan }) => parseIpv4(lan?.address ?? '') ?? [],
  );
  const addresses = new Set<Ipv4>(deployed);
  for (let at = networkOf(range); at <= broadcastOf(range); at++) {
    if (addresses.size < MOST_ASKED) addresses.add(ipv4FromNumber(at));
  }
  for (const own of network.addresses) addresses.delete(own);
  return askLan(host, { device, addresses: [...addresses], ...SILENCE });
}

/** @throws UserError where nobody can ask */
export async function readLanFromInside(
  host: HostReader,
  config: Config,
  manifest: Manifest | null,
  running: ReadonlyMap<string, RunningInstance>,
): Promise<FactValues['lanFromInside']> {
  const { interface: device, gateway } = requireLan(config);
  const inside = [...running].filter(([name, record]) => {
    const instance = manifest?.instances[name];
    // One that has lost its interface is told as such: check `instances`.
    return instance?.lan && !hasLostLan(host.files, instance, record);
  });
  if (inside.length === 0) throw new UserError('no instance with a LAN address runs');
  const ask = async (from: string, pid?: number) => {
    const question = { device: from, addresses: [gateway], waitMs: WAIT_MS };
    const answers = await askLan(host, pid === undefined ? question : { ...question, pid });
    return answers.has(gateway);
  };
  const [onHost, instances] = await Promise.all([
    ask(device),
    Promise.all(
      inside.map(async ([name, { pid }]) => ({ name, answered: await ask(lanInterface, pid) })),
    ),
  ]);
  return { gateway, host: onHost, instances };
}
