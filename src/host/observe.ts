/** Looks at deployed instances: unit, container, API, and the log where the API does not answer. */

import {
  judgeHalves,
  judgeInstance,
  LAN_LOST,
  lastErrorOf,
  UNGUARDED,
  type Verdict,
} from '../gateway/instance-state.ts';
import { type GatewayStage, gatewayStage } from '../gateway/log-events.ts';
import type { ProbeResult } from '../gateway/probe.ts';
import { STAGES } from '../gateway/stages.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { Manifest, ManifestInstance } from '../plan/manifest.ts';
import { generationPath, instanceService } from '../plan/paths.ts';
import { type ApiService, apisOf } from '../plan/services.ts';
import { toldByHealth } from './controller-health.ts';
import { crowdedVerdict } from './crowded.ts';
import type { FileReader, HostReader } from './host.ts';
import { type RunningImage, readRunningImages } from './image-store.ts';
import { listGenerations, readManifest, readRunning } from './installed.ts';
import { hasLostLan, lanLost } from './lan-link.ts';
import { findLostLinks } from './lost-links.ts';
import { portLost } from './port-lost.ts';
import { lookAgain, probeService, withoutRelay } from './probe-service.ts';
import { describeRefusedLogin, mendOfRefusedLogin, readRefusedLogin } from './refused-logins.ts';
import { asText, followRunLogs, type RunLogs } from './run-log.ts';
import { showUnits, type UnitState } from './systemd.ts';
import { findUnguarded } from './unguarded.ts';

/** One API of an instance; mode `both` has two. */
interface ObservedApi extends ApiService {
  /** Null: not asked. */
  probe: ProbeResult | null;
  stage: GatewayStage;
  verdict: Verdict;
}

export interface Observation {
  name: string;
  /** As the instance runs now; as it is deployed where it does not run. */
  instance: ManifestInstance;
  /** Runs by an older definition than the deployed one. */
  pendingRestart: boolean;
  unit: UnitState;
  running: RunningInstance | null;
  /** Of the container that runs; null: none does, or nothing is known of it. */
  image: RunningImage | null;
  /** Of its first API. Null: not asked, because the unit does not run or nothing can be reached from the host. */
  probe: ProbeResult | null;
  /** Where the login stands by the log; null: nobody read it, as all APIs answer. Of two, of the first that is not ready. */
  stage: GatewayStage | null;
  /** On all of its APIs together. */
  verdict: Verdict;
  apis: ObservedApi[];
  /** Lines of the log of this run, as people read them; read only where something is wrong. */
  log: string[];
}

/**
 * One `systemctl show` for all, and all probes side by side. Those of containers that run do not
 * wait for systemd: nearly always their units are active, and where one is not, nobody hears of it.
 *
 * @param brief what runs and does not answer yet counts as starting, and nobody asks why: that
 *   costs processes, just when the gateways need the processor to start
 * @param links look whether those that answer have lost their link to IBKR, which the journal alone tells
 * @param logs kept by those who look again and again, so that only what is new of a log is read
 */
export async function observeInstances(
  host: HostReader,
  instances: Readonly<Record<string, ManifestInstance>>,
  {
    brief = false,
    links = false,
    logs = followRunLogs(host),
  }: { brief?: boolean; links?: boolean; logs?: RunLogs } = {},
): Promise<Observation[]> {
  const names = Object.keys(instances);
  if (names.length === 0) return [];
  const shown = showUnits(host, names.map(instanceService));
  const running = readRunning(host.files, names);
  const asRun = new Map(
    Object.entries(instances).map(([name, deployed]) => [
      name,
      asItRuns(host, name, deployed, running.get(name) ?? null),
    ]),
  );
  const images = brief ? new Map<string, RunningImage>() : imagesOf(host, asRun, running);
  // Known before systemd has answered: their logs are read anyway, and may be long.
  const silent = new Set<string>();
  let reading: Promise<ReadonlySet<string>> | null = null;
  const lostLinks = (units: ReadonlyMap<string, UnitState>) => {
    reading ??= findLostLinks(host, runsOf(asRun, units, silent));
    return reading;
  };
  const looks = Object.entries(instances).map(async ([name, deployed]): Promise<Observation> => {
    const record = running.get(name) ?? null;
    const instance = asRun.get(name) ?? deployed;
    const asked =
      record &&
      askAll(host, instance, record).then((all) => {
        if (!all.every(({ probe }) => answers(probe))) silent.add(name);
        return all;
      });
    const units = await shown;
    const unit = units.get(instanceService(name)) ?? absentUnit(name);
    const active = unit.active === 'active';
    const lost = links && active ? lostLinks(units) : null;
    return observe(host, name, {
      instance: active ? instance : deployed,
      pendingRestart: active && record !== null && record.definition !== deployed.definition,
      unit,
      running: record,
      image: active ? (images.get(name) ?? null) : null,
      asked: active ? await (asked ?? askAll(host, instance, record)) : notAsked(deployed),
      linkLost: (await lost)?.has(unit.invocation) ?? false,
      brief,
      logs,
    });
  });
  const [observations, unguarded] = brief
    ? await looksThenGuards(host, looks, running)
    : await Promise.all([Promise.all(looks), findUnguarded(host, running)]);
  return observations.map((observation) =>
    withLostParts(host.files, withoutGuard(observation, unguarded)),
  );
}

