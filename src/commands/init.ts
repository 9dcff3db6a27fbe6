/** `ibq init`: a commented ibq.toml, the directories beside it, and the network pinned. */

import { renderExample } from '../config/write.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { configPaths, refuseDangling } from '../host/config-files.ts';
import { requireRoot } from '../host/root.ts';
import { freeName } from './free-name.ts';
import { networkDetect } from './network-detect.ts';

/** @throws UserError where ibq.toml is there, be it a link that leads nowhere, and `force` is not given */
export async function init(context: Context, { force }: { force: boolean }): Promise<number> {
  const { host, ui, configFile } = context;
  requireRoot(host);
  const paths = configPaths(configFile);
  const present = host.files.kindOf(paths.main) !== null;
  if (present && !force) {
    refuseDangling(host.files, paths.main);
    throw new UserError(
      `${paths.main} is there already, nothing was changed; edit it, or set it aside with "sudo ibq init --force"`,
    );
  }
  for (const directory of [paths.directory, paths.instances]) {
    // An existing one keeps the mode that somebody gave it.
    if (!host.files.exists(directory)) host.files.makeDirectory(directory, 0o755);
  }
  // First, so that after an override that is wrong, `init` can simply be repeated.
  const detected = await networkDetect(context, { json: false, write: true, ask: true });
  if (detected === ExitCode.missingPart) {
    ui.note('no private network can be used: mode "bridge", ports on the host only');
  }
  if (present) {
    const aside = freeName(host, `${paths.main}.old`);
    host.files.rename(paths.main, aside);
    ui.note(`moved ${paths.main} to ${aside}`);
  }
  host.files.writeText(paths.main, renderExample(), 0o644);
  ui.note(`wrote ${paths.main}`);
  ui.note('next:');
  for (const step of [
    'instance add 4002 --mode paper --user NAME',
    'secret set 4002 password',
    'deploy',
  ]) {
    ui.note(`  sudo ibq ${step}`);
  }
  return ExitCode.done;
}
