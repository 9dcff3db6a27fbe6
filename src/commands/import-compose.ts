/** `ibq import compose`: the gateways of Compose files as instances of ibq's. */

import { basename, dirname, join, resolve } from 'node:path';
import type { ComposeFile } from '../compose/document.ts';
import { type Identity, identify } from '../compose/identify.ts';
import {
  type ImportedInstance,
  type ImportOptions,
  importService,
} from '../compose/import-service.ts';
import type { LanWish } from '../compose/networks.ts';
import type { Service } from '../compose/service.ts';
import { type Settled, settle } from '../compose/settle.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Instance } from '../config/types.ts';
import { renderValue } from '../config/write.ts';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import {
  configPaths,
  INSTANCE_FILE_MODE,
  instanceFile,
  readConfigSources,
} from '../host/config-files.ts';
import type { FileReader, HostReader } from '../host/host.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, writeSecret } from '../host/podman.ts';
import { requireRoot } from '../host/root.ts';
import { PROFILE_IDS, profileFor } from '../images/index.ts';
import { type ProfileId, secretName, secretsFor } from '../images/profile.ts';
import { printable } from '../ui/foreign-text.ts';

export interface ImportComposeOptions {
  /** Another file of variables than `.env` beside the Compose file. */
  variables?: string;
  /** More files, over the first. */
  file?: readonly string[];
  /** One service alone. */
  service?: string;
  /** For images of another name than the known ones. */
  profile?: string;
  dryRun: boolean;
  json: boolean;
}

/** @throws UserError for a file that can't be read; ConfigError (78), and nothing is written */
export async function importCompose(
  context: Context,
  given: string | readonly string[],
  options: ImportComposeOptions,
): Promise<number> {
  try {
    return await run(context, [...[given].flat(), ...(options.file ?? [])], options);
  } catch (error) {
    // Names and values of the file are in messages: none may act on a terminal.
    if (error instanceof UserError) {
      error.message = error.message.split('\n').map(printable).join('\n');
    }
    throw error;
  }
}

async function run(
  context: Context,
  given: readonly string[],
  options: ImportComposeOptions,
): Promise<number> {
  const { host, ui, configFile, env } = context;
  const command = ['import', 'compose', ...given].join(' ');
  if (!options.dryRun) requireRoot(host);
  const sources = readConfigSources(host.files, configFile);
  // What is wrong with what is there is told first, as it is.
  const before = loadConfig(sources, env).config;
  const project = await readProject(context, given, options);
  const { compose, file } = project;
  const readable = readableText(host.files);
  const importOptions: ImportOptions = {
    readFile: (path) => readable(path, MAX_GIVEN),
    kindOf: (path) => host.files.kindOf(path),
    exists: (path) => host.files.exists(path),
    publishAddress: before.publish.address,
  };
  const { taken, others } = await choose(context, project, options);
  const drafts = taken.map(({ service, profile, remark }) => {
    const draft = importService(compose, service, profile, importOptions);
    if (remark !== null) draft.left.unshift({ what: `image ${service.image}`, why: remark });
    return draft;
  });
  const main = mainFile(sources.main?.text ?? null, before.network.lan !== null, drafts);
  const load = (instances: readonly { path: string; text: string }[]): LoadedConfig =>
    loadConfig(
      {
        ...sources,
        main: main === null ? sources.main : { path: configFile, text: main },
        instances: [...sources.instances, ...instances],
      },
      env,
    );
  const { instances, present, loaded } = settle({
    drafts,
    existing: before.instances,
    isFree: (name) => !host.files.exists(instanceFile(configFile, name)),
    pathOf: (name) => instanceFile(configFile, name),
    load,
    file,
  });
  const secrets = secretsWanted(loaded.config.instances, instances);
  const written = !options.dryRun && instances.length > 0;
  if (written) {
    await withLock(host, command, async () => {
      const { instances: directory } = configPaths(configFile);
      if (!host.files.exists(directory)) host.files.makeDirectory(directory, 0o755);
      // Secrets first: an instance without its own would be refused by a deploy, and no harm is done by one too many.
      await keepSecrets(context, instances, loaded.config.instances);
      if (main !== null) host.files.writeText(configFile, main, 0o644);
      for (const { path, text } of instances) host.files.writeText(path, text, INSTANCE_FILE_MODE);
    });
  }
  const told: Told = {
    instances,
    others: [...present, ...others],
    notes: notesOf(context, project, { instances, loaded, main, others }),
    main,
    written,
  };
  if (options.json) {
    ui.json(asJson(told));
    return ExitCode.done;
  }
  for (const warning of loaded.warnings) {
    if (instances.some(({ path }) => warning.startsWith(`${path}: `))) ui.warn(printable(warning));
  }
  tell(context, told);
  tellNext(context, told, secrets, options);
  return ExitCode.done;
}