/** Nobody is told that a gateway is ready before its guard was looked for; of the others it can wait. */
async function looksThenGuards(
  host: HostReader,
  looks: readonly Promise<Observation>[],
  running: ReadonlyMap<string, RunningInstance>,
): Promise<[Observation[], ReadonlySet<string>]> {
  const observations = await Promise.all(looks);
  const ready = new Set(observations.flatMap((it) => (it.verdict.ready ? it.name : [])));
  const asked = new Map([...running].filter(([name]) => ready.has(name)));
  return [observations, await findUnguarded(host, asked)];
}

/** An instance that anybody can reach is not ready, whatever its API says. */
function withoutGuard(observation: Observation, unguarded: ReadonlySet<string>): Observation {
  const { name, unit, running, verdict } = observation;
  if (unit.active !== 'active') return observation;
  const [problem, mend] = unguarded.has(name)
    ? [
        'its guard is gone: whoever reaches its network gets in; sudo ibq deploy brings it back',
        'sudo ibq deploy',
      ]
    : running === null
      ? [
          `nothing shows that its guard was loaded; the ports of its container may be open: sudo ibq restart ${name}`,
          `sudo ibq restart ${name}`,
        ]
      : [];
  if (problem === undefined || mend === undefined) return observation;
  const problems = [problem, ...verdict.problems];
  // What is not ready for another reason as well keeps its word and its cure.
  const open = verdict.ready ? { ready: false, word: UNGUARDED, mend } : {};
  return { ...observation, verdict: { ...verdict, ...open, problems } };
}

/** What somebody took away from under a gateway that runs, and a deploy brings back. */
function withLostParts(files: FileReader, observation: Observation): Observation {
  const { unit, running, instance, verdict } = observation;
  if (unit.active !== 'active' || running === null) return observation;
  const lan = hasLostLan(files, instance, running);
  const problems = [
    ...(lan ? [lanLost(instance)] : []),
    ...(running.foundAgain === undefined ? [] : [RECORD_LOST]),
  ];
  if (problems.length === 0) return observation;
  const cut = lan && verdict.ready ? { ready: false, word: LAN_LOST, mend: 'sudo ibq deploy' } : {};
  // What it is not ready for already comes first.
  const all = verdict.ready
    ? [...problems, ...verdict.problems]
    : [...verdict.problems, ...problems];
  return { ...observation, verdict: { ...verdict, ...cut, problems: all } };
}

const RECORD_LOST =
  'what its guard wrote down in /run/ibq is gone, and was found again in its container: sudo ibq deploy loads its rules and writes it anew, and costs no login';

function imagesOf(
  host: HostReader,
  instances: ReadonlyMap<string, ManifestInstance>,
  running: ReadonlyMap<string, RunningInstance>,
): Map<string, RunningImage> {
  const asked = [...running].flatMap(([name, { container }]) => {
    const reference = instances.get(name)?.image;
    return reference === undefined ? [] : [[name, { container, reference }] as const];
  });
  return readRunningImages(host.files, new Map(asked));
}

/** Of those that run and may answer. */
function runsOf(
  instances: ReadonlyMap<string, ManifestInstance>,
  units: ReadonlyMap<string, UnitState>,
  silent: ReadonlySet<string>,
): { invocation: string; profile: string }[] {
  return [...instances].flatMap(([name, { profile }]) => {
    const unit = units.get(instanceService(name));
    if (unit?.active !== 'active' || silent.has(name)) return [];
    return [{ invocation: unit.invocation, profile }];
  });
}

