/** What a failing test leaves of its host: the look that a person would take, as files in a folder. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from './harness.ts';

const LOOKS: readonly (readonly [file: string, command: string])[] = [
  ['journal.txt', 'journalctl --no-pager --boot --output=short-precise'],
  ['status.txt', 'ibq status; ibq status --json'],
  ['plan.txt', 'ibq plan'],
  [
    'units.txt',
    "systemctl --no-pager --failed; systemctl --no-pager list-units --all 'ib*'; systemctl --no-pager list-jobs; systemctl --no-pager cat 'ib-gateway@*' 'ibq-*' ib-gateways.target",
  ],
  [
    'rules.txt',
    'nft list ruleset; for it in /run/ibq/instances/*/state; do [ -e "$it" ] || continue; echo "== $it"; (. "$it"; nsenter -t "$pid" -n nft list ruleset); done',
  ],
  [
    'network.txt',
    'ip -brief address; ip route; ip rule; ip neigh; ss -Htlnp; ip -all netns exec ip -brief address',
  ],
  ['podman.txt', 'podman ps --all; podman network ls; podman images; podman secret ls'],
  [
    'gateways.txt',
    'for it in $(podman ps --all --format "{{.Names}}"); do echo "== $it"; podman logs --timestamps "$it"; done',
  ],
  ['files.txt', 'find /etc/ibq /etc/containers /run/ibq -ls; readlink -f /etc/ibq/current'],
];

/** A host, as far as this wants it. */
interface Seen {
  name: string;
  run(command: string, options: { timeoutMs: number }): Promise<RunResult>;
}

/** Lines of the journal that the report of the run has too: who reads that may have no more. */
const SHOWN = 40;

/**
 * Looks at all of it; a look that fails is written down as it is.
 * @returns what the report says: the folder, and the end of the journal
 */
export async function keepEvidence(host: Seen, title: string, directory: string): Promise<string> {
  const name = title.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 100);
  const folder = join(directory, `${host.name}-${name}`);
  mkdirSync(folder, { recursive: true });
  let journal = '';
  for (const [file, command] of LOOKS) {
    const seen = await host
      .run(command, { timeoutMs: 60_000 })
      .then(({ stdout, stderr }) => stdout + stderr)
      .catch(String);
    writeFileSync(join(folder, file), seen);
    if (file === 'journal.txt') journal = seen;
  }
  return `see ${folder}\n${journal.trimEnd().split('\n').slice(-SHOWN).join('\n')}`;
}
