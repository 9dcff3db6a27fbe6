/** `readInstalled(host)`: the current generation's files, what systemd has loaded, what runs. */

import { basename, dirname, resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { rulesAreMissing } from '../network/missing-rules.ts';
import type {
  Installed,
  InstalledTunnel,
  InstalledUnit,
  RunningInstance,
  Runtime,
} from '../plan/installed.ts';
import { type Manifest, parseManifest } from '../plan/manifest.ts';
import {
  CURRENT,
  GENERATIONS,
  generationPath,
  HOST_RULES_LOADED,
  instanceLink,
  instanceService,
  QUADLET_LINK,
  QUADLET_LINK_TARGET,
  RUNNING,
  SHIM_INTERFACE,
  SHIM_LOADED,
  TARGET_UNIT,
  tunnelService,
} from '../plan/paths.ts';
import { TUNNELS_RUNNING } from '../ssh/render.ts';
import { type FoundRecord, findRecord, namesInCgroups } from './found-records.ts';
import type { FileReader, HostReader } from './host.ts';
import { hasLostLan } from './lan-link.ts';
import { listPodmanNetworks } from './podman-networks.ts';
import { showUnits, type UnitState } from './systemd.ts';
import { findUnguarded } from './unguarded.ts';

export interface InstalledQuery {
  /** Instances, networks and plain units that are wanted: their state is asked for too. */
  instances: readonly string[];
  networks: readonly string[];
  staticUnits: readonly string[];
}

/** @throws UserError for a manifest that can't be read, or (69) without systemd */
export async function readInstalled(host: HostReader, query: InstalledQuery): Promise<Installed> {
  const { files } = host;
  const manifest = readCurrentManifest(files);
  const directory = currentDirectory(files) ?? CURRENT;
  return {
    manifest,
    currentLost: directory !== CURRENT,
    files: new Map(
      Object.keys(manifest?.files ?? {}).map((path) => [
        path,
        files.readText(`${directory}/${path}`),
      ]),
    ),
    links: new Map(
      Object.keys(manifest?.instances ?? {})
        .map(instanceLink)
        .map((path) => [path, files.readLink(`${directory}/${path}`)]),
    ),
    generations: listGenerations(files),
    quadletLinked: files.readLink(QUADLET_LINK) === QUADLET_LINK_TARGET,
    staticUnits: new Map(query.staticUnits.map((path) => [path, files.readText(path)])),
    runtime: host.root === null ? await readRuntime(host, manifest, query) : null,
  };
}

/** Numbers of the generations on disk, ascending. */
export function listGenerations(files: FileReader): number[] {
  return files
    .list(GENERATIONS)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** The manifest of the generation that is in force; null where nothing is deployed. */
export function readCurrentManifest(files: FileReader): Manifest | null {
  const directory = currentDirectory(files);
  return directory === null ? null : readManifest(files, directory);
}

/**
 * What `/etc/ibq/current` shows. Where that link is gone it is the newest whole generation: what runs was made by it
 * or by one before it, and addresses and networks go on from there. Null: nothing is deployed.
 */
export function currentDirectory(files: FileReader): string | null {
  if (files.readLink(CURRENT) !== null) return CURRENT;
  const newest = newestWhole(files);
  return newest === null ? null : generationPath(newest);
}

/** The link is gone, and the generations are there. */
export function isCurrentLost(files: FileReader): boolean {
  return ![null, CURRENT].includes(currentDirectory(files));
}

export const CURRENT_LOST = `${CURRENT} is gone: no gateway that ends can start again; "sudo ibq deploy" brings it back, and restarts nothing for it`;

/** @param except one that is known not to be */
function newestWhole(files: FileReader, except: string | null = null): number | null {
  const whole = listGenerations(files)
    .reverse()
    .filter((number) => generationPath(number) !== except)
    .find((number) => {
      try {
        return parseManifest(files.readText(`${generationPath(number)}/manifest.json`) ?? '');
      } catch {
        return false;
      }
    });
  return whole ?? null;
}

/** @param directory a generation's directory, or the link to it */
export function readManifest(files: FileReader, directory: string): Manifest {
  const path = `${directory}/manifest.json`;
  const text = files.readText(path);
  if (text === null) throw new UserError(`${path}: is missing; ${wayOn(files, directory)}`);
  try {
    return parseManifest(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new UserError(`${path}: ${why}; ${wayOn(files, directory)}`);
  }
}

function wayOn(files: FileReader, directory: string): string {
  const target = directory === CURRENT ? files.readLink(CURRENT) : null;
  const broken = target === null ? directory : resolve(dirname(CURRENT), target);
  const other = newestWhole(files, broken);
  return other === null
    ? `no generation in ${GENERATIONS} is whole: sudo rm ${CURRENT} && sudo ibq deploy (then every instance wants a restart, a new login)`
    : `generation ${other} is the newest whole one: sudo ln -sfn generations/${other} ${CURRENT} && sudo ibq deploy`;
}

async function readRuntime(
  host: HostReader,
  manifest: Manifest | null,
  query: InstalledQuery,
): Promise<Runtime> {
  const names = new Set([...query.instances, ...Object.keys(manifest?.instances ?? {})]);
  const networks = new Set([...query.networks, ...(manifest?.networks ?? [])]);
  // A template is no unit that systemd could show.
  const plainUnits = query.staticUnits
    .map((path) => basename(path))
    .filter((name) => !name.includes('@'));
  const [units, hostRules, unguarded] = await Promise.all([
    showUnits(host, [
      ...plainUnits,
      'ib-gateway@*.service',
      'ibq-*-network.service',
      'ibq-tunnel@*.service',
      'ibq-login-guard@*.service',
      ...[...names].map(instanceService),
      ...[...networks].map((name) => `${name}-network.service`),
    ]),
    readHostRules(host),
    findUnguarded(host, readRunning(host.files, [...names])),
  ]);
  const instances = byName(units, /^ib-gateway@(\w+)\.service$/);
  const running = readRunning(host.files, [...instances.keys()]);
  const lanLost = [...running].filter(([name, record]) => {
    const deployed = manifest?.instances[name];
    return deployed?.definition === record.definition && hasLostLan(host.files, deployed, record);
  });
  return {
    instances,
    running,
    unguarded,
    lanLost: new Set(lanLost.map(([name]) => name)),
    tunnels: readTunnels(host.files, units, [...instances.keys()]),
    networks: byName(units, /^(ibq-.+)-network\.service$/),
    definedNetworks: definedNetworks(host.files),
    targetWants: units.get(TARGET_UNIT)?.wants ?? [],
    targetEnabled: units.get(TARGET_UNIT)?.unitFileState === 'enabled',
    hostRules,
    shim: host.files.exists(`/sys/class/net/${SHIM_INTERFACE}`)
      ? host.files.readText(SHIM_LOADED)
      : null,
    staticUnitsStale: [...units].some(
      ([name, { needsReload }]) =>
        needsReload && (plainUnits.includes(name) || /^ibq-(?:tunnel|login-guard)@/.test(name)),
    ),
  };
}

/** By what `LIB/tunnel prepare` copied: nothing is there where no connection is made. */
function readTunnels(
  files: FileReader,
  units: ReadonlyMap<string, UnitState>,
  instances: readonly string[],
): Map<string, InstalledTunnel> {
  const loaded = byName(units, /^ibq-tunnel@(\w+)\.service$/);
  const names = [...new Set([...instances, ...loaded.keys()])];
  return new Map(
    names.map((name) => {
      const settings = files.readText(`${TUNNELS_RUNNING}/${name}/settings`) ?? '';
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(settings)?.[1] ?? null;
      const wants = units.get(instanceService(name))?.wants ?? [];
      return [
        name,
        {
          active: loaded.get(name)?.active ?? 'inactive',
          definition: value('DEFINITION'),
          leadsTo: value('LEADS_TO'),
          targets: [...settings.matchAll(/^TARGET=(.*)$/gm)].map(([, target = '']) => target),
          wanted: wants.includes(tunnelService(name)),
        },
      ];
    }),
  );
}

/** What was loaded last, if the kernel still has all of it: anybody may flush the host's rules, or delete one. */
async function readHostRules(host: HostReader): Promise<string | null> {
  const loaded = host.files.readText(HOST_RULES_LOADED);
  if (loaded === null) return null;
  const table = await host.run(['nft', 'list', 'table', 'inet', 'ibq_host']);
  return table.exitCode === 0 && !rulesAreMissing(loaded, table.stdout) ? loaded : null;
}

/** Names of ibq's own networks that Podman has. */
export function definedNetworks(files: FileReader): string[] {
  return listPodmanNetworks(files)
    .map(({ name }) => name)
    .filter((name) => /^ibq-(lan|publish)-[0-9a-f]+$/.test(name));
}

function byName(
  units: ReadonlyMap<string, UnitState>,
  pattern: RegExp,
): Map<string, InstalledUnit> {
  const named = new Map<string, InstalledUnit>();
  for (const [id, unit] of units) {
    const name = pattern.exec(id)?.[1];
    if (name !== undefined) named.set(name, mapUnit(unit));
  }
  return named;
}

function mapUnit(unit: UnitState): InstalledUnit {
  const definition = /\bIBQ_DEFINITION=(\w+)/.exec(unit.environment)?.[1] ?? null;
  const active = unit.sub.startsWith('auto-restart') ? 'auto-restart' : unit.active;
  return { load: unit.load, active, definition };
}

/**
 * What the guard hook wrote when each container started. It is believed only while that container's
 * first process runs: a record outlives its container, and process ids come again. Where it is gone it is found again.
 */
export function readRunning(
  files: FileReader,
  names: readonly string[],
): Map<string, RunningInstance> {
  const running = new Map<string, RunningInstance>();
  for (const name of names) {
    const written = readRecord(files, name);
    const { state, guard } = written ?? findRecord(files, name) ?? {};
    if (state === undefined || guard === undefined) continue;
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(state)?.[1] ?? '';
    const container = value('container');
    const pid = value('pid');
    if (!runsIn(files, pid, container)) continue;
    running.set(name, {
      container,
      pid: Number(pid),
      definition: value('definition'),
      halves: [...value('stop').matchAll(/(\d+):(\d+)/g)].map(([, command, api]) => ({
        command: Number(command),
        api: Number(api),
      })),
      session: value('session'),
      guard,
      ...(written === null ? { foundAgain: state } : {}),
    });
  }
  return running;
}

function readRecord(files: FileReader, name: string): FoundRecord | null {
  const state = files.readText(`${RUNNING}/${name}/state`);
  const guard = files.readText(`${RUNNING}/${name}/guard.nft`);
  return state === null || guard === null ? null : { state, guard };
}

/** Names of all that may run, whatever is deployed. */
export function runningNames(files: FileReader): string[] {
  return [...new Set([...files.list(RUNNING), ...namesInCgroups(files)])];
}

/** Mode `host`, or a drop-in with Network=host: there is no network of its own to look at. */
export function sharesHostNetwork(files: FileReader, pid: number): boolean {
  const own = files.readLink(`/proc/${pid}/ns/net`);
  return own !== null && own === files.readLink('/proc/self/ns/net');
}

/**
 * Whether a process is a container's, by its cgroup (`…/libpod-payload-ID`; Quadlet's
 * `--cgroups=split`). Quadlet itself keeps no record that all versions have: the cidfile is gone
 * since Podman 5.8 at the latest.
 */
function runsIn(files: FileReader, pid: string, container: string): boolean {
  const cgroups = files.readText(`/proc/${pid}/cgroup`);
  return /^[0-9a-f]+$/.test(container) && !!cgroups?.includes(`/libpod-payload-${container}`);
}
