/** `ibq instance list`: the configured instances. Whether they run is for `ibq status` to say. */

import { summarized } from '../config/report.ts';
import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { loadHostConfig } from '../host/config-files.ts';
import { table } from '../ui/table.ts';

/** @throws ConfigError (78) */
export async function instanceList(
  { host, ui, configFile, env }: Context,
  { json }: { json: boolean },
): Promise<number> {
  const { config, warnings } = loadHostConfig(host.files, configFile, env);
  for (const warning of summarized(warnings)) ui.warn(warning);
  const instances = config.instances.map(({ name, mode, port, user, profile, image, file }) => ({
    name,
    mode,
    port,
    user,
    profile,
    image,
    file,
  }));
  if (json) {
    ui.json({ instances });
  } else if (instances.length === 0) {
    ui.note('no instances; to make one: sudo ibq instance add 4002 --mode paper --user NAME');
  } else {
    const rows = instances.map((i) => [
      i.name,
      i.mode,
      String(i.port),
      i.user ?? '-',
      i.profile,
      i.image,
    ]);
    const header = ['NAME', 'MODE', 'PORT', 'USER', 'PROFILE', 'IMAGE'];
    ui.print(table(rows, { terminal: ui.terminal, columns: ui.columns, header }));
  }
  return ExitCode.done;
}
