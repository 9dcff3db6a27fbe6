/** What deployed instances lack for a start, for `ibq start` and `restart`: looked at before any of them is stopped. */

import { ExitCode } from '../errors.ts';
import type { Manifest } from '../plan/manifest.ts';
import { CURRENT, instanceService, QUADLET_DIRECTORY, TEMPLATE_UNIT } from '../plan/paths.ts';
import { needsOfDeployed, type PortHolding, type StartNeeds } from '../plan/start-needs.ts';
import { guardProblem, hooksDirOf, replacesStart } from '../quadlet/guard-in-force.ts';
import type { HostReader } from './host.ts';
import { CURRENT_LOST, currentDirectory, definedNetworks, isCurrentLost } from './installed.ts';
import { type Lack, lack } from './lacks.ts';
import { maskedUnit } from './plan-lacks.ts';
import { readPodman } from './podman.ts';
import { blockersOf, portLacks, readPortHoldings } from './port-holders.ts';
import { hostLacks, imageLacks, partLacks, pathLacks, secretLacks } from './preconditions.ts';
import { readServiceDropIns } from './service-drop-ins.ts';
import type { UnitState } from './systemd.ts';

/** Where Podman's generator puts what systemd loads. */
const GENERATED = '/run/systemd/generator';

export interface StartLacks {
  lacks: Lack[];
  /** ibq's own networks that Podman has no more: their units make them again. */
  networks: string[];
  /** Of instances that take over each other's ports: all have to be down before the first comes up. */
  together: string[];
}

/**
 * @param names those that are started, or stopped and started
 * @param restarting those of them that run now
 */
export async function findStartLacks(
  host: HostReader,
  manifest: Manifest,
  names: readonly string[],
  units: ReadonlyMap<string, UnitState>,
  restarting: ReadonlySet<string>,
): Promise<StartLacks> {
  const directory = currentDirectory(host.files) ?? CURRENT;
  const needs = names.flatMap((name) => {
    const instance = manifest.instances[name];
    const dropIn = host.files.readText(
      `${directory}/units/ib-gateway@${name}.container.d/10-ibq.conf`,
    );
    return instance === undefined ? [] : needsOfDeployed(name, instance, dropIn ?? '');
  });
  const holdings = readPortHoldings(host, needs);
  const missing = partLacks(host);
  const images = [...new Set(needs.map(({ image }) => image))];
  const podman = await readPodman(host, images);
  const defined = new Set(definedNetworks(host.files));
  return {
    lacks: [
      ...(isCurrentLost(host.files) ? [lack(ExitCode.badConfiguration, CURRENT_LOST)] : []),
      ...missing,
      ...hostLacks(host, needs),
      ...pathLacks(host, needs),
      ...unitLacks(host, names, units),
      ...portLacks(holdings, {
        restarting,
        needs,
        mend: (both) => `sudo ibq restart ${both.join(' ')}`,
      }),
      ...secretLacks(needs, podman),
      ...imageLacks(images, podman, { pulled: false }),
    ],
    networks: ownNetworks(needs).filter((name) => !defined.has(name)),
    together: inEachOthersWay(holdings, restarting),
  };
}

function ownNetworks(needs: readonly StartNeeds[]): string[] {
  return [...new Set(needs.flatMap(({ networks }) => networks))].filter((it) =>
    it.startsWith('ibq-'),
  );
}

function inEachOthersWay(
  holdings: readonly PortHolding[],
  restarting: ReadonlySet<string>,
): string[] {
  const blockers = blockersOf(holdings, restarting);
  const all = [...blockers].flatMap(([name, others]) => [name, ...others]);
  return [...new Set(all)].sort();
}

/** What systemd would run: a mask, a file that the generator refuses or a drop-in may be in the way. */
function unitLacks(
  { files }: HostReader,
  names: readonly string[],
  units: ReadonlyMap<string, UnitState>,
): Lack[] {
  const bad = (text: string) => lack(ExitCode.badConfiguration, text);
  const hooksDir = hooksDirOf(files.readText(`${CURRENT}/units/${TEMPLATE_UNIT}`) ?? '');
  const ofUnits = names.flatMap((name): Lack[] => {
    const unit = instanceService(name);
    const { load } = units.get(unit) ?? {};
    if (load === 'masked') return [maskedUnit(unit)];
    if (load !== 'loaded') {
      const text = `systemd has not loaded ${unit} (${load ?? 'not-found'}); run "sudo ibq deploy"`;
      return [bad(text)];
    }
    const service = files.readText(`${GENERATED}/${unit}`);
    if (service === null) return [];
    const lost = guardProblem(name, hooksDir, service);
    return lost === null
      ? []
      : [bad(`${unit} ${lost}; correct the drop-ins in ${QUADLET_DIRECTORY}`)];
  });
  const replaced = readServiceDropIns(files).flatMap(({ path, unit, text }) => {
    const meant = ['ib-gateway@.service', ...names.map(instanceService)].includes(unit);
    return meant && text !== null && replacesStart(text)
      ? [bad(`${path} replaces ExecStart=, by which the guard is loaded; remove that line`)]
      : [];
  });
  return [...ofUnits, ...replaced];
}
