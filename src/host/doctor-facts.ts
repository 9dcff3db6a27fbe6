/** Gathers what `ibq doctor` judges: everything side by side, each within its time. Changes nothing. */

import type { Environment } from '../config/load.ts';
import type { Config } from '../config/types.ts';
import { NOT_ASKED } from '../doctor/check.ts';
import { requiredSecrets } from '../doctor/configuration.ts';
import type { Facts, FactValues } from '../doctor/facts.ts';
import { ConfigError, UserError } from '../errors.ts';
import type { NetworkFacts } from '../network/facts.ts';
import { assembleDesired } from '../plan/desired.ts';
import { publishAddressProblem } from '../plan/host-problems.ts';
import type { Manifest } from '../plan/manifest.ts';
import { loadHostConfig } from './config-files.ts';
import { readClock, readConfiguration, readDisks, readVolumes } from './doctor/configuration.ts';
import { readDropIns, readGenerationFiles } from './doctor/files.ts';
import { readFirewalld } from './doctor/firewalld.ts';
import { readLanAnswers, readLanFromInside, requireLan } from './doctor/lan.ts';
import {
  findParts,
  readCgroups,
  readHook,
  readKernelDriver,
  readPodmanState,
  readSystemdState,
} from './doctor/parts.ts';
import { readGuards, readHostRules, readNftablesService, readRuleset } from './doctor/rules.ts';
import { once, settle, unknown, withLimit } from './doctor/settle.ts';
import { readShim } from './doctor/shim.ts';
import { readTunnels } from './doctor/tunnels.ts';
import {
  askManager,
  changedUnits,
  readGenerator,
  readGeneratorLog,
  showAllUnits,
  unitFacts,
} from './doctor/units.ts';
import { readUsers } from './doctor/users.ts';
import { readWayOut } from './doctor/way-out.ts';
import { readFacts, shippedStaticUnits } from './facts.ts';
import { undeployed } from './found-records.ts';
import type { HostReader } from './host.ts';
import {
  CURRENT_LOST,
  definedNetworks,
  isCurrentLost,
  readCurrentManifest,
  readInstalled,
  readRunning,
  sharesHostNetwork,
} from './installed.ts';
import { readListeners } from './listeners.ts';
import { memoryWarning } from './memory.ts';
import { readNetworkFacts } from './network-facts.ts';
import { observeInstances } from './observe.ts';
import { inspectImages } from './podman.ts';
import { lostVolumes, readSecretNames } from './podman-storage.ts';

/** Milliseconds until the kernel has told that a link came up (net/core/link_watch.c): a second at most. */
const LINK_MS = 1100;

/** Facts that files alone tell: all there is under `--root`. */
const OF_FILES = new Set<keyof FactValues>([
  'parts',
  'cgroups',
  'configuration',
  'config',
  'generation',
  'manifest',
  'network',
  'generationFiles',
  'dropIns',
]);

export async function gatherFacts(
  host: HostReader,
  { configFile, env }: { configFile: string; env: Environment },
): Promise<Facts> {
  const bounded = withLimit(host);
  const sources = listSources(bounded, configFile, env);
  const gathered = await Promise.all(
    Object.entries(sources).map(async ([key, gather]) => {
      const live = !OF_FILES.has(key as keyof FactValues);
      if (live && host.root !== null) return [key, unknown(NOT_ASKED)] as const;
      return [key, await settle(gather)] as const;
    }),
  );
  return Object.fromEntries(gathered) as Facts;
}

type Sources = { [K in keyof FactValues]: () => FactValues[K] | Promise<FactValues[K]> };

