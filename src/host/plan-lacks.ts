/** What would stop a plan half-way, but for what Podman says: looked at before the first step. */

import { ExitCode } from '../errors.ts';
import type { Installed } from '../plan/installed.ts';
import { instanceService } from '../plan/paths.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { publishedOf } from '../plan/services.ts';
import type { StartNeeds } from '../plan/start-needs.ts';
import type { HostReader } from './host.ts';
import { type Lack, lack } from './lacks.ts';
import { readNetworkFacts } from './network-facts.ts';
import { blockersOf, portLacks, readPortHoldings } from './port-holders.ts';
import { parentLacks, partLacks, pathLacks } from './preconditions.ts';

/** @param needs of all that is wanted */
export function findPlanLacks(
  host: HostReader,
  {
    needs,
    plan,
    installed,
  }: { needs: readonly StartNeeds[]; plan: Pick<Plan, 'steps'>; installed: Installed },
): { lacks: Lack[]; portBlockers: Map<string, ReadonlySet<string>> } {
  const restarting = instancesIn(plan, 'restart');
  const coming = new Set([...instancesIn(plan, 'start'), ...restarting]);
  const shim = plan.steps.some(({ kind }) => kind === 'load-shim');
  const onLan = new Set([...coming, ...instancesIn(plan, 'make-lan')]);
  const lanNeeds = shim ? needs : needs.filter(({ name }) => onLan.has(name));
  const holdings = readPortHoldings(host, newPorts(needs, coming, plan, installed));
  const lacks = [
    ...partLacks(host),
    ...parentLacks(lanNeeds, readNetworkFacts(host.files)),
    ...maskLacks(needs, installed),
    ...portLacks(holdings, {
      restarting,
      waiting: new Set(needs.flatMap(({ name }) => (coming.has(name) ? [] : name))),
      needs,
      mend: () => 'sudo ibq deploy --restart-changed',
    }),
    ...pathLacks(host, needs),
  ];
  return { lacks, portBlockers: blockersOf(holdings, restarting) };
}

function instancesIn({ steps }: Pick<Plan, 'steps'>, kind: Step['kind']): Set<string> {
  return new Set(
    steps.flatMap((step) => {
      if (step.kind !== kind) return [];
      return 'instances' in step ? step.instances : 'instance' in step ? step.instance : [];
    }),
  );
}

/**
 * Of what starts, and of what is new to a gateway that runs: stopped for its restart, it would not come back. One
 * that runs as it is deployed has its own already.
 */
function newPorts(
  needs: readonly StartNeeds[],
  coming: ReadonlySet<string>,
  plan: Pick<Plan, 'steps'>,
  { manifest, runtime }: Installed,
): Pick<StartNeeds, 'name' | 'ports'>[] {
  const published = (name: string) => {
    const instance = manifest?.instances[name];
    return instance ? publishedOf(instance).map(({ publish }) => publish) : [];
  };
  // Of instances that the plan stops first: a renamed one takes over its own.
  const freed = [...instancesIn(plan, 'stop')].flatMap(published);
  return needs.flatMap(({ name, ports }) => {
    const running = runtime?.running.get(name);
    if (running === undefined && !coming.has(name)) return [];
    const settled = running && running.definition === manifest?.instances[name]?.definition;
    const own = new Set([...freed, ...(settled ? published(name) : [])]);
    return [{ name, ports: ports.filter(({ publish }) => !own.has(publish)) }];
  });
}

/** Also of one that runs: systemd would not load its new files. */
function maskLacks(needs: readonly StartNeeds[], { runtime }: Installed): Lack[] {
  return needs.flatMap(({ name }) =>
    runtime?.instances.get(name)?.load === 'masked' ? maskedUnit(instanceService(name)) : [],
  );
}

export function maskedUnit(unit: string): Lack {
  return lack(
    ExitCode.failed,
    `${unit} is masked: nothing can start it; run "sudo systemctl unmask ${unit}"`,
  );
}
