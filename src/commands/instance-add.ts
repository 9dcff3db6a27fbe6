/** `ibq instance add`: writes instances/NAME.toml, if the whole configuration is valid with it. */

import { NAME_RULE, parseInstanceName } from '../config/instances.ts';
import { show } from '../config/text.ts';
import type { Config, Instance } from '../config/types.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { readAttached } from '../host/attached.ts';
import {
  configPaths,
  INSTANCE_FILE_MODE,
  instanceFile,
  readConfigSources,
} from '../host/config-files.ts';
import type { FileReader } from '../host/host.ts';
import { requireRoot } from '../host/root.ts';
import { profileFor } from '../images/index.ts';
import type { HostFacts } from '../plan/facts.ts';
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
  for (const line of made ? notThereYet(host.files, loaded.config, made) : []) {
    ui.warn(`${path}: ${line}; a deploy needs it`);
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

/** Networks and containers that it names and that a deploy would miss. */
function notThereYet(files: FileReader, config: Config, made: Instance): string[] {
  const { attached, sidecars } = readAttached(files, { ...config, instances: [made] });
  const missing = (key: string, found: HostFacts['attached'] | HostFacts['sidecars']) =>
    [...found].flatMap(([name, it]) =>
      it.kind === 'unusable' ? [`network.${key}: ${name} ${it.reason}`] : [],
    );
  return [...missing('join', attached), ...missing('via', sidecars)];
}
