/** A gateway that answers in its own network, and not where its port is published: why, and what helps. */

import type { Verdict } from '../gateway/instance-state.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { ApiService } from '../plan/services.ts';
import type { FileReader, HostReader } from './host.ts';
import { readNetworkFacts } from './network-facts.ts';
import { describeAstray, findAstray } from './ways.ts';

interface Lost {
  name: string;
  api: ApiService;
  /** The published port refused the connection. */
  refused: boolean;
  running: RunningInstance | null;
}

/**
 * Somebody flushed the host's firewall, and Podman's forwarding with it (netavark #1258); Podman's own listener
 * still accepts then. Refused, it was another firewall's doing. A restart would be a new login. What the kernel
 * says of addresses and routes goes before both.
 */
export async function portLost(
  host: HostReader,
  { name, api: { publish, lan }, refused, running }: Lost,
): Promise<Verdict> {
  const own = lan?.slice(0, lan.lastIndexOf(':')) ?? null;
  const astray = running === null ? null : await findAstray(host, running.pid, own);
  const [why, mend] = astray
    ? [`this host sends what is for it another way: ${describeAstray(astray)}`, 'sudo ibq doctor']
    : publish !== null && !isOfHost(host.files, publish)
      ? [
          'that is no address of this host any more',
          `give it back, or correct publish.address; then sudo ibq deploy and sudo ibq restart ${name}`,
        ]
      : refused
        ? ['a firewall of the host refuses it', 'sudo ibq doctor']
        : [
            "the host's firewall was flushed",
            `sudo podman network reload ib-gateway-${name}, then sudo ibq deploy`,
          ];
  return {
    ready: false,
    word: 'port lost',
    problems: [`the gateway answers, but nothing leads to it from ${publish}: ${why}`],
    mend,
  };
}

/** Of what nobody knows it is taken for one. */
function isOfHost(files: FileReader, publish: string): boolean {
  const address = publish.slice(0, publish.lastIndexOf(':'));
  const { addresses } = readNetworkFacts(files);
  if (address === '0.0.0.0' || address.startsWith('127.') || addresses.length === 0) return true;
  return addresses.some((own) => own === address);
}
