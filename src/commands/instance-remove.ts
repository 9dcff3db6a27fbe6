/** `ibq instance remove`: deletes instances/NAME.toml. The next deploy stops what runs. */

import { basename } from 'node:path';
import { NAME_RULE, parseInstanceName } from '../config/instances.ts';
import { closest, show } from '../config/text.ts';
import type { InstanceName } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { configPaths, instanceFile } from '../host/config-files.ts';
import { requireRoot } from '../host/root.ts';

export async function instanceRemove(context: Context, nameText: string): Promise<number> {
  removeInstanceFile(context, nameText);
  context.ui.note('to stop it: sudo ibq deploy (its settings volume and its secrets stay)');
  return ExitCode.done;
}

/** @throws UserError: 64 for a bad name, 1 where there is no such instance */
export function removeInstanceFile(
  { host, ui, configFile }: Context,
  nameText: string,
): InstanceName {
  const name = parseInstanceName(nameText);
  if (name === null) {
    throw new UserError(
      `name of an instance: should be ${NAME_RULE}, got ${show(nameText)}`,
      ExitCode.usage,
    );
  }
  requireRoot(host, `instance remove ${name}`);
  const path = instanceFile(configFile, name);
  if (!host.files.exists(path)) {
    const names = host.files
      .list(configPaths(configFile).instances)
      .map((file) => basename(file, '.toml'));
    const near = closest(name, names);
    throw new UserError(`${path} is not there${near ? `; did you mean ${show(near)}?` : ''}`);
  }
  host.files.remove(path);
  ui.note(`removed ${path}`);
  return name;
}
