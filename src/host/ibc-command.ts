/** IBC's command server, which listens on the loopback of its container. */

import { type CommandAnswer, readCommandAnswer } from '../gateway/soft-restart.ts';
import type { Host } from './host.ts';

/** The images have bash and coreutils, and nothing else that speaks TCP. IBC closes the connection. */
const SEND = 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf \'RESTART\\n\' >&3 && cat <&3';

/** @returns null where nobody answers on the port */
export async function sendRestart(
  host: Host,
  name: string,
  port: number,
): Promise<CommandAnswer | null> {
  const command = ['timeout', '20', 'bash', '-c', SEND, 'send', String(port)];
  const result = await host.run(['podman', 'exec', `ib-gateway-${name}`, ...command]);
  return readCommandAnswer(result.stdout);
}
