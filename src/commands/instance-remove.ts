/** `ibq instance remove`: deletes instances/NAME.toml. The next deploy stops what runs. */

import { NAME_RULE, parseInstanceName } from '../config/instances.ts';
import { show } from '../config/text.ts';
import type { InstanceName } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { instanceFile } from '../host/config-files.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, removeSecret, removeVolume, volumeExists } from '../host/podman.ts';
import { requireRoot } from '../host/root.ts';
import { stopUnits } from '../host/systemd.ts';
import { instanceService } from '../plan/paths.ts';
import { volumeName } from '../quadlet/render-instance.ts';

export async function instanceRemove(
  context: Context,
  nameText: string,
  { purge, yes = false }: { purge: boolean; yes?: boolean },
): Promise<number> {
  if (purge) return purgeInstance(context, nameText, yes);
  removeInstanceFile(context, nameText);
  context.ui.note('to stop it: sudo ibq deploy (its settings volume and its secrets stay)');
  return ExitCode.done;
}

/**
 * Stops the instance and removes what a later one of the same name would find again. Works after
 * its file is gone too: that is when most people come to think of it.
 */
async function purgeInstance(context: Context, nameText: string, yes: boolean): Promise<number> {
  const { host, ui, configFile } = context;
  const name = checkName(nameText);
  const command = `instance remove ${name} --purge`;
  requireRoot(host);
  if (host.root !== null) {
    throw new UserError(
      "--purge: volume and secrets are Podman's, --root does not apply",
      ExitCode.usage,
    );
  }
  // A script that says --purge means it; a person may have meant another name.
  if (ui.interactive) {
    const question = `${name}: stop it now, and delete its settings volume and its secrets for good?`;
    const agreed = await ui.confirm(question, { assumeYes: yes, flag: '-y', unlessTyped: 'no' });
    if (!agreed) throw new UserError('aborted, no changes made');
  }
  return withLock(host, command, async () => {
    const configured = host.files.exists(instanceFile(configFile, name));
    const secrets = [...(await listSecrets(host))].filter((secret) =>
      secret.startsWith(`ibq-${name}-`),
    );
    const volume = await volumeExists(host, volumeName(name));
    if (configured || (secrets.length === 0 && !volume)) removeInstanceFile(context, name);
    await stopUnits(host, [instanceService(name)]);
    for (const secret of secrets) await removeSecret(host, secret);
    if (volume) await removeVolume(host, volumeName(name));
    ui.note(
      `removed ${[volume ? 'its settings volume' : '', ...secrets].filter(Boolean).join(', ') || 'nothing else'}`,
    );
    ui.note('its units go with the next: sudo ibq deploy');
    return ExitCode.done;
  });
}

/** @throws UserError: 64 for a bad name, 1 where there is no such instance */
export function removeInstanceFile(
  { host, ui, configFile }: Context,
  nameText: string,
): InstanceName {
  const name = checkName(nameText);
  requireRoot(host);
  const path = instanceFile(configFile, name);
  if (!host.files.exists(path)) {
    // No name is suggested: all ports look alike, and the nearest may be the one that trades.
    throw new UserError(
      `${path} is not there; "ibq instance list" lists those that are, and --purge removes what one that is gone left behind`,
      ExitCode.usage,
    );
  }
  host.files.remove(path);
  ui.note(`removed ${path}`);
  return name;
}

/** @throws UserError (64) */
export function checkName(text: string): InstanceName {
  const name = parseInstanceName(text);
  if (name !== null) return name;
  throw new UserError(
    `name of an instance: should be ${NAME_RULE}, got ${show(text)}`,
    ExitCode.usage,
  );
}
