/** Reads the configuration from its files. What they say is for src/config/ to judge. */

import { dirname, join } from 'node:path';
import {
  type ConfigSources,
  type Environment,
  type LoadedConfig,
  loadConfig,
} from '../config/load.ts';
import { ExitCode, UserError } from '../errors.ts';
import type { Manifest } from '../plan/manifest.ts';
import type { FileReader } from './host.ts';

/** Variables of a gateway stand in it, and what ibq takes for harmless may not be: not for everybody's eyes. */
export const INSTANCE_FILE_MODE = 0o640;

const DEFAULT_CONFIG_FILE = '/etc/ibq/ibq.toml';

/** Everything lies beside ibq.toml. */
export function configPaths(configFile: string): {
  main: string;
  directory: string;
  pin: string;
  instances: string;
} {
  const directory = dirname(configFile);
  return {
    main: configFile,
    directory,
    pin: join(directory, 'network.toml'),
    instances: join(directory, 'instances'),
  };
}

export function instanceFile(configFile: string, name: string): string {
  return join(configPaths(configFile).instances, `${name}.toml`);
}

/**
 * @throws UserError (78) where a file other than the usual one was asked for and is not there: taken
 *   as empty, a mistyped `--config` would have every instance removed
 */
export function readConfigSources(files: FileReader, configFile: string): ConfigSources {
  const paths = configPaths(configFile);
  const source = (path: string) => {
    // Reading a pipe would wait for a writer for ever.
    if (files.kindOf(path) === 'special') {
      throw new UserError(`${path}: should be a plain file, is none`, ExitCode.badConfiguration);
    }
    const text = files.readText(path);
    if (text === null) refuseDangling(files, path);
    return text === null ? null : { path, text };
  };
  const main = source(paths.main);
  if (main === null && configFile !== DEFAULT_CONFIG_FILE) {
    throw new UserError(
      `${configFile} is not there; to make it, run "sudo ibq --config ${configFile} init"`,
      ExitCode.badConfiguration,
    );
  }
  if (!files.exists(paths.instances)) refuseDangling(files, paths.instances);
  return {
    main,
    pin: source(paths.pin),
    instances: files
      .list(paths.instances)
      // Editors and we ourselves leave hidden files of no interest while a file is written.
      .filter((name) => name.endsWith('.toml') || !name.startsWith('.'))
      .map((name) => join(paths.instances, name))
      // Only the name of a file that is not read counts.
      .flatMap((path) => (path.endsWith('.toml') ? (source(path) ?? []) : { path, text: '' })),
  };
}

/** A link that leads nowhere (a disk that is not mounted, another branch of git) is no empty file. */
export function refuseDangling(files: FileReader, path: string): void {
  if (files.kindOf(path) !== 'link') return;
  throw new UserError(
    `${path}: is a link to ${files.readLink(path)}, which is not there; bring that back (is its disk mounted?), or remove the link`,
    ExitCode.badConfiguration,
  );
}

/**
 * A configuration that is gone is no wish to remove every instance.
 *
 * @param manifest of what is deployed; null: nothing is
 * @throws UserError (78)
 */
export function requireConfiguration(
  files: FileReader,
  configFile: string,
  manifest: Pick<Manifest, 'instances' | 'configFile'> | null,
): void {
  const deployed = Object.keys(manifest?.instances ?? {});
  if (manifest === null || deployed.length === 0) return;
  const { instances } = configPaths(configFile);
  if (!files.exists(instances)) {
    throw new UserError(
      `${instances}: is not there, while ${deployed.join(', ')} ${deployed.length === 1 ? 'is' : 'are'} deployed; bring it back, or, to remove all of them, make it empty: sudo mkdir ${instances}`,
      ExitCode.badConfiguration,
    );
  }
  if (manifest.configFile === configFile && !files.exists(configFile)) {
    throw new UserError(
      `${configFile}: was there at the last deploy, is gone; bring it back, or, to go on without it, make it empty: sudo touch ${configFile}`,
      ExitCode.badConfiguration,
    );
  }
}

/** The configuration of a host. @throws ConfigError (78) with all its problems */
export function loadHostConfig(
  files: FileReader,
  configFile: string,
  env: Environment,
): LoadedConfig {
  return loadConfig(readConfigSources(files, configFile), env);
}
