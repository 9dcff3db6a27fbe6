/** Addresses that are about to be given out: the LAN is asked whether somebody has them. */

import type { Config } from '../config/types.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { shimAddress } from '../network/address-plan.ts';
import type { Ipv4 } from '../network/ipv4.ts';
import { assembleDesired, type Desired } from '../plan/desired.ts';
import type { HostFacts } from '../plan/facts.ts';
import { placeOfLan } from '../plan/host-problems.ts';
import type { Manifest } from '../plan/manifest.ts';
import type { HostReader } from './host.ts';
import { askLan } from './lan-ask.ts';

/** A machine that is awake answers for its address in some milliseconds. */
const ANSWER_MS = 400;

interface Wanted {
  config: Config;
  facts: HostFacts;
  manifest: Manifest | null;
  /** What is wanted if nobody answers. */
  desired: Desired;
}

/**
 * Before an address is given out the LAN is asked whether somebody has it. One that ibq would have
 * given is then skipped, and the next one asked for; one that the user chose is refused.
 *
 * @returns what is wanted then, and for each address that was skipped a line that says why
 * @throws ConfigError naming whose MAC has a chosen address; UserError where nobody can ask
 */
export async function withFreeAddresses(
  host: HostReader,
  wanted: Wanted,
): Promise<{ desired: Desired; skipped: string[] }> {
  const { config, facts, manifest } = wanted;
  const { lan } = config.network;
  const asked = new Set<Ipv4>();
  const taken = new Map<Ipv4, string>();
  let { desired } = wanted;
  for (;;) {
    const addresses = newAddresses({ ...wanted, desired }).filter((it) => !asked.has(it));
    // On an interface that is down nobody can ask; what needs it up says so itself.
    const down = lan !== null && facts.interfaces.get(lan.interface)?.up === false;
    if (lan === null || down || addresses.length === 0) {
      const skipped = [...taken].map(
        ([address, mac]) => `${address} is in use on the LAN by ${mac}; it is not given out`,
      );
      return { desired, skipped };
    }
    const all = await askLan(host, { device: lan.interface, addresses, waitMs: ANSWER_MS });
    const answers = withoutOwn(all, desired);
    refuseTaken(config, answers, facts);
    for (const address of addresses) asked.add(address);
    for (const [address, mac] of answers) taken.set(address, mac);
    if (answers.size > 0) {
      desired = assembleDesired(config, { ...facts, answered: [...taken.keys()] }, manifest);
    }
  }
}

/** An instance that runs there already, by a record that was lost, is no stranger. */
function withoutOwn(answers: ReadonlyMap<Ipv4, string>, { instances }: Desired): Map<Ipv4, string> {
  const own = (address: Ipv4, mac: string) =>
    instances.some(({ lan }) => lan?.address === address && lan.mac === mac);
  return new Map([...answers].filter(([address, mac]) => !own(address, mac)));
}

/** Of instances that had another one or none, and the host's among them. */
function newAddresses({ config: { network }, desired, facts, manifest }: Wanted): Ipv4[] {
  const fresh = desired.instances.flatMap(({ name, lan }) =>
    lan &&
    manifest?.instances[name]?.lan?.address !== lan.address &&
    !facts.held.get(name)?.includes(lan.address)
      ? lan.address
      : [],
  );
  if (network.lan === null || desired.shim === null) return fresh;
  const shim = shimAddress(network.lan);
  return facts.hostAddresses.includes(shim) ? fresh : [...fresh, shim];
}

/** A chosen address is not replaced by another. */
function refuseTaken(config: Config, answers: ReadonlyMap<Ipv4, string>, facts: HostFacts): void {
  const { instances, network } = config;
  const inUse = (address: Ipv4) => `${address} is in use on the LAN by ${answers.get(address)}`;
  const problems = instances.flatMap(({ file, settings }): Problem[] => {
    const { address } = settings;
    if (address === null || !answers.has(address)) return [];
    return [{ file, key: 'address', message: `should be free, ${inUse(address)}` }];
  });
  const shim = network.lan && network.hostAccess ? shimAddress(network.lan) : null;
  if (shim !== null && answers.has(shim)) {
    const message = `its last address should be free for the host (network.host_access), ${inUse(shim)}`;
    problems.push({ ...placeOfLan(config, facts, 'range'), message });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
