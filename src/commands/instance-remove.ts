/** `ibq instance remove`: deletes instances/NAME.toml. The next deploy stops what runs. */

import { basename } from 'node:path';
import { NAME_RULE, parseInstanceName } from '../config/instances.ts';
import { closest, show } from '../config/text.ts';
import type { InstanceName } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { configPaths, instanceFile } from '../host/config-files.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, removeSecret, removeVolume, volumeExists } from '../host/podman.ts';
import { requireRoot } from '../host/root.ts';
import { stopUnits } from '../host/systemd.ts';
import { instanceService } from '../plan/paths.ts';
import { volumeName } from '../quadlet/render-instance.ts';

export async function instanceRemove(
  context: Context,
  nameText: string,
  { purge }: { purge: boolean },
): Promise<number> {
  if (purge) return purgeInstance(context, nameText);
  removeInstanceFile(context, nameText);
  context.ui.note('to stop it: sudo ibq deploy (its settings volume and its secrets stay)');
  return ExitCode.done;
}

/**
 * Stops the instance and removes what a later one of the same name would find again. Works after
 * its file is gone too: that is when most people come to think of it.
 */
async function purgeInstance(context: Context, nameText: string): Promise<number> {
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
    const names = host.files
      .list(configPaths(configFile).instances)
      .map((file) => basename(file, '.toml'));
    // A neighbour's number is another account.
    const near = /^\d+$/.test(name) ? null : closest(name, names);
    const hint = near ? `; did you mean ${show(near)}?` : '; what it left behind goes with --purge';
    throw new UserError(`${path} is not there${hint}`, ExitCode.usage);
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
