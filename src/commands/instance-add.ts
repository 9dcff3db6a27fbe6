/** `ibq instance add`: writes instances/NAME.toml, if the whole configuration is valid with it. */

import { NAME_RULE, parseInstanceName } from '../config/instances.ts';
import type { Value } from '../config/key-spec.ts';
import { loadConfig } from '../config/load.ts';
import { KEYS } from '../config/schema.ts';
import { show } from '../config/text.ts';
import { renderInstance } from '../config/write.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import {
  configPaths,
  INSTANCE_FILE_MODE,
  instanceFile,
  readConfigSources,
} from '../host/config-files.ts';
import { requireRoot } from '../host/root.ts';
import { profileFor } from '../images/index.ts';
import { neededSecrets } from '../ssh/secrets.ts';

export interface InstanceAddOptions {
  mode?: string;
  user?: string;
  port?: number;
  profile?: string;
  image?: string;
  /** `key=value`, any key of an instance; `environment.NAME=value`, `ibc.NAME=value`, `jts.SECTION.NAME=value`. */
  set?: readonly string[];
}

/** @throws UserError (64) for a bad name; ConfigError (78), and nothing is written */
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
  const values = valuesOf(options);
  if (!values.has('port') && !/^\d+$/.test(name)) {
    throw new UserError(`instance ${name}: the name is not a port; add --port N`, ExitCode.usage);
  }
  const text = renderInstance(name, values);
  const sources = readConfigSources(host.files, configFile);
  const loaded = loadConfig({ ...sources, instances: [...sources.instances, { path, text }] }, env);

  const { instances } = configPaths(configFile);
  if (!host.files.exists(instances)) host.files.makeDirectory(instances, 0o755);
  host.files.writeText(path, text, INSTANCE_FILE_MODE);
  for (const warning of loaded.warnings) if (warning.startsWith(`${path}: `)) ui.warn(warning);
  ui.note(`wrote ${path}`);
  ui.note('next:');
  const made = loaded.config.instances.find((instance) => instance.name === name);
  for (const secret of made ? neededSecrets(profileFor(made), made) : []) {
    if (secret.required) ui.note(`  ${secret.mend}`);
  }
  ui.note('  sudo ibq deploy');
  return ExitCode.done;
}

/** By key id. Later ones win: `--set` over the flags. */
function valuesOf({
  mode,
  user,
  port,
  profile,
  image,
  set = [],
}: InstanceAddOptions): Map<string, Value> {
  const values = new Map<string, Value>();
  const flags = { mode, user, port, 'image.profile': profile, 'image.reference': image };
  for (const [id, value] of Object.entries(flags)) if (value !== undefined) values.set(id, value);
  for (const assignment of set) {
    const [, id = '', text = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (id === '') {
      throw new UserError(`--set: should be KEY=VALUE, got ${show(assignment)}`, ExitCode.usage);
    }
    const [, table, entry = ''] = /^(environment|ibc|jts)\.(.+)$/.exec(id) ?? [];
    if (table === undefined) values.set(id, added(values.get(id), typed(id, text)));
    else values.set(table, withEntry(values.get(table), table, entry, text));
  }
  return values;
}

/** A table with one more entry; those of `jts` are in sections. */
function withEntry(table: Value | undefined, name: string, entry: string, text: string): Value {
  const entries = new Map(Object.entries(table ?? {}));
  const [, section, key] = name === 'jts' ? (/^([^.]+)\.(.+)$/.exec(entry) ?? []) : [];
  if (section === undefined || key === undefined) entries.set(entry, text);
  else
    entries.set(
      section,
      Object.fromEntries([...Object.entries(entries.get(section) ?? {}), [key, text]]),
    );
  return Object.fromEntries(entries);
}

/** A list grows with each `--set` of its key; of others the last one holds. */
function added(before: Value | undefined, value: Value): Value {
  return Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

/** Text of a command line as its key's type; what does not fit stays text, for the loader to refuse. */
function typed(id: string, text: string): Value {
  const kind = KEYS.get(id)?.type.kind;
  if (kind === 'integer' && /^\d{1,15}$/.test(text)) return Number(text);
  if (kind === 'number' && /^\d{1,15}(?:\.\d{1,15})?$/.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (kind === 'list') return [text];
  return text;
}
