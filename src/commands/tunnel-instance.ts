/** The instance that a tunnel command is about, as it is configured. */

import type { Instance } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { loadHostConfig } from '../host/config-files.ts';
import { profileFor } from '../images/index.ts';
import { bastionLine, targetLine } from '../ssh/authorized-keys.ts';
import { listensOf, type TargetListens } from '../ssh/listens.ts';
import { parseTarget } from '../ssh/target.ts';

export interface Tunnelled {
  instance: Instance;
  targets: TargetListens[];
}

/** Those whose configuration asks for a tunnel. */
export function tunnelledInstances({ host, configFile, env }: Context): Tunnelled[] {
  const { instances } = loadHostConfig(host.files, configFile, env).config;
  return instances
    .filter(({ settings }) => settings.ssh.mode !== 'no')
    .map((instance) => ({ instance, targets: listensOf(instance, profileFor(instance)) }));
}

/** @throws UserError (64) for an instance that is not configured, or has no tunnel */
export function requireTunnelled(context: Context, name: string): Tunnelled {
  const found = tunnelledInstances(context).find(({ instance }) => instance.name === name);
  if (found) return found;
  const { instances } = loadHostConfig(context.host.files, context.configFile, context.env).config;
  const instance = instances.find((it) => it.name === name);
  const known = instances.map((it) => it.name).join(', ') || 'none yet';
  throw new UserError(
    instance
      ? `instance ${name} has no tunnel; set mode = "both" and targets under [ssh] in ${instance.file} (docs/ssh-tunnels.md)`
      : `no instance ${JSON.stringify(name)} (configured: ${known}); run "sudo ibq instance add NAME" first`,
    ExitCode.usage,
  );
}

/** Lines of authorized_keys, each with the machine that it is for. */
export function authorizedKeys(
  { instance, targets }: Tunnelled,
  publicKey: string,
): { machine: string; line: string }[] {
  const { bastion } = instance.settings.ssh;
  const machines = targets.map(({ target }) => target);
  return [
    ...(bastion === null
      ? []
      : [{ machine: parseTarget(bastion).text, line: bastionLine(machines, publicKey) }]),
    ...targets.map((it) => ({ machine: it.target.text, line: targetLine(it, publicKey) })),
  ];
}
