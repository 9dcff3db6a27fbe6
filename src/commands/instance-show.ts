/** `ibq instance show`: every setting of an instance and where it comes from. Secrets never. */

import { explainInstance } from '../config/explain.ts';
import { loadConfig } from '../config/load.ts';
import { closest, show } from '../config/text.ts';
import { renderValue } from '../config/write.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { readConfigSources } from '../host/config-files.ts';
import { printable } from '../ui/foreign-text.ts';
import { table } from '../ui/table.ts';

/** @throws UserError (64) where there is no such instance; ConfigError (78) */
export async function instanceShow(
  { host, ui, configFile, env }: Context,
  name: string,
  { json }: { json: boolean },
): Promise<number> {
  const sources = readConfigSources(host.files, configFile);
  const { config, warnings } = loadConfig(sources, env);
  const instance = config.instances.find((candidate) => candidate.name === name);
  if (instance === undefined) {
    const near = closest(
      name,
      config.instances.map((candidate) => candidate.name),
    );
    const hint = near ? `did you mean ${show(near)}?` : '"ibq instance list" lists them';
    throw new UserError(`no instance ${show(name)}; ${hint}`, ExitCode.usage);
  }
  const settings = explainInstance(sources, env, config, instance);
  if (json) {
    ui.json({ name: instance.name, file: instance.file, settings });
    return ExitCode.done;
  }
  for (const warning of warnings) if (warning.startsWith(`${instance.file}: `)) ui.warn(warning);
  const rows = settings.map(({ key, value, source, from }) => [
    key,
    value === null ? '-' : printable(renderValue(value)),
    SOURCES[source],
    from ?? '',
  ]);
  ui.print(
    table(rows, {
      terminal: ui.terminal,
      columns: ui.columns,
      header: ['KEY', 'VALUE', 'SOURCE', 'FROM'],
    }),
  );
  return ExitCode.done;
}

const SOURCES = {
  environment: 'environment',
  instance: 'instance',
  defaults: '[defaults]',
  host: 'host',
  pin: 'pinned',
  name: 'name',
  profile: 'profile',
  rule: 'by rule',
  'built-in': 'built-in',
} as const;