type Asked = { api: ApiService; probe: ProbeResult | null }[];

async function askAll(
  host: HostReader,
  instance: ManifestInstance,
  running: RunningInstance | null,
): Promise<Asked> {
  const ask = async (api: ApiService) => ({
    api,
    probe: await probeService(host, api, running, instance.profile),
  });
  return Promise.all(apisOf(instance).map(ask));
}

function notAsked(instance: ManifestInstance): Asked {
  return apisOf(instance).map((api) => ({ api, probe: null }));
}

async function observe(
  host: HostReader,
  name: string,
  {
    instance,
    pendingRestart,
    unit,
    running,
    image,
    asked,
    linkLost,
    brief,
    logs,
  }: Pick<Observation, 'instance' | 'pendingRestart' | 'unit' | 'running' | 'image'> & {
    asked: Asked;
    /** By the few lines that were looked for; the whole log has the last word. */
    linkLost: boolean;
    brief: boolean;
    logs: RunLogs;
  },
): Promise<Observation> {
  const active = unit.active === 'active';
  const [first] = asked;
  const base = {
    name,
    instance,
    pendingRestart,
    unit,
    running,
    image,
    probe: first?.probe ?? null,
  };
  const all = asked.every(({ probe }) => answers(probe));
  if (brief && active && !all) {
    const stage = gatewayStage([]);
    const verdict: Verdict = { ready: false, word: 'starting', problems: [], mend: null };
    const apis = asked.map(({ api, probe }) => ({ ...api, probe, stage, verdict }));
    return { ...base, stage, verdict, apis, log: [] };
  }
  const two = asked.length > 1;
  const log = all && !linkLost ? [] : asText(await logs.read(unit));
  const ready = new Set(asked.flatMap(({ api, probe }) => (answers(probe) ? api.half : [])));
  const halves = two ? logs.halves(unit, instance.profile, ready) : null;
  const apis = await Promise.all(
    asked.map(async ({ api, probe }): Promise<ObservedApi> => {
      const relayGone = withoutRelay(host.files, api, running, instance.profile);
      const stage = halves === null ? logs.stage(unit, instance.profile) : halves[api.half];
      const { latest, lost } = STAGES[stage.stage].mayAnswer
        ? await lookAgain(host, api, probe, running)
        : { latest: probe, lost: false };
      const judged = lost
        ? await portLost(host, { name, api, running, refused: latest?.state === 'refused' })
        : judgeInstance({
            name,
            unit,
            probe: latest,
            stage,
            now: host.now(),
            half: two ? api.half : null,
            lastError: active ? null : lastErrorOf(log),
            relayGone,
          });
      const mute = active && !judged.ready && latest !== null && STAGES[stage.stage].mayAnswer;
      const verdict = (mute ? crowdedVerdict(host.files, api, running) : null) ?? judged;
      const told =
        verdict.ready || lost || !active
          ? null
          : await toldByHealth(host, instance, running, { half: api.half, stage: stage.stage });
      if (told !== null) verdict.problems.push(told);
      return { ...api, probe: latest, stage, verdict };
    }),
  );
  const refused = active ? null : readRefusedLogin(host.files, name);
  const verdict: Verdict = refused
    ? {
        ready: false,
        word: 'login refused',
        problems: [describeRefusedLogin(refused)],
        mend: mendOfRefusedLogin(name),
      }
    : together(apis);
  const stage =
    all && !linkLost ? null : ((apis.find((it) => !it.verdict.ready) ?? apis[0])?.stage ?? null);
  return { ...base, probe: apis[0]?.probe ?? null, stage, verdict, apis, log };
}

function together(apis: readonly ObservedApi[]): Verdict {
  const [only] = apis;
  return apis.length === 1 && only ? only.verdict : judgeHalves(apis);
}

function answers(probe: ProbeResult | null): boolean {
  return probe?.state === 'handshake' || probe?.state === 'logged-in';
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
    statusText: '',
    fragment: '',
  };
}

/** The port that is published now is that of the definition that runs, not of the one on disk. */
function asItRuns(
  host: HostReader,
  name: string,
  deployed: ManifestInstance,
  running: RunningInstance | null,
): ManifestInstance {
  if (running === null || running.definition === deployed.definition) return deployed;
  for (const number of listGenerations(host.files).reverse()) {
    const instance = readOldManifest(host, number)?.instances[name];
    if (instance?.definition === running.definition) return instance;
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