/** Far above what anybody writes by hand. */
const MAX_COMPOSE = 4 * 1024 * 1024;
/** Podman's limit of a secret. */
const MAX_GIVEN = 511_999;

interface Project {
  compose: ComposeFile;
  /** For messages: the first of the files. */
  file: string;
  /** All that were read, absolute; not those that one of them names. */
  files: readonly string[];
  /** Whether a file of variables was there. */
  hasVariables: boolean;
}

/** As Compose looks for them, in this order (compose-go, cli/options.go). */
const FILE_NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const OVERRIDE_NAMES = [
  ...['compose.override.yml', 'compose.override.yaml'],
  ...['docker-compose.override.yml', 'docker-compose.override.yaml'],
];

async function readProject(
  { host, ui, env }: Context,
  given: readonly string[],
  { variables }: ImportComposeOptions,
): Promise<Project> {
  const readable = readableText(host.files);
  const asked = given.length === 0 ? ['.'] : given;
  const files = asked.flatMap((it) =>
    it === '-' ? it : findFiles(host.files, resolve(it), asked.length === 1),
  );
  const [first = '.'] = files;
  const directory = first === '-' ? resolve('.') : dirname(first);
  const texts: string[] = [];
  for (const file of files) {
    texts.push(file === '-' ? await readInput(ui) : requireText(host, file, 'a Compose file'));
  }
  const chosen = variables === undefined ? null : resolve(variables);
  const dotenv =
    chosen === null
      ? readable(join(directory, '.env'), MAX_COMPOSE, true)
      : requireText(host, chosen, 'a file of variables');
  // Here and not above: the parser is only for this command.
  const { readCompose } = await import('../compose/document.ts');
  const file = first === '-' ? 'standard input' : first;
  const home = homeOf(host.files, env);
  try {
    const compose = readCompose({
      texts,
      directory,
      home,
      variables: dotenv,
      // Where people run Compose, in the directory of its file, and as who they were before sudo.
      environment: { ...env, PWD: directory, HOME: home },
      readFile: (path) => readable(path, MAX_COMPOSE, true),
    });
    return { compose, file, files, hasVariables: dotenv !== null };
  } catch (error) {
    const message =
      error instanceof RangeError
        ? 'should be YAML that is nested less deep'
        : error instanceof Error
          ? error.message
          : String(error);
    throw new UserError(`${file}: ${message}; nothing was written`, ExitCode.usage);
  }
}

/** A directory stands for the file that Compose would find in it, and a file for the one that overrides it as well. */
function findFiles(files: FileReader, path: string, alone: boolean): string[] {
  const kind = files.kindOf(path);
  const found =
    kind === 'directory'
      ? FILE_NAMES.map((name) => join(path, name)).find((it) => files.exists(it))
      : path;
  if (found === undefined) {
    throw new UserError(
      `${path}: should hold a Compose file (${FILE_NAMES.join(', ')}), has none; nothing was written`,
      ExitCode.usage,
    );
  }
  // Who names several files, or one of another name, gets those and no more; so does Compose.
  if (!alone || !FILE_NAMES.includes(basename(found))) return [found];
  const over = OVERRIDE_NAMES.map((name) => join(dirname(found), name)).find((it) =>
    files.exists(it),
  );
  return over === undefined ? [found] : [found, over];
}

async function readInput(ui: Context['ui']): Promise<string> {
  if (ui.interactive) {
    throw new UserError(
      '-: should be a pipe, such as "docker compose config | sudo ibq import compose -"',
      ExitCode.usage,
    );
  }
  const text = await ui.readHidden('');
  if (text.length <= MAX_COMPOSE) return text;
  throw new UserError(
    `standard input: should be at most ${MAX_COMPOSE} bytes; nothing was written`,
    ExitCode.usage,
  );
}

function requireText({ files, root }: HostReader, path: string, what: string): string {
  const found = files.readChosen(path, MAX_COMPOSE);
  if (found.kind === 'text') return found.text;
  if (found.why === EMPTY) return '';
  const below = root === null ? '' : ` (below --root ${root})`;
  const why = found.why.includes('is not there')
    ? `should be ${what}, is not there${below}`
    : found.why;
  throw new UserError(`${path}: ${why}; nothing was written`, ExitCode.usage);
}

