/** `ibq tunnel test`: proves that the API answers on the machines it is carried to. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { requireDeployed } from '../host/deployed.ts';
import { requireLiveRoot } from '../host/root.ts';
import { withPrivateDirectory } from '../host/tunnel-keys.ts';
import { observeTunnels } from '../host/tunnels.ts';
import { probeWayBack } from '../host/way-back.ts';
import { judgeProof, type Proof } from '../ssh/proof.ts';

/** @returns 0 where each target is proven, else 3 */
export async function tunnelTest(
  context: Context,
  name: string,
  { json }: { json: boolean },
): Promise<number> {
  const { host, ui } = context;
  requireLiveRoot(context.host, 'tunnel test');
  const instance = requireDeployed(host, name);
  if (instance.tunnel?.via !== 'host') {
    const why = instance.tunnel
      ? "is held by the image's own client, and nothing here can use its key"
      : 'is not deployed: set [ssh] of its file, then "sudo ibq deploy"';
    throw new UserError(`the tunnel of ${name} ${why}`, ExitCode.usage);
  }
  const apis = instance.mode === 'both' ? 2 : 1;
  const states = (await observeTunnels(host, { [name]: instance }, () => true)).get(name) ?? [];
  const proofs = await withPrivateDirectory(host, async (directory) => {
    const all = states.flatMap((state, index) =>
      state.listens.slice(0, apis).map(async (listen, number): Promise<Proof> => {
        const up = state.state === 'up';
        const own = `${directory}/${index}.${number}`;
        const back = up
          ? await probeWayBack(host, { instance: name, index, listen, socket: own })
          : null;
        return judgeProof(state, listen, back);
      }),
    );
    return Promise.all(all);
  });
  if (json) ui.json({ name, targets: proofs });
  for (const { target, listen, state, detail } of json ? [] : proofs) {
    ui.print(
      `${target} ${listen}: ${ui.style(state === 'proven' ? 'green' : 'red', state)}\n  ${detail}`,
    );
  }
  return proofs.every(({ state }) => state === 'proven') ? ExitCode.done : ExitCode.unhealthy;
}
