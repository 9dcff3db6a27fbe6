/** How people get to an instance's screen: VNC, RDP, the supervisor's page. Pure. */

import type { Environment } from '../config/load.ts';
import { SIDE_PORTS } from '../config/ports.ts';
import type { SideService } from '../config/types.ts';
import type { ManifestInstance } from './manifest.ts';
import { sidesOf } from './services.ts';

export type ScreenService = Exclude<SideService, 'paper'>;

export interface ScreenWay {
  service: ScreenService;
  /** On this host, `127.0.0.1:5901`; null: nothing is published (mode `lan`). */
  publish: string | null;
  /** For allowed clients of the LAN; null: not for the LAN, or there is none. */
  lan: string | null;
  /** Typed on the person's own machine; null: nothing is published. */
  tunnel: string | null;
  /** What to open at the near end of the tunnel, or on this host. */
  open: string | null;
  /** User name that is asked for; null: none, or the image's. */
  user: string | null;
  /** KEY of the secret that is its password. */
  secret: string;
}

/** Where `ssh` leads to this host. */
export interface SshDestination {
  /** `trader@10.0.0.5`; a part that nobody knows is in capitals. */
  target: string;
  /** Null: 22, or not known. */
  port: number | null;
}

/**
 * @param env SSH_CONNECTION (`client port server port`, sshd(8)) names the address by which the person has
 *   come; sudo takes it away, and the user name is then in SUDO_USER
 */
export function sshDestination(env: Environment, hostname: string): SshDestination {
  const user = env.SUDO_USER || env.USER || env.LOGNAME || 'USER';
  const [, , address, port] = (env.SSH_CONNECTION ?? '').split(' ');
  const host = address || hostname || 'THIS_HOST';
  return { target: `${user}@${host}`, port: address && port !== '22' ? Number(port) : null };
}

/** Those that are switched on, as deployed. */
export function screenWays(
  instance: Pick<ManifestInstance, 'relayPort' | 'publish' | 'sideServices' | 'lan' | 'inputs'>,
  ssh: SshDestination,
): ScreenWay[] {
  return sidesOf(instance).flatMap(({ service, publish, lan }): ScreenWay[] => {
    if (service === 'paper') return [];
    const port = publish?.slice(publish.lastIndexOf(':') + 1);
    const scheme = service === 'supervisor' ? 'http://' : '';
    const options = ssh.port === null ? '' : `-p ${ssh.port} `;
    return [
      {
        service,
        publish,
        lan,
        tunnel: port ? `ssh ${options}-N -L ${port}:${publish} ${ssh.target}` : null,
        open: port ? `${scheme}localhost:${port}` : null,
        user: service === 'supervisor' ? (instance.inputs['supervisor.user'] ?? null) : null,
        secret: `${service}_password`,
      },
    ];
  });
}

/** `vnc.enabled`: the keys that switch each on. */
export const SCREEN_SERVICES: readonly ScreenService[] = Object.keys(SIDE_PORTS).flatMap(
  (service) => (service === 'paper' ? [] : [service as ScreenService]),
);
