/** `ibq import compose`: the gateways of a docker-compose.yml as instances of ibq's. */

import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { ComposeFile, Service } from '../compose/document.ts';
import { type ImportedInstance, importService } from '../compose/import-service.ts';
import { profileOfService } from '../compose/profile.ts';
import { parseInstanceName } from '../config/instances.ts';
import { loadConfig } from '../config/load.ts';
import type { Instance, InstanceName } from '../config/types.ts';
import { renderInstance } from '../config/write.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { configPaths, instanceFile, readConfigSources } from '../host/config-files.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, writeSecret } from '../host/podman.ts';
import { requireRoot } from '../host/root.ts';
import { PROFILE_IDS, profileFor } from '../images/index.ts';
import { type ProfileId, secretName, secretsFor } from '../images/profile.ts';

export interface ImportComposeOptions {
  /** Another file than `.env` beside the Compose file. */
  envFile?: string;
  /** One service alone. */
  service?: string;
  /** For images of another name than the known ones. */
  profile?: string;
  dryRun: boolean;
  json: boolean;
}

interface Imported extends ImportedInstance {
  name: InstanceName;
  path: string;
  text: string;
}

/** @throws UserError for a file that can't be read; ConfigError (78), and nothing is written */
export async function importCompose(
  context: Context,
  file: string,
  options: ImportComposeOptions,
): Promise<number> {
  const { host, ui, configFile, env } = context;
  if (!options.dryRun) requireRoot(host);
  const path = resolve(file);
  const compose = await readFile(context, path, options);
  const chosen = compose.services.filter(
    ({ name }) => options.service === undefined || name === options.service,
  );
  if (chosen.length === 0) throw nothingFound(path, compose, options);
  const others: { service: string; why: string }[] = [];
  const imported: ImportedInstance[] = [];
  for (const service of chosen) {
    const profile = profileFrom(service, options);
    if (profile === null) {
      const why = `${service.image ?? 'no image'} is no gateway that ibq knows; --profile says which it is like`;
      others.push({ service: service.name, why });
    } else {
      const absolute = (it: string) => resolve(dirname(path), it.replace(/^~(?=\/|$)/, homedir()));
      imported.push(importService(compose, service, profile, { absolute }));
    }
  }
  if (imported.length === 0) throw nothingFound(path, compose, options);

  const sources = readConfigSources(host.files, configFile);
  const instances = nameAll(context, imported);
  const main = mainFile(sources.main?.text ?? null, instances);
  const { config, warnings } = loadConfig(
    {
      ...sources,
      main: main === null ? sources.main : { path: configFile, text: main },
      instances: [...sources.instances, ...instances],
    },
    env,
  );
  const modeLeft = config.network.mode !== 'host' && instances.some(({ sharesHost }) => sharesHost);
  const secrets = secretsWanted(config.instances, instances);
  if (!options.dryRun) {
    await withLock(host, `import compose ${file}`, async () => {
      const { instances: directory } = configPaths(configFile);
      if (!host.files.exists(directory)) host.files.makeDirectory(directory, 0o755);
      // Secrets first: an instance without its own would be refused by a deploy, and no harm is done by one too many.
      await keepSecrets(context, instances, secrets);
      if (main !== null) host.files.writeText(configFile, main, 0o644);
      for (const { path: target, text } of instances) host.files.writeText(target, text, 0o644);
    });
  }
  const left = instances.map((it) => ({
    ...it,
    left: it.left.map(({ what, why }) => ({ what, why: why.replaceAll('NAME', it.name) })),
  }));
  if (options.json) {
    ui.json({
      instances: left.map(
        ({ name, service, path: target, profile, secrets: given, left: rest }) => ({
          name,
          service,
          profile,
          file: target,
          secrets: [...given.keys()],
          left: rest,
        }),
      ),
      others,
      written: !options.dryRun,
    });
    return ExitCode.done;
  }
  for (const warning of warnings) {
    if (instances.some(({ path: target }) => warning.startsWith(`${target}: `))) ui.warn(warning);
  }
  tell(context, { instances: left, others, compose, main, modeLeft, dryRun: options.dryRun });
  tellNext(context, secrets, options);
  return ExitCode.done;
}

async function readFile(
  { host, env }: Context,
  path: string,
  { envFile }: ImportComposeOptions,
): Promise<ComposeFile> {
  const text = host.files.readText(path);
  if (text === null)
    throw new UserError(`${path}: should be a Compose file, is not there`, ExitCode.usage);
  const beside = (name: string) => resolve(dirname(path), name);
  const variables = host.files.readText(envFile === undefined ? beside('.env') : resolve(envFile));
  if (variables === null && envFile !== undefined) {
    throw new UserError(`${envFile}: should be a file of variables, is not there`, ExitCode.usage);
  }
  // Here and not above: the parser is only for this command.
  const { readCompose } = await import('../compose/document.ts');
  try {
    return readCompose({
      text,
      variables,
      // Where people run Compose, in the directory of its file.
      environment: { ...env, PWD: dirname(path) },
      readFile: (name) => host.files.readText(beside(name)),
    });
  } catch (error) {
    throw new UserError(
      `${path}: ${error instanceof Error ? error.message : error}; nothing was written`,
    );
  }
}

