/** Whether the kernel still has the rules of the host: anybody's `nft flush ruleset` takes them along. */

import { rulesAreMissing } from '../network/missing-rules.ts';
import { CURRENT } from '../plan/paths.ts';
import type { HostReader } from './host.ts';

/**
 * One process, and none where no such rules are deployed.
 *
 * @returns whether all or some are gone; where nobody may look, nothing is known to be wrong
 */
export async function hostRulesLost(host: HostReader): Promise<boolean> {
  const wanted = host.root === null ? host.files.readText(`${CURRENT}/host.nft`) : null;
  if (wanted === null) return false;
  const listed = await host.run(['nft', '--stateless', 'list', 'table', 'inet', 'ibq_host']);
  if (listed.exitCode === 0) return rulesAreMissing(wanted, listed.stdout);
  return /^Error: No such file or directory/m.test(listed.stderr);
}
