/** Facts about units: what the generator makes of the files, what systemd has loaded. */

import type { FactValues, UnitFacts } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import type { Installed } from '../../plan/installed.ts';
import { instanceService, SHIM_UNIT, TARGET_UNIT } from '../../plan/paths.ts';
import { parseGeneratorOutput } from '../../quadlet/generator-output.ts';
import { findGenerator } from '../check-generation.ts';
import type { HostReader, RunResult } from '../host.ts';
import { showUnits, type UnitState } from '../systemd.ts';
import { FIREWALLD_LISTENER, FIREWALLD_UNIT } from './firewalld.ts';
import { NFTABLES_UNIT } from './rules.ts';

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

/** Units of ibq's, and those of others that count: one `systemctl show` for all that the doctor looks at. */
export function showAllUnits(host: HostReader): Promise<ReadonlyMap<string, UnitState>> {
  const others = [NFTABLES_UNIT, FIREWALLD_UNIT, FIREWALLD_LISTENER];
  return showUnits(host, [...OWN_GLOBS, TARGET_UNIT, SHIM_UNIT, ...others]);
}

const OWN_GLOBS = ['ib-gateway@*.service', 'ibq-*.service'];

/** Somebody wrote a unit file, or removed one, and systemd goes on by what it has in memory. */
export function changedUnits(units: ReadonlyMap<string, UnitState>): string[] {
  return [...units.values()]
    .filter(({ id, needsReload }) => needsReload && isOwn(id))
    .map(({ id }) => id);
}

function isOwn(id: string): boolean {
  return id === TARGET_UNIT || /^(?:ib-gateway@.*|ibq-.*)\.service$/.test(id);
}

/** As at the next daemon-reload: the host's own directories, and nothing is written. */
export async function readGenerator(host: HostReader): Promise<FactValues['generator']> {
  const path = findGenerator(host);
  if (path === null) return { path, services: new Map(), errors: [] };
  const result = await host.run([path, '--dryrun']);
  if (result.failure !== null) throw new UserError(`${path} did not end in time`);
  return { path, ...parseGeneratorOutput(result.stdout, result.stderr) };
}

/** What the systemd that runs says of itself: of use to more than one, and whether it answers at all. */
export function askManager(host: HostReader): Promise<RunResult> {
  const properties = 'Version,GeneratorsStartTimestamp';
  return host.run(['systemctl', 'show', '--timestamp=unix', `--property=${properties}`]);
}

/**
 * A generator's failure shows nowhere else: `systemctl daemon-reload` succeeds all the same.
 *
 * @param manager see `askManager`
 */
export async function readGeneratorLog(
  host: HostReader,
  manager: Promise<RunResult>,
): Promise<string[]> {
  const { stdout } = await manager;
  const since = /^GeneratorsStartTimestamp=(.*)$/m.exec(stdout)?.[1] ?? '';
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