function listSources(host: HostReader, configFile: string, env: Environment): Sources {
  const { files } = host;
  const podman = once(() => readPodmanState(host, env));
  const config = once(
    () => loadHostConfig(files, configFile, env).config,
    'the configuration is invalid',
  );
  const manifest = once(() => readCurrentManifest(files), 'the current generation can not be read');
  const network = once(() => readNetworkFacts(files));
  const shipped = once(() => shippedStaticUnits());
  const installed = once(() =>
    readInstalled(host, {
      instances: [],
      networks: [],
      staticUnits: shipped().map(({ path }) => path),
    }),
  );
  const instances = () => manifest()?.instances ?? {};
  const running = once(() => readRunning(files, Object.keys(instances())));
  const images = once(() =>
    inspectImages(host, [...new Set(Object.values(instances()).map(({ image }) => image))]),
  );
  const manager = once(() => askManager(host));
  const units = once(() => showAllUnits(host));
  const observed = once(() => observeInstances(host, instances(), { links: true }));
  return {
    podman,
    systemd: () => readSystemdState(host, manager()),
    parts: () => findParts(files),
    hook: () => readHook(files),
    cgroups: () => readCgroups(files),
    kernelDriver: () => readKernelDriver(host, requireLan(config()).driver),

    configuration: () => readConfiguration(files, configFile, env, { live: host.root === null }),
    config,
    generation: () => ({
      problem:
        problemOf(() => readCurrentManifest(files)) ?? (isCurrentLost(files) ? CURRENT_LOST : null),
    }),
    manifest,
    secrets: () => ofPodman(podman(), readSecretNames(host, wantedSecrets(config))),
    images: () =>
      ofPodman(
        podman(),
        images().then((found) => new Set(found.keys())),
      ),
    volumes: () => ofPodman(podman(), readVolumes(host, requireManifest(manifest()), images())),
    users: async () => readUsers(host, manifest(), await running()),
    memoryWarning: () => memoryWarning(config().instances),
    disks: () => readDisks(files),
    refusal: () => ({
      problem: problemOf(() => refusedPlan(host, config(), manifest(), configFile)),
    }),
    lostVolumes: () => lostVolumes(files, Object.keys(instances())),
    boot: async () => ({ enabled: (await installed()).runtime?.targetEnabled === true }),
    changedUnits: async () => changedUnits(await units()),
    undeployed: () => undeployed(files, manifest()),
    clock: () => readClock(host),

    network: async () => {
      const first = network();
      const up = (facts: NetworkFacts) =>
        facts.links.every(({ name, operstate }) => name !== parentOf(config) || operstate === 'up');
      if (host.root !== null || up(first)) return first;
      await host.sleep(LINK_MS);
      return readNetworkFacts(files);
    },
    lanAnswers: () => readLanAnswers(host, config(), manifest(), network()),
    lanFromInside: async () => readLanFromInside(host, config(), manifest(), running()),
    wayOut: async () => readWayOut(host, manifest(), running(), network()),
    listeners: () =>
      readListeners(
        files,
        new Set(
          config().instances.flatMap(({ port, sidePorts }) => [port, ...Object.values(sidePorts)]),
        ),
      ),

    podmanNetworks: () => ({
      wanted: manifest()?.networks ?? [],
      defined: definedNetworks(files),
    }),
    units: async () => unitFacts(await installed()),
    generatorLog: () => readGeneratorLog(host, manager()),
    generator: () => readGenerator(host),
    hostRules: () => readHostRules(host),
    shim: async () => readShim(host, manifest(), await units()),
    guards: async () => {
      const active = (await observed()).filter(({ unit }) => unit.active === 'active');
      const names = active.map(({ name }) => name);
      return readGuards(host, requireManifest(manifest()), names, running());
    },
    ruleset: () => readRuleset(host),
    nftablesService: async () => readNftablesService(host, await units()),
    firewalld: async () =>
      readFirewalld(host, leavesByHost(config) ? manifest() : null, await units()),

    tunnels: async () => readTunnels(host, config(), manifest(), await observed()),

    generationFiles: async () => readGenerationFiles(files, await installed(), shipped()),
    dropIns: () => readDropIns(files),
    instances: async () =>
      (await observed()).map(
        ({ name, unit, pendingRestart, image, probe, apis, instance, running, verdict }) => ({
          name,
          active: unit.active,
          pendingRestart,
          imageMoved: image?.moved ?? false,
          answers: probe?.state === 'handshake',
          publish: instance.publish,
          sideServices: instance.sideServices.map(({ service, publish }) => {
            const api = apis.find((it) => it.service === service);
            return { publish, answers: api ? api.probe?.state === 'handshake' : null };
          }),
          sharesHost: running !== null && sharesHostNetwork(files, running.pid),
          verdict,
        }),
      ),
  };
}

/** The pinned interface; null where there is none, or no valid configuration. */
function parentOf(config: () => Config): string | null {
  try {
    return config().network.lan?.interface ?? null;
  } catch {
    return null;
  }
}

/** None where there is no valid configuration: then nobody asks for them. */
function wantedSecrets(config: () => Config): string[] {
  try {
    return requiredSecrets(config()).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** @throws UserError that a deploy would end with before it looks at what runs */
function refusedPlan(
  host: HostReader,
  config: Config,
  manifest: Manifest | null,
  configFile: string,
): void {
  const facts = readFacts(host, config, configFile);
  assembleDesired(config, facts, manifest);
  const problem = publishAddressProblem(config, facts);
  if (problem !== null) throw new ConfigError([problem]);
}

/** Whether instances reach IBKR through this host; what can't be known is taken for so. */
function leavesByHost(config: () => Config): boolean {
  try {
    return config().network.egress === 'host';
  } catch {
    return true;
  }
}

function problemOf(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** What Podman has; without an answer of its own nothing is known of that. Both are asked at once. */
async function ofPodman<T>(podman: Promise<FactValues['podman']>, asked: Promise<T>): Promise<T> {
  const [state, found] = await Promise.allSettled([podman, asked]);
  if (state.status === 'rejected') throw state.reason;
  requirePodman(state.value);
  if (found.status === 'rejected') throw found.reason;
  return found.value;
}

function requirePodman({ failure }: FactValues['podman']): void {
  if (failure === 'missing') throw new UserError('podman is not installed');
  if (failure === 'hangs') throw new UserError('podman does not answer');
  if (failure === 'fails') throw new UserError('podman fails');
}

function requireManifest(manifest: Manifest | null): Manifest {
  if (manifest === null) throw new UserError('nothing is deployed');
  return manifest;
}