const EMPTY = 'should not be empty';

/** A plain file of the host, that never keeps anybody waiting. @returns null: it is not there, or with `strict` false not fit */
function readableText(files: FileReader) {
  return (path: string, limit: number, strict = false): string | null => {
    const found = files.readChosen(path, limit);
    if (found.kind === 'text') return found.text;
    if (found.why === EMPTY) return '';
    if (!strict || found.why.includes('is not there')) return null;
    throw new UserError(`${path}: ${found.why}; nothing was written`, ExitCode.usage);
  };
}

/** Of the one who called sudo: the file is his. */
function homeOf(files: FileReader, env: Context['env']): string {
  const { SUDO_USER: user, HOME: home = '/root' } = env;
  if (user === undefined || user === 'root') return home;
  const line = files
    .readText('/etc/passwd')
    ?.split('\n')
    .find((it) => it.startsWith(`${user}:`));
  return line?.split(':')[5] || home;
}

interface Taken {
  service: Service;
  profile: ProfileId;
  /** What has to be said of the choice. */
  remark: string | null;
}

/** Which services are gateways: by their names; by a question; or because somebody says so. */
async function choose(
  { ui }: Context,
  { compose, file }: Project,
  options: ImportComposeOptions,
): Promise<{ taken: Taken[]; others: { service: string; why: string }[] }> {
  const wanted = parseProfile(options.profile);
  const all = compose.services.map((service) => ({ service, identity: identify(service) }));
  const chosen = all.filter(
    ({ service }) => options.service === undefined || service.name === options.service,
  );
  const names = compose.services.map(({ name }) => name).join(', ');
  if (chosen.length === 0) {
    throw new UserError(
      `${file}: has no service ${JSON.stringify(options.service)} (services: ${names}); nothing was written`,
      ExitCode.usage,
    );
  }
  if (wanted !== null && options.service === undefined) {
    const likely = chosen.filter(
      ({ identity }) => identity.kind === 'guess' || identity.kind === 'other',
    );
    const known = chosen.filter(({ identity }) => identity.kind === 'known');
    const candidates = likely.length > 0 ? likely : known.length > 0 ? known : chosen;
    if (candidates.length > 1) {
      const which = candidates.map(({ service }) => service.name).join(', ');
      throw new UserError(
        `${file}: --profile ${wanted}: name the service that it is for with --service (${which}); nothing was written`,
        ExitCode.usage,
      );
    }
    const [only] = candidates;
    const taken = chosen.flatMap(({ service, identity }): Taken[] => {
      if (service === only?.service) return [{ service, profile: wanted, remark: null }];
      return identity.kind === 'known'
        ? [{ service, profile: identity.profile, remark: identity.remark }]
        : [];
    });
    return { taken, others: othersOf(all, taken) };
  }
  const taken: Taken[] = [];
  for (const { service, identity } of chosen) {
    if (wanted !== null) taken.push({ service, profile: wanted, remark: null });
    else if (identity.kind === 'known') {
      taken.push({ service, profile: identity.profile, remark: identity.remark });
    } else if (identity.kind === 'guess' && service.image !== null && ui.interactive) {
      const question = printable(
        `${service.name}: ${service.image} has the variable ${identity.by} of profile ${identity.profile}. Is it such an image?`,
      );
      const flag = `--service ${service.name} --profile ${identity.profile}`;
      if (await ui.confirm(question, { assumeYes: false, flag, unlessTyped: 'no' })) {
        taken.push({ service, profile: identity.profile, remark: null });
      }
    }
  }
  if (taken.length > 0) return { taken, others: othersOf(all, taken) };
  const reasons = chosen.map(
    ({ service, identity }) => `${service.name}: ${whyOther(service, identity)}`,
  );
  const shown = reasons.slice(0, MAX_LINES);
  const more = reasons.length > shown.length ? [`and ${reasons.length - shown.length} more`] : [];
  throw new UserError(
    [
      `${file}: has no gateway that ibq knows (services: ${clip(names)})`,
      ...shown,
      ...more,
      'nothing was written',
    ].join('\n'),
    ExitCode.usage,
  );
}

/** Lines of one kind that anybody would read. */
const MAX_LINES = 60;

