/**
 * Drafts of instances beside one another and beside those that are there: ports and names given out, and what is wrong
 * only beside other values taken back, until the whole configuration loads. Nothing else is ever written.
 */

import { parseInstanceName } from '../config/instances.ts';
import type { LoadedConfig } from '../config/load.ts';
import { SIDE_PORTS } from '../config/ports.ts';
import type { Config, Instance, InstanceName } from '../config/types.ts';
import { renderInstance } from '../config/write.ts';
import { ConfigError, ExitCode, type Problem, UserError } from '../errors.ts';
import { profileFor } from '../images/index.ts';
import { secretsFor } from '../images/profile.ts';
import { instanceProblems } from '../quadlet/render-instance.ts';
import { leaveOut } from './draft.ts';
import type { ImportedInstance } from './import-service.ts';

export interface Settled extends ImportedInstance {
  name: InstanceName;
  path: string;
  text: string;
}

export interface SettleInput {
  drafts: readonly ImportedInstance[];
  /** Instances that are configured. */
  existing: readonly Instance[];
  isFree: (name: string) => boolean;
  pathOf: (name: InstanceName) => string;
  /** The real loader, with these files beside those that are there. */
  load: (instances: readonly { path: string; text: string }[]) => LoadedConfig;
  /** The Compose file, for messages. */
  file: string;
}

/** @throws UserError (78): a service can't be taken, with its reason */
export function settle(input: SettleInput): {
  instances: Settled[];
  /** Services that are instances already. */
  present: { service: string; why: string }[];
  loaded: LoadedConfig;
} {
  refuse(
    input.file,
    input.drafts.flatMap(({ service, problems }) =>
      problems.map((it) => `services.${service}.${it}`),
    ),
  );
  const present = input.drafts.flatMap((draft) => {
    const instance = input.existing.find((it) => isSame(it, draft));
    return instance === undefined ? [] : [{ draft, instance }];
  });
  const fresh = input.drafts.filter((it) => !present.some(({ draft }) => draft === it));
  givePorts(input, fresh);
  const named = nameAll(input, fresh);
  const loaded = loadWhole(input, named);
  return {
    instances: named.map((it) => ({ ...it, text: textOf(it) })),
    present: present.map(({ draft, instance }) => ({
      service: draft.service,
      why: `is there already: ${instance.file} has its port, user and mode`,
    })),
    loaded,
  };
}

function refuse(file: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const text = lines.slice(0, 20).map((line) => `${file}: ${line}`);
  throw new UserError([...text, 'nothing was written'].join('\n'), ExitCode.badConfiguration);
}

function isSame(instance: Instance, { values, port }: ImportedInstance): boolean {
  return (
    instance.port === port &&
    instance.mode === values.get('mode') &&
    (instance.user ?? null) === (values.get('user') ?? null)
  );
}

interface Wish {
  draft: ImportedInstance;
  key: string;
  offset: number;
  named: boolean;
}

/** Those that the file names come first; what ibq would have made up gives way, and so does the later of two. */
function givePorts({ existing, file }: SettleInput, drafts: readonly ImportedInstance[]): void {
  const holders = new Map<number, { who: string; configured: boolean }>();
  for (const { name, port, sidePorts, settings } of existing) {
    const all = [...(settings.network.publish ? [port] : []), ...Object.values(sidePorts)];
    for (const it of all) holders.set(it, { who: `instance ${name}`, configured: true });
  }
  const wishes = drafts
    .filter(({ sharesHost }) => !sharesHost)
    .flatMap((draft): Wish[] => {
      const { values } = draft;
      const both = values.get('mode') === 'both';
      const kept = values.get('network.publish') === false || values.has('network.via');
      const side = (service: 'vnc' | 'rdp' | 'supervisor'): Wish[] => {
        const { key, offset } = SIDE_PORTS[service];
        return values.get(`${service}.enabled`) === true
          ? [{ draft, key, offset, named: values.has(key) }]
          : [];
      };
      return [
        ...(kept ? [] : [{ draft, key: 'port', offset: 0, named: draft.portNamed }]),
        ...(both && !kept
          ? [{ draft, key: 'paper_port', offset: 1, named: values.has('paper_port') }]
          : []),
        ...side('vnc'),
        ...side('rdp'),
        ...side('supervisor'),
      ];
    });
  const problems: string[] = [];
  for (const { draft, key, offset, named } of [
    ...wishes.filter((it) => it.named),
    ...wishes.filter((it) => !it.named),
  ]) {
    const wanted =
      key === 'port' ? draft.port : Number(draft.values.get(key) ?? draft.port + offset);
    const holder = holders.get(wanted);
    let given = wanted;
    if (holder !== undefined) {
      if (named && holder.configured) {
        problems.push(
          `services.${draft.service}.ports: port ${wanted} is that of ${holder.who} already; publish another one, or choose others with --service`,
        );
        continue;
      }
      while (holders.has(given) && given < 65_000) given += 10;
      draft.left.push({
        what: `${key} ${wanted}`,
        why: `is that of ${holder.who} too: ${given} is given instead, which its clients have to know; --service imports one alone`,
      });
      if (key === 'port') draft.port = given;
    }
    if (key !== 'port') draft.values.set(key, given);
    holders.set(given, { who: `service ${draft.service}`, configured: false });
  }
  refuse(file, problems);
  // What follows by rule is not written.
  for (const { values, port } of drafts) {
    for (const { key, offset } of Object.values(SIDE_PORTS)) {
      if (values.get(key) === port + offset) values.delete(key);
    }
  }
}