function profileFrom(service: Service, { profile }: ImportComposeOptions): ProfileId | null {
  if (profile === undefined) return profileOfService(service.image, service.environment);
  const known = PROFILE_IDS.find((id) => id === profile && id !== 'custom');
  if (known) return known;
  const legal = PROFILE_IDS.filter((id) => id !== 'custom').join(', ');
  throw new UserError(
    `--profile: should be one of ${legal}, got ${JSON.stringify(profile)}`,
    ExitCode.usage,
  );
}

function nothingFound(
  path: string,
  { services }: ComposeFile,
  { service }: ImportComposeOptions,
): UserError {
  const names = services.map(({ name }) => name).join(', ') || 'none';
  const what =
    service === undefined
      ? `has no gateway that ibq knows (services: ${names}); --service and --profile say which it is`
      : `has no service ${JSON.stringify(service)} (services: ${names})`;
  return new UserError(`${path}: ${what}; nothing was written`, ExitCode.usage);
}

/** By the port, as most people do; by the service where that name is taken. */
function nameAll({ host, configFile }: Context, imported: readonly ImportedInstance[]): Imported[] {
  const taken = new Set<string>();
  return imported.map((instance) => {
    const byService = instance.service
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, '_')
      .replace(/^_+/, '');
    const free = (name: string) =>
      !taken.has(name) && !host.files.exists(instanceFile(configFile, name as InstanceName));
    const name = [String(instance.port), byService, `${byService}_${instance.port}`]
      .flatMap((text) => parseInstanceName(text.slice(0, 31)) ?? [])
      .find(free);
    if (name === undefined) {
      throw new UserError(
        `instances/${instance.port}.toml and instances/${byService}.toml are there already; nothing was written`,
      );
    }
    taken.add(name);
    const values = new Map(instance.values);
    if (name !== String(instance.port)) values.set('port', instance.port);
    const path = instanceFile(configFile, name);
    return { ...instance, name, path, text: renderInstance(name, values) };
  });
}

/** Only where there is none: ibq never rewrites a file that somebody else may have written. */
function mainFile(text: string | null, instances: readonly Imported[]): string | null {
  if (text !== null || !instances.some(({ sharesHost }) => sharesHost)) return null;
  return '# Made by "ibq import compose": the services had network_mode host.\n[network]\nmode = "host"\n';
}

interface WantedSecret {
  instance: string;
  key: string;
  given: boolean;
}

function secretsWanted(all: readonly Instance[], imported: readonly Imported[]): WantedSecret[] {
  return imported.flatMap(({ name, secrets }) => {
    const instance = all.find((it) => it.name === name);
    const wanted = instance ? secretsFor(profileFor(instance), instance) : [];
    return wanted.map(({ key }) => ({ instance: name, key, given: secrets.has(key) }));
  });
}

async function keepSecrets(
  { host, ui }: Context,
  instances: readonly Imported[],
  wanted: readonly WantedSecret[],
): Promise<void> {
  if (host.root !== null || instances.every(({ secrets }) => secrets.size === 0)) return;
  const present = await listSecrets(host);
  for (const { name, secrets, profile } of instances) {
    const known = new Map(
      profileFor({ profile, settings: {} as Instance['settings'] }).secrets.map((it) => [
        it.key,
        it,
      ]),
    );
    for (const [key, value] of secrets) {
      const secret = known.get(key);
      if (secret === undefined || !wanted.some((it) => it.instance === name && it.key === key))
        continue;
      if (present.has(secretName(name, key))) {
        ui.note(
          `kept the ${key} of ${name} that is set already; "sudo ibq secret set ${name} ${key}" replaces it`,
        );
        continue;
      }
      await writeSecret(host, secretName(name, key), secret.encode(value));
      ui.note(`set the ${key} of ${name}`);
    }
  }
}

interface Told {
  instances: readonly Imported[];
  others: readonly { service: string; why: string }[];
  compose: ComposeFile;
  main: string | null;
  modeLeft: boolean;
  dryRun: boolean;
}

function tell({ ui, configFile }: Context, told: Told): void {
  const { instances, others, compose, main, modeLeft, dryRun } = told;
  for (const { path, text } of instances) {
    if (dryRun) ui.print(`# ${path}\n${text}`);
    else ui.note(`wrote ${path}`);
  }
  if (main !== null) {
    if (dryRun) ui.print(`# ${configFile}\n${main}`);
    else ui.note(`wrote ${configFile}`);
  }
  const lines = [
    ...instances.flatMap(({ name, service, left }) =>
      left.map(({ what, why }) => `${service} (${name}): ${what}: ${why}`),
    ),
    ...others.map(({ service, why }) => `${service}: ${why}`),
    ...compose.others.map((key) => `${key}: has no counterpart`),
    ...compose.missing.map((name) => `\${${name}}: has no value, and was taken as empty`),
    ...(modeLeft ? [`network_mode host: set network.mode = "host" in ${configFile}`] : []),
  ];
  if (lines.length === 0) return;
  ui.note('not carried over, or to be looked at:');
  for (const line of lines) ui.note(`  ${line}`);
}

function tellNext(
  { ui, host }: Context,
  secrets: readonly WantedSecret[],
  { dryRun }: ImportComposeOptions,
): void {
  if (dryRun) {
    ui.note('nothing was written (--dry-run)');
    return;
  }
  ui.note('next:');
  for (const { instance, key, given } of secrets) {
    if (!given || host.root !== null) ui.note(`  sudo ibq secret set ${instance} ${key}`);
  }
  ui.note(
    '  end the old containers (two logins of one user end each other), then: sudo ibq deploy',
  );
}
