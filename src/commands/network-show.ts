/** `ibq network show`: the addresses, ports and rules in force. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { readNetworkState } from '../host/network-state.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { showNetwork } from '../network/show.ts';
import { renderDiagram } from '../network/show-diagram.ts';

/** @returns 0, also where something is not in force: `network test` and `doctor` judge */
export async function networkShow(
  { host, ui }: Context,
  { json }: { json: boolean },
): Promise<ExitCode> {
  requireRoot(host, 'network show');
  requireLive(host, 'network show');
  const show = showNetwork(await readNetworkState(host));
  if (json) {
    ui.json(show);
    return ExitCode.done;
  }
  ui.print(renderDiagram(show, ui.style));
  if (show.instances.length === 0) ui.note('nothing is deployed yet: run "sudo ibq deploy"');
  return ExitCode.done;
}
