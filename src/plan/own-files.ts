/** Files of the user's that take the place of the image's (`custom_config`): checked, and kept as Podman secrets. */

import { createHmac } from 'node:crypto';
import { parse } from 'ini';
import type { Config, Instance } from '../config/types.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { foreignLines, parseProperties } from '../images/java-properties.ts';
import { type Profile, secretName } from '../images/profile.ts';

/** What lies at a path of the configuration. */
export type OwnFile =
  /** `forAll`: every user of the host may read it. */
  | { kind: 'text'; text: string; forAll: boolean }
  /** `should be …, is …`. */
  | { kind: 'unfit'; why: string };

/** A file of an instance, as it goes to Podman. */
export interface FileSecret {
  /** `ibq-4001-config_ini-1a2b3c4d5e6f7a8b`: another text is another secret beside the old one. */
  name: string;
  instance: string;
  /** Where it was read. */
  path: string;
  text: string;
}

export interface InstanceOwnFiles {
  jts: FileSecret | null;
  ibc: (FileSecret & { commandPorts: readonly number[] }) | null;
}

const UNREAD: OwnFile = { kind: 'unfit', why: 'should be read with the configuration' };

/** Podman secrets that hold such a file. */
export const FILE_SECRET = /^ibq-[a-z0-9_]+-(?:jts|config)_ini-[0-9a-f]{16}$/;

/**
 * @param files by path; those of the configuration are all there
 * @param key makes the names: a plain hash of a file with a password would be a way to guess it
 * @throws ConfigError for files that can't be used
 */
export function ownFilesOf(
  { instances }: Config,
  files: ReadonlyMap<string, OwnFile>,
  key: string,
  profileFor: (instance: Instance) => Profile,
): ReadonlyMap<string, InstanceOwnFiles> {
  const problems: Problem[] = [];
  const all = instances.map((instance) => {
    const profile = profileFor(instance);
    const read = (which: 'jts' | 'ibc') => {
      const path = instance.settings.custom_config[which];
      if (path === null) return null;
      const file = files.get(path) ?? UNREAD;
      const why =
        file.kind === 'unfit'
          ? file.why
          : (which === 'jts' ? jtsProblem : ibcProblem)(file.text, instance, profile);
      if (why !== null) {
        const message = `${path}: ${why}; nothing was changed`;
        problems.push({ file: instance.file, key: `custom_config.${which}`, message });
      }
      return file.kind === 'text' ? { path, text: file.text } : null;
    };
    const secret = (part: string, file: { path: string; text: string }): FileSecret => {
      const hash = createHmac('sha256', key).update(file.text).digest('hex').slice(0, 16);
      return {
        ...file,
        name: secretName(instance.name, `${part}-${hash}`),
        instance: instance.name,
      };
    };
    const jts = read('jts');
    const ibc = read('ibc');
    const own: InstanceOwnFiles = {
      jts: jts && secret('jts_ini', jts),
      ibc: ibc && {
        ...secret('config_ini', {
          ...ibc,
          text: asTemplate(ibc.text, profile),
        }),
        commandPorts: commandPorts(ibc.text),
      },
    };
    return [instance.name, own] as const;
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return new Map(all);
}

/** An image that puts variables into the file is given text in which it finds none; Java reads it back. */
function asTemplate(text: string, { files }: Profile): string {
  if (!files?.own.rendered) return text;
  return text.replace(
    /(\\*)\$\{/g,
    (_, slashes: string) => `${slashes.slice(slashes.length % 2)}\\u0024{`,
  );
}

function commandPorts(text: string): number[] {
  const port = Number(parseProperties(text).get('CommandServerPort') ?? 0);
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? [port] : [];
}

function jtsProblem(text: string, _: Instance, { files }: Profile): string | null {
  const tables = Object.values(parse(text));
  if (tables.length === 0 || tables.some((value) => typeof value !== 'object')) {
    return "should be the gateway's jts.ini, every line in a section such as [Logon]";
  }
  if (files?.own.rendered && text.includes('${')) {
    return 'should be without "${": the image puts a variable in its place';
  }
  return null;
}

function ibcProblem(text: string, { mode }: Instance): string | null {
  if (/^\[.*\]\s*$/m.test(text)) {
    return "should be IBC's config.ini, lines of Name=value without sections";
  }
  const [foreign] = foreignLines(text);
  if (foreign !== undefined) {
    return `line ${foreign} should be ASCII, with \\u00fc for ü: IBC reads the file as ISO 8859-1`;
  }
  const settings = parseProperties(text);
  // What IBC takes without one.
  const trading = settings.get('TradingMode')?.trim().toLowerCase() || 'live';
  if (trading !== mode) {
    return `should have TradingMode=${mode}, as the instance has, is ${trading}: its port would lead nowhere, and it would trade there`;
  }
  return (settings.get('IbLoginId') ?? '') === '' ? 'should have the user as IbLoginId' : null;
}
