/** From a valid configuration to a plan that can be carried out on this host, or a refusal. */

import type { Config } from '../config/types.ts';
import { ConfigError, formatProblem } from '../errors.ts';
import { assemblePlan, type PlanOptions } from '../plan/assemble.ts';
import { assembleDesired, type Desired } from '../plan/desired.ts';
import { publishAddressProblem } from '../plan/host-problems.ts';
import { hostServicesWarnings } from '../plan/host-services.ts';
import type { Installed } from '../plan/installed.ts';
import { CURRENT } from '../plan/paths.ts';
import { type Plan, restartedBy } from '../plan/plan.ts';
import { settingsWarnings } from '../plan/settings-warnings.ts';
import { needsOfDesired } from '../plan/start-needs.ts';
import { isActive } from '../plan/state.ts';
import { requireConfiguration } from './config-files.ts';
import { readFacts } from './facts.ts';
import { surplusFileSecrets } from './file-secrets.ts';
import { withFreeAddresses } from './free-addresses.ts';
import type { FileReader, HostReader } from './host.ts';
import { readRunningImages } from './image-store.ts';
import { CURRENT_LOST, readCurrentManifest, readInstalled } from './installed.ts';
import { lacksOf, refuseLacks } from './lacks.ts';
import { memoryWarning } from './memory.ts';
import { findPlanLacks } from './plan-lacks.ts';
import { readPodman } from './podman.ts';
import { lostVolumes, seemsLost, volumeLost } from './podman-storage.ts';
import { imageLacks, secretLacks } from './preconditions.ts';
import {
  describeRefusedLogin,
  loginFile,
  mendOfRefusedLogin,
  readRefusedLogin,
} from './refused-logins.ts';
import { requireTunnels } from './tunnels.ts';

export interface Prepared {
  desired: Desired;
  installed: Installed;
  plan: Plan;
  /** Digest of each wanted image that is on this host, by reference; empty where Podman was not asked. */
  images: ReadonlyMap<string, string>;
}

export interface PrepareOptions extends Omit<PlanOptions, keyof HostAnswers | 'refusedLogins'> {
  /**
   * Ask the LAN whether new addresses are free. That leaves a trace in the kernel's table of
   * neighbours: a deploy does it, a plan that is only shown does not.
   */
  askLan: boolean;
}

/** What the host and its Podman say of a plan that has steps; nothing where nobody asked them. */
type HostAnswers = Pick<
  PlanOptions,
  'portBlockers' | 'missingImages' | 'missingFileSecrets' | 'surplusFileSecrets'
>;
const NOTHING: HostAnswers = {
  portBlockers: new Map(),
  missingImages: [],
  missingFileSecrets: [],
  surplusFileSecrets: [],
};

/**
 * Podman is asked only when there is something to do: a deploy without changes costs one
 * `systemctl show`.
 *
 * @throws ConfigError; UserError (69) for a missing part, (78) for a missing secret
 */
