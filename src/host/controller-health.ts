/** Asks the page of a controller's health, where its image has one: from inside its network, and no log notices it. */

import {
  type ControllerHealth,
  describeHealth,
  readControllerHealth,
  tellsMore,
} from '../gateway/controller-health.ts';
import type { Half } from '../gateway/halves.ts';
import type { Stage } from '../gateway/stages.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { ManifestInstance } from '../plan/manifest.ts';
import type { HostReader } from './host.ts';

/** As profile `ibg-controller` sets it; the paper gateway of mode `both` has the port after it. */
const PORT = 8080;

/** Bash is on every host that ibq runs on: its scripts need it. */
const ASK =
  'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET /health HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3';

/** @returns what the log does not tell, in a clause; null: nothing, or there is no such page */
export async function toldByHealth(
  host: HostReader,
  { profile, mode, inputs }: Pick<ManifestInstance, 'profile' | 'mode' | 'inputs'>,
  running: RunningInstance | null,
  { half, stage }: { half: Half; stage: Stage },
): Promise<string | null> {
  if (profile !== 'ibg-controller' || running === null) return null;
  // On the network of the host the page is off, and the port is somebody else's.
  if (inputs['network.mode'] === 'host') return null;
  const page = await askHealth(
    host,
    running,
    mode === 'both' && half === 'paper' ? PORT + 1 : PORT,
  );
  return page !== null && page.mode === half && tellsMore(page, stage)
    ? describeHealth(page)
    : null;
}

async function askHealth(
  host: HostReader,
  { pid }: RunningInstance,
  port: number,
): Promise<ControllerHealth | null> {
  const { stdout } = await host.run([
    'nsenter',
    `--net=/proc/${pid}/ns/net`,
    ...['--', 'timeout', '3', 'bash', '-c', ASK, 'health', String(port)],
  ]);
  return readControllerHealth(stdout);
}
