/** The tunnels of one instance that this host holds: who gets what of it, and how. Data only. */

import type { Instance } from '../config/types.ts';
import type { Profile } from '../images/profile.ts';
import { type Carried, type Listen, listensOf } from './listens.ts';
import { hostKeyName, parseTarget, type SshTarget } from './target.ts';

interface Forward extends Listen {
  /** Address and port that this host connects to, `127.0.0.1:4001`. */
  to: string;
}

export interface Tunnel {
  instance: string;
  targets: { target: SshTarget; forwards: Forward[] }[];
  bastion: SshTarget | null;
  proxyCommand: string | null;
  options: readonly string[];
  /** Seconds. */
  aliveInterval: number;
  aliveCount: number;
  /** Seconds. */
  restart: number;
}

/**
 * @param leadsTo where this host reaches a service of the instance; null: nowhere
 * @returns null where the configuration asks for none, or leaves it to the image
 */
export function tunnelOf(
  instance: Instance,
  profile: Profile,
  leadsTo: (service: Carried) => string | null,
): Tunnel | null {
  const { ssh } = instance.settings;
  if (ssh.mode === 'no' || ssh.via === 'image') return null;
  return {
    instance: instance.name,
    targets: listensOf(instance, profile).map(({ target, listens }) => ({
      target,
      forwards: listens.flatMap((listen) => {
        const to = leadsTo(listen.service);
        return to === null ? [] : [{ ...listen, to }];
      }),
    })),
    bastion: ssh.bastion === null ? null : parseTarget(ssh.bastion),
    proxyCommand: ssh.proxy_command,
    options: ssh.options,
    aliveInterval: ssh.alive_interval,
    aliveCount: ssh.alive_count,
    restart: ssh.restart,
  };
}

/** Machines whose host keys have to be pinned, by their names in known_hosts; the bastion first. */
export function machinesOf(instance: Instance): { name: string; target: SshTarget }[] {
  const { ssh } = instance.settings;
  if (ssh.mode === 'no') return [];
  const all = [...(ssh.bastion === null ? [] : [ssh.bastion]), ...ssh.targets].map(parseTarget);
  const byName = new Map(all.map((target) => [hostKeyName(target), target]));
  return [...byName].map(([name, target]) => ({ name, target }));
}
