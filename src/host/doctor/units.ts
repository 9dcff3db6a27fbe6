/** Facts about units: what the generator makes of the files, what systemd has loaded. */

import type { FactValues, UnitFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import type { Installed } from '../../plan/installed.ts';
import { instanceService, TARGET_UNIT } from '../../plan/paths.ts';
import { parseGeneratorOutput } from '../../quadlet/generator-output.ts';
import { findGenerator } from '../check-generation.ts';
import type { HostReader } from '../host.ts';
import { showUnits } from '../systemd.ts';

export function unitFacts({ manifest, runtime }: Installed): UnitFacts[] {
  const instances = Object.entries(manifest?.instances ?? {}).map(([name, { definition }]) => {
    const unit = runtime?.instances.get(name);
    const load = unit?.load ?? 'not-found';
    return {
      id: instanceService(name),
      load,
      loaded: unit?.definition ?? null,
      deployed: definition,
    };
  });
  const networks = (manifest?.networks ?? []).map((name) => ({
    id: `${name}-network.service`,
    load: runtime?.networks.get(name)?.load ?? 'not-found',
    loaded: null,
    deployed: null,
  }));
  return [...instances, ...networks];
}

/** Somebody wrote a unit file, or removed one, and systemd goes on by what it has in memory. */
export async function readChangedUnits(host: HostReader): Promise<string[]> {
  const units = await showUnits(host, ['ib-gateway@*.service', 'ibq-*.service', TARGET_UNIT]);
  return [...units.values()].filter(({ needsReload }) => needsReload).map(({ id }) => id);
}

/** As at the next daemon-reload: the host's own directories, and nothing is written. */
export async function readGenerator(host: HostReader): Promise<FactValues['generator']> {
  const path = findGenerator(host);
  if (path === null) return { path, services: new Map(), errors: [] };
  const result = await host.run([path, '--dryrun']);
  if (result.failure !== null) throw new UserError(`${path} did not end in time`);
  return { path, ...parseGeneratorOutput(result.stdout, result.stderr) };
}

/** A generator's failure shows nowhere else: `systemctl daemon-reload` succeeds all the same. */
export async function readGeneratorLog(host: HostReader): Promise<string[]> {
  const shown = await host.run([
    'systemctl',
    'show',
    '--timestamp=unix',
    '--property=GeneratorsStartTimestamp',
    '--value',
  ]);
  const since = shown.stdout.trim();
  if (!/^@\d+/.test(since)) throw new UserError('systemd does not tell when it reloaded last');
  const log = await host.run([
    'journalctl',
    '--quiet',
    '--boot',
    '--no-pager',
    '--output=cat',
    '--identifier=quadlet-generator',
    `--since=${since}`,
  ]);
  if (log.failure !== null) throw new UserError('journalctl does not answer');
  return parseGeneratorOutput('', log.stdout).errors;
}