function clip(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

function parseProfile(profile: string | undefined): ProfileId | null {
  if (profile === undefined) return null;
  const known = PROFILE_IDS.find((id) => id === profile);
  if (known) return known;
  throw new UserError(
    `--profile: should be one of ${PROFILE_IDS.join(', ')}, got ${JSON.stringify(profile)}`,
    ExitCode.usage,
  );
}

function othersOf(
  all: readonly { service: Service; identity: Identity }[],
  taken: readonly Taken[],
): { service: string; why: string }[] {
  return all.flatMap(({ service, identity }) =>
    taken.some((it) => it.service === service)
      ? []
      : [{ service: service.name, why: whyOther(service, identity) }],
  );
}

function whyOther(service: Service, identity: Identity): string {
  const { name, image } = service;
  switch (identity.kind) {
    case 'known':
      return `is a gateway of profile ${identity.profile}: --service ${name} imports it`;
    case 'guess': {
      const what =
        image === null
          ? `builds its own image (${service.build ?? '.'})`
          : `${image} is no gateway that ibq knows`;
      return `${what}, and has the variable ${identity.by} of profile ${identity.profile}; if it is such an image: --service ${name} --profile ${identity.profile}; if it is another gateway: --service ${name} --profile custom`;
    }
    case 'other':
      return `${image} is ${identity.title}, a gateway that ibq has no profile for; --service ${name} --profile custom drafts it (docs/images/custom.md)`;
    case 'none':
      return `${identity.why}${identity.why.includes('no gateway that ibq knows') ? `; if it is one: --service ${name} --profile custom (docs/images/custom.md)` : ''}`;
  }
}

/** Only where there is none: ibq never rewrites a file that somebody else may have written. */
function mainFile(
  text: string | null,
  hasLan: boolean,
  drafts: readonly ImportedInstance[],
): string | null {
  if (text !== null) return null;
  if (drafts.some(({ sharesHost }) => sharesHost)) {
    return '# Made by "ibq import compose": the services had network_mode host.\n[network]\nmode = "host"\n';
  }
  const lan = drafts.flatMap((it) => it.lan ?? [])[0];
  if (lan === undefined || hasLan) return null;
  return [
    `# Made by "ibq import compose": the services had addresses of their own in a ${lan.driver} network.`,
    ...lanLines(lan),
    '',
  ].join('\n');
}

/** `[network]` as a macvlan of the file has it. Who may open the API has to be named: it has no password. */
function lanLines(lan: LanWish): string[] {
  return [
    '[network]',
    `mode = ${renderValue(lan.alone ? 'lan' : 'dual')}`,
    ...(lan.driver === 'ipvlan' ? [`driver = ${renderValue(lan.driver)}`] : []),
    `interface = ${renderValue(lan.interface)}`,
    `subnet = ${renderValue(lan.subnet)}`,
    `gateway = ${renderValue(lan.gateway)}`,
    `range = ${renderValue(lan.range)}`,
    `# Clients of the LAN that may open the API, which has no password. It was open to all of ${lan.subnet}.`,
    `# allow = [${renderValue(lan.subnet)}]`,
  ];
}

interface WantedSecret {
  instance: string;
  key: string;
  given: boolean;
}

function secretsWanted(all: readonly Instance[], imported: readonly Settled[]): WantedSecret[] {
  return imported.flatMap(({ name, secrets }) => {
    const instance = all.find((it) => it.name === name);
    const wanted = instance ? secretsFor(profileFor(instance), instance) : [];
    return wanted.map(({ key }) => ({ instance: name, key, given: secrets.has(key) }));
  });
}

async function keepSecrets(
  { host, ui }: Context,
  imported: readonly Settled[],
  all: readonly Instance[],
): Promise<void> {
  if (host.root !== null || imported.every(({ secrets }) => secrets.size === 0)) return;
  const present = await listSecrets(host);
  for (const { name, secrets } of imported) {
    const instance = all.find((it) => it.name === name);
    if (instance === undefined) continue;
    for (const secret of secretsFor(profileFor(instance), instance)) {
      const value = secrets.get(secret.key);
      if (value === undefined) continue;
      if (present.has(secretName(name, secret.key))) {
        ui.note(
          `kept the ${secret.key} of ${name} that is set already; "sudo ibq secret set ${name} ${secret.key}" replaces it`,
        );
        continue;
      }
      await writeSecret(host, secretName(name, secret.key), secret.encode(value));
      ui.note(`set the ${secret.key} of ${name}`);
    }
  }
}

interface Told {
  instances: readonly Settled[];
  others: readonly { service: string; why: string }[];
  /** What is of no service alone. */
  notes: readonly string[];
  main: string | null;
  written: boolean;
}

function notesOf(
  { configFile }: Context,
  { compose, hasVariables }: Project,
  {
    instances,
    loaded,
    main,
    others,
  }: {
    instances: readonly Settled[];
    loaded: LoadedConfig;
    main: string | null;
    others: readonly { service: string; why: string }[];
  },
): string[] {
  const services = new Set(instances.map(({ service }) => service));
  const missing = new Set(
    compose.services.filter(({ name }) => services.has(name)).flatMap((it) => it.missing),
  );
  const lan = main === null ? instances.flatMap((it) => it.lan ?? [])[0] : undefined;
  const { network } = loaded.config;
  const hostMode = network.mode !== 'host' && instances.some(({ sharesHost }) => sharesHost);
  return [
    ...compose.others.map((key) => `${key}: has no counterpart`),
    ...[...missing].map((name) => `\${${name}}: has no value, and was taken as empty`),
    ...(missing.size > 0 && !hasVariables
      ? ['no .env is beside the file; --variables names another']
      : []),
    ...(hostMode ? [`network_mode host: set network.mode = "host" in ${configFile}`] : []),
    ...(lan !== undefined && network.lan === null
      ? [
          `for addresses on the LAN ${configFile} needs: ${lanLines(lan)
            .filter((it) => !it.startsWith('#'))
            .join('; ')}`,
        ]
      : []),
    ...instances.flatMap(({ lan: own }) =>
      own !== null && network.lan !== null && network.allow.length === 0
        ? [
            `network.allow in ${configFile} names nobody yet: clients of the LAN ${own.subnet} reached the API, and get in when it names them`,
          ]
        : [],
    ),
    ...(others.length > 0 && instances.length > 0 ? waysForBots(instances) : []),
  ];
}

/** Where the other services find the gateway: its name in Docker's network is gone. */
function waysForBots(instances: readonly Settled[]): string[] {
  const [first] = instances;
  if (first === undefined || first.sharesHost) return [];
  const { service, name, port } = first;
  return [
    `programs that found the gateway as "${service}": on this host it is at 127.0.0.1:${port}, in a joined network of Podman it is ib-gateway-${name}; ` +
      'from containers of Docker it takes publish.address and network.allow (docs/import-compose.md, "How the bots find the gateway")',
  ];
}

function asJson({ instances, others, notes, written }: Told): object {
  return {
    instances: instances.map(({ name, service, path, profile, secrets, left }) => ({
      name,
      service,
      profile,
      file: path,
      secrets: [...secrets.keys()],
      left: left.map(({ what, why }) => ({ what, why: withName(why, name) })),
    })),
    others,
    notes,
    written,
  };
}

/** `NAME` of a word by itself: what the file itself says stays as it is. */
function withName(why: string, name: string): string {
  return why.replace(/\bNAME\b(?!=)/g, name);
}

function tell({ ui, configFile }: Context, told: Told): void {
  const { instances, others, notes, main, written } = told;
  const files = [
    ...instances.map(({ path, text }) => ({ path, text })),
    ...(main === null ? [] : [{ path: configFile, text: main }]),
  ];
  for (const { path, text } of files) {
    if (written) ui.note(`wrote ${path}`);
    else ui.print(`# ${path}\n${text}`);
  }
  const lines = [
    ...limited(
      instances.flatMap(({ name, service, left }) =>
        left.map(({ what, why }) => `${service} (${name}): ${what}: ${withName(why, name)}`),
      ),
    ),
    ...limited(others.map(({ service, why }) => `${service}: ${why}`)),
    ...limited(notes),
  ];
  if (lines.length === 0) return;
  ui.note('not carried over, or to be looked at:');
  for (const line of lines) ui.note(`  ${printable(line)}`);
}

function limited(lines: readonly string[]): string[] {
  const most = 400;
  return lines.length <= most
    ? [...lines]
    : [...lines.slice(0, most), `and ${lines.length - most} more of this kind (--json lists all)`];
}

function tellNext(
  { ui, host }: Context,
  { instances, written }: Told,
  secrets: readonly WantedSecret[],
  { dryRun }: ImportComposeOptions,
): void {
  if (!written) {
    ui.note(
      dryRun || instances.length > 0
        ? 'nothing was written (--dry-run)'
        : 'nothing was written: all of it is there already',
    );
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
