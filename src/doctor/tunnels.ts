/** Checks of SSH tunnels: what they need, whom they trust, whether they are up. */

import { KNOWN_HOSTS } from '../ssh/render.ts';
import { describeTunnel } from '../ssh/state.ts';
import { type Check, defineCheck, type Finding, fail, ok, verdictOf, warn } from './check.ts';
import type { TunnelsFacts } from './facts.ts';

const NONE = 'no tunnel is configured';

const sshClient = defineCheck({
  id: 'ssh-client',
  title: 'SSH client',
  needs: ['tunnels'],
  judge: ({ tunnels: { instances, missingParts } }) =>
    instances.length === 0
      ? ok(NONE)
      : verdictOf(
          missingParts.map((part) =>
            fail(`${part.id}, ${part.use}, is missing`, `install the package ${part.package}`),
          ),
          'installed',
        ),
});

const hostKeys = defineCheck({
  id: 'host-keys',
  title: 'host keys of tunnels',
  needs: ['tunnels'],
  judge: ({ tunnels }) =>
    tunnels.instances.length === 0
      ? ok(NONE)
      : verdictOf(hostKeyFindings(tunnels), `pinned in ${KNOWN_HOSTS}`),
});

function hostKeyFindings({ instances, knownHosts }: TunnelsFacts): Finding[] {
  const findings = instances.flatMap(({ name, unpinned }) =>
    unpinned.map((machine) =>
      fail(`the host key of ${machine} is not pinned`, `sudo ibq tunnel trust ${name}`),
    ),
  );
  if (knownHosts === null) return findings;
  const { uid, mode } = knownHosts;
  if (uid !== 0 || (mode & 0o022) !== 0) {
    const mend = `sudo chown root:root ${KNOWN_HOSTS} && sudo chmod 0644 ${KNOWN_HOSTS}`;
    findings.push(
      fail(
        `${KNOWN_HOSTS} should be root's alone to write: who writes it chooses whom tunnels trust`,
        mend,
      ),
    );
  }
  if ((mode & 0o004) === 0) {
    const what = 'should be readable for all: tunnels run as users of their own';
    findings.push(fail(`${KNOWN_HOSTS} ${what}`, `sudo chmod 0644 ${KNOWN_HOSTS}`));
  }
  return findings;
}

const tunnels = defineCheck({
  id: 'tunnels',
  title: 'tunnels',
  needs: ['tunnels'],
  judge: ({ tunnels: { instances, states } }) => {
    if (instances.length === 0) return ok(NONE);
    const up = states.filter(({ state }) => state.state === 'up').length;
    return verdictOf(
      states.flatMap(({ instance, state }) => {
        const detail = `${instance}: ${describeTunnel(state)}`;
        if (state.state === 'connecting') return [warn(detail, 'sudo ibq status, in a moment')];
        return state.state === 'down' ? [fail(detail, `journalctl -u ibq-tunnel@${instance}`)] : [];
      }),
      `${up} of ${states.length} up`,
    );
  },
});

export const tunnelChecks: readonly Check[] = [sshClient, hostKeys, tunnels];
