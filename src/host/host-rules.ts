/** Whether the kernel still has the rules of the host: anybody's `nft flush ruleset` takes them along. */

import { CURRENT } from '../plan/paths.ts';
import type { HostReader } from './host.ts';

/**
 * One process, and none where no such rules are deployed.
 *
 * @returns whether they are gone; where nobody may look, nothing is known to be wrong
 */
export async function hostRulesLost(host: HostReader): Promise<boolean> {
  if (host.root !== null || !host.files.exists(`${CURRENT}/host.nft`)) return false;
  const listed = await host.run(['nft', 'list', 'chain', 'inet', 'ibq_host', 'forward']);
  return listed.exitCode !== 0 && /^Error: No such file or directory/m.test(listed.stderr);
}
