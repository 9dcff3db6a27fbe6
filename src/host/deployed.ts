/** The instances that are deployed, by the current generation: what the everyday commands act on. */

import { ExitCode, UserError } from '../errors.ts';
import type { ManifestInstance } from '../plan/manifest.ts';
import type { HostReader } from './host.ts';
import { readCurrentManifest } from './installed.ts';

/** @throws UserError (64) for a name that is not deployed, naming those that are */
export function requireDeployed(host: HostReader, name: string): ManifestInstance {
  const instances = readCurrentManifest(host.files)?.instances ?? {};
  const instance = Object.hasOwn(instances, name) ? instances[name] : undefined;
  if (instance) return instance;
  const names = Object.keys(instances);
  const known =
    names.length === 0
      ? 'nothing is deployed yet: run "sudo ibq deploy"'
      : `should be one of ${names.join(', ')}; a new one runs after "sudo ibq deploy"`;
  throw new UserError(`no deployed instance ${JSON.stringify(name)}: ${known}`, ExitCode.usage);
}

/** @throws UserError (64) when neither names nor `all` is given */
export function selectDeployed(
  host: HostReader,
  names: readonly string[],
  { all, verb }: { all: boolean; verb: string },
): string[] {
  const deployed = Object.keys(readCurrentManifest(host.files)?.instances ?? {});
  if (all) {
    if (names.length > 0) {
      throw new UserError(`${verb}: names and --all exclude each other`, ExitCode.usage);
    }
    return deployed;
  }
  if (names.length === 0) {
    const choice = deployed.join(', ') || 'none is deployed yet';
    throw new UserError(`${verb}: name instances (${choice}) or pass --all`, ExitCode.usage);
  }
  for (const name of names) requireDeployed(host, name);
  return [...new Set(names)];
}
