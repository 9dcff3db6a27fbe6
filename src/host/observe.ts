/** Looks at deployed instances: unit, container, API, and the log where the API does not answer. */

import { judgeInstance, type Verdict } from '../gateway/instance-state.ts';
import { type GatewayStage, gatewayStage } from '../gateway/log-events.ts';
import { type ProbeResult, probeApi } from '../gateway/probe.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { Manifest, ManifestInstance } from '../plan/manifest.ts';
import { generationPath, instanceService } from '../plan/paths.ts';
import type { HostReader } from './host.ts';
import { listGenerations, readManifest, readRunning } from './installed.ts';
import { showUnits, type UnitState, unitLog } from './systemd.ts';

/** Lines of the journal that tell where a login stands. */
const LOG_LINES = 200;

export interface Observation {
  name: string;
  /** As the instance runs now; as it is deployed where it does not run. */
  instance: ManifestInstance;
  /** Runs by an older definition than the deployed one. */
  pendingRestart: boolean;
  unit: UnitState;
  running: RunningInstance | null;
  /** Null: not asked, because the unit does not run or nothing can be reached from the host. */
  probe: ProbeResult | null;
  /** Where the login stands by the log; `unknown` where the API answers and nobody looked. */
  stage: GatewayStage;
  verdict: Verdict;
  /** Last lines of the log; read only where something is wrong. */
  log: string[];
}

/**
 * One `systemctl show` for all, then all probes side by side.
 *
 * @param brief what runs and does not answer yet counts as starting, and nobody asks why: that
 *   costs processes, just when the gateways need the processor to start
 */
export async function observeInstances(
  host: HostReader,
  instances: Readonly<Record<string, ManifestInstance>>,
  { brief = false } = {},
): Promise<Observation[]> {
  const names = Object.keys(instances);
  if (names.length === 0) return [];
  const units = await showUnits(host, names.map(instanceService));
  const running = readRunning(host.files, names);
  return Promise.all(
    Object.entries(instances).map(([name, instance]) =>
      observe(host, name, instance, {
        unit: units.get(instanceService(name)) ?? absentUnit(name),
        running: running.get(name) ?? null,
        brief,
      }),
    ),
  );
}

async function observe(
  host: HostReader,
  name: string,
  deployed: ManifestInstance,
  { unit, running, brief }: Pick<Observation, 'unit' | 'running'> & { brief: boolean },
): Promise<Observation> {
  const active = unit.active === 'active';
  const pendingRestart = active && running !== null && running.definition !== deployed.definition;
  const instance = pendingRestart ? asItRuns(host, name, deployed, running.definition) : deployed;
  const probe = active ? await probeInstance(host, instance, running) : null;
  const answers = probe?.state === 'handshake' || probe?.state === 'logged-in';
  if (brief && active && !answers) {
    const stage = gatewayStage([]);
    const verdict: Verdict = { ready: false, word: 'starting', problems: [], mend: null };
    return { name, instance, pendingRestart, unit, running, probe, stage, verdict, log: [] };
  }
  const inside =
    running !== null &&
    instance.publish !== null &&
    (probe?.state === 'silent' || probe?.state === 'refused')
      ? await probeInside(host, instance, running)
      : null;
  const log = answers ? [] : await unitLog(host, unit, LOG_LINES);
  const stage = gatewayStage(log);
  const verdict =
    inside?.state === 'handshake'
      ? portLost(name, instance)
      : judgeInstance({ name, unit, probe, stage });
  if (active && running === null) {
    verdict.problems.unshift(
      `nothing shows that its guard was loaded; the ports of its container may be open: sudo ibq restart ${name}`,
    );
  }
  return { name, instance, pendingRestart, unit, running, probe, stage, verdict, log };
}

/**
 * The gateway answers in its own network and not at its published port: somebody flushed the
 * host's firewall, and Podman's forwarding with it (netavark #1258). A restart would be a new login.
 */
function portLost(name: string, { publish }: ManifestInstance): Verdict {
  return {
    ready: false,
    word: 'port lost',
    problems: [
      `the gateway answers, but nothing leads to it from ${publish}: the host's firewall was flushed`,
    ],
    mend: `sudo podman network reload ib-gateway-${name}, then sudo ibq deploy`,
  };
}

function absentUnit(name: string): UnitState {
  return {
    id: instanceService(name),
    load: 'not-found',
    active: 'inactive',
    sub: 'dead',
    result: '',
    since: null,
    environment: '',
    needsReload: false,
    wants: [],
    unitFileState: '',
    invocation: '',
  };
}

/** The port that is published now is that of the definition that runs, not of the one on disk. */
function asItRuns(
  host: HostReader,
  name: string,
  deployed: ManifestInstance,
  definition: string,
): ManifestInstance {
  for (const number of listGenerations(host.files).reverse()) {
    const instance = readOldManifest(host, number)?.instances[name];
    if (instance?.definition === definition) return instance;
  }
  return deployed;
}

/** An old generation that can't be read is no reason not to tell how things are now. */
function readOldManifest(host: HostReader, number: number): Manifest | null {
  try {
    return readManifest(host.files, generationPath(number));
  } catch {
    return null;
  }
}

/**
 * Over the published port; in `lan` mode, where the host itself can't reach the LAN address
 * (a macvlan never talks to its parent), from inside.
 */
async function probeInstance(
  host: HostReader,
  instance: ManifestInstance,
  running: RunningInstance | null,
): Promise<ProbeResult | null> {
  if (instance.publish !== null) return probeApi(parseTarget(instance.publish));
  return running === null ? null : probeInside(host, instance, running);
}

/** From inside the instance's network namespace, by this same program. */
async function probeInside(
  host: HostReader,
  instance: ManifestInstance,
  running: RunningInstance,
): Promise<ProbeResult | null> {
  const self = process.argv[1];
  if (self === undefined) return null;
  const target = `127.0.0.1:${instance.relayPort}`;
  const result = await host.run([
    'nsenter',
    `--net=/proc/${running.pid}/ns/net`,
    '--',
    process.execPath,
    self,
    'probe',
    target,
    '--json',
  ]);
  try {
    return JSON.parse(result.stdout) as ProbeResult;
  } catch {
    return null;
  }
}

/** @param publish `127.0.0.1:4001`; published on all addresses, it answers on loopback too */
function parseTarget(publish: string): { host: string; port: number } {
  const colon = publish.lastIndexOf(':');
  const address = publish.slice(0, colon);
  return {
    host: address === '0.0.0.0' ? '127.0.0.1' : address,
    port: Number(publish.slice(colon + 1)),
  };
}
