/** `ibq exec NAME -- CMD`: a command inside a running instance. */

import type { Context } from '../context.ts';
import { requireDeployed } from '../host/deployed.ts';
import { requireLive, requireRoot } from '../host/root.ts';

export async function exec(
  { host, ui }: Context,
  name: string,
  command: readonly string[],
): Promise<number> {
  requireLive(host, 'exec');
  requireRoot(host);
  requireDeployed(host, name);
  const flags = ui.interactive && ui.terminal ? ['--interactive', '--tty'] : ['--interactive'];
  return host.attach(['podman', 'exec', ...flags, '--', `ib-gateway-${name}`, ...command]);
}
