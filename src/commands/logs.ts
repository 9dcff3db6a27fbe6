/** `ibq logs NAME`: the journal of an instance, as journalctl shows it. */

import type { Context } from '../context.ts';
import { requireDeployed } from '../host/deployed.ts';
import { requireLive } from '../host/root.ts';
import { instanceService } from '../plan/paths.ts';

export async function logs(
  { host, ui }: Context,
  name: string,
  options: { follow: boolean; lines: number; since: string | null },
): Promise<number> {
  requireLive(host, 'logs');
  requireDeployed(host, name);
  return host.attach([
    'journalctl',
    `--unit=${instanceService(name)}`,
    `--lines=${options.lines}`,
    ...(options.since === null ? [] : [`--since=${options.since}`]),
    ...(options.follow ? ['--follow'] : []),
    ...(ui.terminal && !options.follow ? [] : ['--no-pager']),
  ]);
}
