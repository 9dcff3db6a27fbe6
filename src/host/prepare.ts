/** From a valid configuration to a plan that can be carried out on this host, or a refusal. */

import type { Config } from '../config/types.ts';
import { ExitCode, UserError } from '../errors.ts';
import { assemblePlan, type PlanOptions } from '../plan/assemble.ts';
import { assembleDesired, type Desired } from '../plan/desired.ts';
import type { Installed } from '../plan/installed.ts';
import type { Plan } from '../plan/plan.ts';
import { readFacts } from './facts.ts';
import type { HostReader } from './host.ts';
import { readCurrentManifest, readInstalled } from './installed.ts';
import { memoryWarning } from './memory.ts';
import { type PodmanFacts, readPodman } from './podman.ts';

export interface Prepared {
  desired: Desired;
  installed: Installed;
  plan: Plan;
}

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
  options: Omit<PlanOptions, 'missingImages'>,
): Promise<Prepared> {
  const manifest = readCurrentManifest(host.files);
  const desired = assembleDesired(config, readFacts(host, config, configFile), manifest);
  const installed = await readInstalled(host, {
    instances: desired.instances.map(({ name }) => name),
    networks: desired.networks.map(({ name }) => name),
    staticUnits: desired.staticUnits.map(({ path }) => path),
  });
  const plan = assemblePlan(desired, installed, { ...options, missingImages: [] });
  if (host.root !== null || plan.steps.length === 0) return { desired, installed, plan };

  const starts = plan.steps.some(({ kind }) => kind === 'start' || kind === 'restart');
  const [podman, memory] = await Promise.all([
    readPodman(host, desired.images),
    starts ? memoryWarning(config.instances) : null,
  ]);
  requireSecrets(desired, podman);
  const missingImages = desired.images.filter((reference) => !podman.images.has(reference));
  requirePullable(missingImages);
  return {
    desired,
    installed,
    plan: {
      ...assemblePlan(desired, installed, { ...options, missingImages }),
      warnings: memory === null ? [] : [memory],
    },
  };
}

function requireSecrets(desired: Desired, podman: PodmanFacts): void {
  const missing = desired.instances.flatMap(({ name, secrets }) =>
    secrets
      .filter((secret) => secret.required && !podman.secrets.has(secret.name))
      .map(
        ({ key }) =>
          `instance ${name}: its ${key} is not set; run "sudo ibq secret set ${name} ${key}"`,
      ),
  );
  if (missing.length > 0) throw new UserError(missing.join('\n'), ExitCode.badConfiguration);
}

/** Images under `localhost/` are built on the host: no registry has them. */
function requirePullable(missingImages: readonly string[]): void {
  const local = missingImages.filter((reference) => reference.startsWith('localhost/'));
  if (local.length === 0) return;
  throw new UserError(
    `image ${local.join(', ')} is not on this host; build or load it first ("podman images" lists what is there)`,
    ExitCode.missingPart,
  );
}