export async function preparePlan(
  host: HostReader,
  config: Config,
  configFile: string,
  options: PrepareOptions,
): Promise<Prepared> {
  const manifest = readCurrentManifest(host.files);
  requireConfiguration(host.files, configFile, manifest);
  const live = host.root === null;
  const facts = readFacts(host, config, configFile);
  const problem = publishAddressProblem(config, facts);
  // What is only shown may still be shown.
  if (problem !== null && options.askLan) throw new ConfigError([problem]);
  const addressWarning = problem === null ? [] : [`deploy will refuse: ${formatProblem(problem)}`];
  const first = assembleDesired(config, facts, manifest);
  const askHost = (starts: boolean) =>
    Promise.all([readPodman(host, first.images), starts ? memoryWarning(config.instances) : null]);
  const [installed, early, { desired, skipped }] = await Promise.all([
    readInstalled(host, {
      instances: first.instances.map(({ name }) => name),
      networks: first.networks.map(({ name }) => name),
      staticUnits: first.staticUnits.map(({ path }) => path),
    }),
    // A first deploy has something to do for sure: it need not wait for systemd's answer.
    live && manifest === null && first.instances.length > 0 ? askHost(!options.noStart) : null,
    live && options.askLan
      ? withFreeAddresses(host, { config, facts, manifest, desired: first })
      : { desired: first, skipped: [] },
  ]);
  const refused = live && !options.noStart ? refusedLoginsOf(host.files, desired, installed) : [];
  const refusedLogins = refused.map(({ name }) => name);
  const refusals = refused.map(({ warning }) => warning);
  const assembled = assemblePlan(desired, installed, { ...options, refusedLogins, ...NOTHING });
  const moved = movedImages(host.files, desired, installed);
  const lost = installed.currentLost ? [CURRENT_LOST] : [];
  const plan = { ...assembled, warnings: [...lost, ...refusals, ...addressWarning, ...moved] };
  if (!live) return { desired, installed, plan, images: new Map() };
  if (plan.steps.length === 0) {
    plan.warnings.push(...(await lostMeanwhile(host, desired)));
    return { desired, installed, plan, images: new Map() };
  }

  const starts = plan.steps.some((step) => step.kind === 'start' || restartedBy(step).length > 0);
  const [podman, memory] = early ?? (await askHost(starts));
  const needs = desired.instances.map(needsOfDesired);
  const found = await findPlanLacks(host, { needs, plan, installed });
  refuseLacks([
    ...found.lacks,
    ...(await lacksOf(() => requireTunnels(host, desired))),
    ...secretLacks(needs, podman),
    ...imageLacks(desired.images, podman, { pulled: true }),
  ]);
  const missingImages = desired.images.filter((reference) => !podman.images.has(reference));
  const wanted = desired.fileSecrets.map(({ name }) => name);
  const wants: HostAnswers = {
    portBlockers: found.portBlockers,
    missingImages,
    missingFileSecrets: wanted.filter((name) => !podman.secrets.has(name)),
    surplusFileSecrets: surplusFileSecrets(
      host.files,
      installed.generations,
      podman.secrets,
      wanted,
    ),
  };
  return {
    desired,
    installed,
    images: podman.images,
    plan: {
      ...assemblePlan(desired, installed, { ...options, refusedLogins, ...wants }),
      warnings: [
        ...lost,
        ...refusals,
        ...addressWarning,
        ...moved,
        ...settingsWarnings(config, facts, manifest),
        ...hostServicesWarnings(config, facts, host.files.readText(`${CURRENT}/host.nft`)),
        ...skipped,
        ...lostVolumes(host.files, startingIn(plan)).map(volumeLost),
        ...(memory === null ? [] : [memory]),
      ],
    },
  };
}

/** What the next start would miss, while all of it runs. Podman is asked only where its files miss something. */
async function lostMeanwhile(host: HostReader, desired: Desired): Promise<string[]> {
  const needs = desired.instances.map(needsOfDesired);
  const secrets = needs.flatMap((it) => it.secrets.map(({ name }) => name));
  if (!seemsLost(host.files, { secrets, images: desired.images })) return [];
  const podman = await readPodman(host, desired.images);
  const lacks = [
    ...secretLacks(needs, podman),
    ...imageLacks(desired.images, podman, { pulled: false }),
  ];
  return lacks.map(({ text }) => `a gateway that ends can't start again: ${text}`);
}

/** Of those that were deployed before. */
function startingIn({ steps, changes }: Plan): string[] {
  const added = changes.flatMap((it) =>
    it.kind === 'add' && 'instance' in it ? [it.instance] : [],
  );
  return steps
    .flatMap((step) => (step.kind === 'start' ? step.instances : []))
    .filter((name) => !added.includes(name));
}

/** Those that do not run; what they would log in with now is what was refused. */
function refusedLoginsOf(
  files: FileReader,
  desired: Desired,
  { runtime }: Installed,
): { name: string; warning: string }[] {
  return desired.instances.flatMap(({ name, files: own }) => {
    const wanted = own.find(({ path }) => path === loginFile(name))?.text ?? '';
    const refused = readRefusedLogin(files, name, wanted);
    if (refused === null || isActive(runtime, name)) return [];
    const warning = `${name} is not started: ${describeRefusedLogin(refused)}; ${mendOfRefusedLogin(name)}`;
    return [{ name, warning }];
  });
}

/** A restart alone brings them the new one: nothing of their definition changes. */
function movedImages(files: FileReader, desired: Desired, { runtime }: Installed): string[] {
  const asked = desired.instances.flatMap(({ name, definition, image }) => {
    const running = runtime?.running.get(name);
    if (running?.definition !== definition || !isActive(runtime, name)) return [];
    return [[name, { container: running.container, reference: image }] as const];
  });
  const images = readRunningImages(files, new Map(asked));
  return asked.flatMap(([name, { reference }]) =>
    images.get(name)?.moved
      ? [
          `${name} runs an older image than ${reference} names now: a restart takes the new one (sudo ibq restart ${name})`,
        ]
      : [],
  );
}
