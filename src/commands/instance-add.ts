/** `ibq instance add`: writes instances/NAME.toml, if the whole configuration is valid with it. */

import type { Source } from '../config/document.ts';
import { NAME_RULE, parseInstanceName, READ_ONLY_UNSET } from '../config/instances.ts';
import { lookup } from '../config/layer.ts';
import { type ConfigSources, readSources } from '../config/load.ts';
import { createReport } from '../config/report.ts';
import { show } from '../config/text.ts';
import type { Context } from '../context.ts';
import { ExitCode, formatProblem, UserError } from '../errors.ts';
import {
  configPaths,
  INSTANCE_FILE_MODE,
  instanceFile,
  readConfigSources,
} from '../host/config-files.ts';
import { requireRoot } from '../host/root.ts';
import { profileFor } from '../images/index.ts';
import { neededSecrets } from '../ssh/secrets.ts';
import { type InstanceAddOptions, loadWith, valuesOf } from './instance-flags.ts';

/** @throws UserError (64) for a bad name; for what a flag brought; ConfigError (78) for other files; nothing is written then */
export async function instanceAdd(
  context: Context,
  nameText: string,
  options: InstanceAddOptions,
): Promise<number> {
  const { host, ui, configFile, env } = context;
  const name = parseInstanceName(nameText);
  if (name === null) {
    throw new UserError(
      `name of an instance: should be ${NAME_RULE}, got ${show(nameText)}`,
      ExitCode.usage,
    );
  }
  requireRoot(host);
  const path = instanceFile(configFile, name);
  if (host.files.exists(path)) {
    throw new UserError(
      `${path} is there already, nothing was changed; edit it, then run "sudo ibq deploy"`,
    );
  }
  const values = valuesOf(name, options);
  if (!values.has('port') && !/^\d+$/.test(name)) {
    throw new UserError(`instance ${name}: the name is not a port; add --port N`, ExitCode.usage);
  }
  const sources = readConfigSources(host.files, configFile);
  const set = new Set((options.set ?? []).map((assignment) => assignment.replace(/=.*$/s, '')));
  const { text, ...loaded } = loadWith({ name, path, values, set, sources, env });

  const { instances } = configPaths(configFile);
  if (!host.files.exists(instances)) host.files.makeDirectory(instances, 0o755);
  host.files.writeText(path, text, INSTANCE_FILE_MODE);
  for (const warning of loaded.warnings) if (warning.startsWith(`${path}: `)) ui.warn(warning);
  const made = loaded.config.instances.find((instance) => instance.name === name);
  if (made?.mode === 'paper' && isReadOnlyUnset(sources, { path, text })) {
    ui.warn(formatProblem({ file: path, key: 'read_only_api', message: READ_ONLY_UNSET }));
  }
  ui.note(`wrote ${path}`);
  ui.note('next:');
  for (const secret of made ? neededSecrets(profileFor(made), made) : []) {
    if (secret.required) ui.note(`  ${secret.mend}`);
  }
  const ssh = made?.settings.ssh;
  // An image of its own keeps the host keys as a secret, which is listed above.
  if (ssh && ssh.mode !== 'no' && ssh.via === 'host') ui.note(`  sudo ibq tunnel trust ${name}`);
  ui.note('  sudo ibq deploy');
  return ExitCode.done;
}

/** Neither by the new file nor by `[defaults]`. */
function isReadOnlyUnset(sources: ConfigSources, own: Source): boolean {
  const layers = readSources({ ...sources, instances: [own] }, {}, createReport());
  const all = [...layers.instances.map(({ layer }) => layer), layers.defaults];
  return lookup('read_only_api', all) === null;
}