/** By the port, as most people do; by the service where that name is taken. */
function nameAll(
  { isFree, pathOf, file }: SettleInput,
  drafts: readonly ImportedInstance[],
): Omit<Settled, 'text'>[] {
  const taken = new Set<string>();
  return drafts.map((draft) => {
    const byService = draft.service
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, '_')
      .replace(/^_+/, '')
      .slice(0, 31);
    const name = [String(draft.port), byService, `${byService.slice(0, 24)}_${draft.port}`]
      .flatMap((text) => parseInstanceName(text) ?? [])
      .find((text) => !taken.has(text) && isFree(text));
    if (name === undefined) {
      throw new UserError(
        `${file}: services.${draft.service}: instances ${draft.port} and ${byService} are there already; nothing was written`,
      );
    }
    taken.add(name);
    if (name !== String(draft.port)) draft.values.set('port', draft.port);
    return { ...draft, name, path: pathOf(name) };
  });
}

function textOf({ name, values }: Omit<Settled, 'text'>): string {
  return renderInstance(name, values);
}

/** More would be a file that nobody wrote by hand. */
const MAX_ROUNDS = 300;

function loadWhole(input: SettleInput, instances: readonly Omit<Settled, 'text'>[]): LoadedConfig {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const problems = tryLoad(input, instances);
    if ('config' in problems) {
      for (const it of instances) dropUnused(it, problems.config);
      return problems;
    }
    const refused: string[] = [];
    const done = new Set<string>();
    let progress = false;
    for (const { file, key = '', message } of problems) {
      const own = instances.find(({ path }) => path === file);
      if (own === undefined) {
        refused.push(`${file}: ${key}: ${message}`);
        continue;
      }
      const id = cause(own, key);
      // Indexes of a list move when one is taken out.
      const list = `${file} ${id.replace(/\.\d+$/, '')}`;
      if (done.has(list)) progress = true;
      else if (DECISIVE.test(id) || !leaveOut(own, id, message)) {
        refused.push(`services.${own.service}: ${own.origins.get(id) ?? id}: ${message}`);
      } else progress = true;
      done.add(list);
    }
    if (!progress) refuse(input.file, refused);
  }
  throw new UserError(
    `${input.file}: has too much that can't be carried over; nothing was written`,
  );
}

/** Without these it would be another gateway. */
const DECISIVE =
  /^(?:image\..*|mode|user|port|custom_config\.ibc|network\.via|custom\.(?:live|paper)_port|)$/;

/** Which value brings a problem of a key that is not set. */
function cause({ values }: Omit<Settled, 'text'>, key: string): string {
  if (
    key.startsWith('ssh.') &&
    ![...values.keys()].some((id) => key === id || key.startsWith(`${id}.`))
  ) {
    return 'ssh.mode';
  }
  return key;
}

function tryLoad(
  { load }: SettleInput,
  instances: readonly Omit<Settled, 'text'>[],
): LoadedConfig | readonly Problem[] {
  try {
    const loaded = load(instances.map((it) => ({ path: it.path, text: textOf(it) })));
    const made = loaded.config.instances.filter((it) =>
      instances.some(({ path }) => path === it.file),
    );
    const problems = made.flatMap((it) => instanceProblems(profileFor(it), it, loaded.config));
    return problems.length === 0 ? loaded : problems;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** Secrets that nothing reads as it is configured now: where the user's own config.ini has the login. */
function dropUnused(own: Omit<Settled, 'text'>, { instances }: Config): void {
  const instance = instances.find(({ file }) => file === own.path);
  if (instance === undefined) return;
  const wanted = new Set<string>(secretsFor(profileFor(instance), instance).map(({ key }) => key));
  if (instance.settings.ssh.mode !== 'no')
    for (const key of ['ssh_key', 'ssh_passphrase']) wanted.add(key);
  for (const key of own.secrets.keys()) {
    if (wanted.has(key)) continue;
    own.secrets.delete(key);
    own.left.push({
      what: own.origins.get(`secret.${key}`) ?? key,
      why: `nothing reads the ${key} as it is configured now; it was not kept`,
    });
  }
}
