/** The check of firewalld: what of the gateways' ways its next start or reload takes along. */

import { defineCheck, type Finding, fail, ok, verdictOf, warn } from './check.ts';
import type { FirewalldFacts } from './facts.ts';

export const firewalld = defineCheck({
  id: 'firewalld',
  title: 'firewalld',
  needs: ['firewalld'],
  judge: ({ firewalld: facts }) => {
    if (facts === null) return ok('is not in use');
    const findings = [...strictFindings(facts), ...lastingFindings(facts)];
    return verdictOf(findings, 'leaves ports, rules and the way out of gateways alone');
  },
});

/** netavark ≥ 1.14.1 refuses such a start itself; before, the port is dead. */
function strictFindings({ strict }: FirewalldFacts): Finding[] {
  return strict
    ? [
        fail(
          'StrictForwardPorts is on: published ports are refused, and what is restarted does not start again',
          'StrictForwardPorts=no in /etc/firewalld/firewalld.conf, then: sudo systemctl restart firewalld',
        ),
      ]
    : [];
}

function lastingFindings({ subnet, zone, lasting, listener }: FirewalldFacts): Finding[] {
  if (subnet === null || lasting !== null || listener) return [];
  if (zone === DRIVER_ZONE) {
    return [
      warn(
        "published ports are firewalld's own (firewall_driver in containers.conf): its next start forgets them",
        'sudo podman network reload --all after each start of firewalld, or take firewall_driver out of containers.conf and restart the gateways when it suits',
      ),
    ];
  }
  return [
    warn(
      `nothing tells firewalld at its next start to let gateways out to IBKR (${subnet})`,
      trust(subnet),
    ),
  ];
}

/** Of netavark's own firewalld driver; a source belongs to one zone only. */
const DRIVER_ZONE = 'netavark_zone';

/** What netavark does itself where it can, for good. */
export function trust(subnet: string): string {
  return `sudo firewall-cmd --permanent --zone=trusted --add-source=${subnet}\nsudo firewall-cmd --reload`;
}
