/** `ibq status`: one line an instance, from unit to API. */

import type { Context } from '../context.ts';
import { ExitCode } from '../errors.ts';
import { titleOf, UNGUARDED } from '../gateway/instance-state.ts';
import { configPaths } from '../host/config-files.ts';
import { undeployed } from '../host/found-records.ts';
import { hostRulesLost } from '../host/host-rules.ts';
import { CURRENT_LOST, isCurrentLost, readCurrentManifest } from '../host/installed.ts';
import { withInterrupt } from '../host/interrupt.ts';
import { type Observation, observeInstances } from '../host/observe.ts';
import { requireLive, requireRoot } from '../host/root.ts';
import { observeTunnels } from '../host/tunnels.ts';
import type { Manifest, ManifestInstance } from '../plan/manifest.ts';
import { servicesOf } from '../plan/services.ts';
import { describeTunnel, isWell, type TunnelState } from '../ssh/state.ts';
import { table } from '../ui/table.ts';
import { tellTunnels } from './tunnel-output.ts';

const WATCH_MS = 2000;

const IMAGE_MOVED = 'its image has moved under its tag: a restart takes the new one';

/** @returns 0 when every deployed instance is ready, else 3 */
export async function status(
  context: Context,
  { json, watch }: { json: boolean; watch: boolean },
): Promise<number> {
  const { host, ui } = context;
  requireRoot(host);
  requireLive(host, 'status');
  if (!watch) return show(context, json);
  return withInterrupt(
    () => {},
    async (interrupt) => {
      while (interrupt.exitCode === null) {
        // What was shown stays until there is something newer.
        await show(context, json, ui.clear);
        await Promise.race([host.sleep(WATCH_MS), interrupt.requested]);
      }
      return ExitCode.done;
    },
  );
}

async function show(
  context: Context,
  json: boolean,
  onReady: () => void = () => {},
): Promise<number> {
  const { host, ui } = context;
  const manifest = readCurrentManifest(host.files);
  const [observed, rulesLost] = await Promise.all([
    observeInstances(host, manifest?.instances ?? {}, { links: true }),
    manifest === null ? false : hostRulesLost(host),
  ]);
  const runningOnes = observed.some(({ unit }) => unit.active === 'active');
  const open = rulesLost && runningOnes;
  const observations = open ? observed.map(withLostRules) : observed;
  const runs = (name: string) =>
    observations.some((it) => it.name === name && it.unit.active === 'active');
  const tunnels = await observeTunnels(host, manifest?.instances ?? {}, runs);
  onReady();
  if (json) {
    const images = manifest?.images ?? {};
    ui.json({
      instances: observations.map((it) => toJson(it, images, tunnels.get(it.name) ?? [])),
    });
  } else if (observations.length === 0) {
    ui.note('nothing is deployed yet: run "sudo ibq deploy"');
  } else {
    print(context, observations, tunnels);
  }
  if (isCurrentLost(host.files)) ui.warn(CURRENT_LOST);
  const strangers = tellStrangers(context, manifest);
  tellUndeployed(context, Object.keys(manifest?.instances ?? {}));
  const ready = observations.every(({ verdict }) => verdict.ready);
  if (open) ui.warn(RULES_LOST);
  const carried = [...tunnels.values()].flat().every(isWell);
  return ready && carried && !open && !strangers ? ExitCode.done : ExitCode.unhealthy;
}

const RULES_LOST =
  "the host's rules are gone: other containers and neighbours may reach the gateways; sudo ibq deploy loads them again";

/** In the host's network they are all the guard that there is. */
function withLostRules(observation: Observation): Observation {
  const { unit, running, verdict } = observation;
  if (unit.active !== 'active') return observation;
  const alone = running !== null && !running.guard.includes('table inet ibq');
  const state =
    alone && verdict.ready ? { ready: false, word: UNGUARDED, mend: 'sudo ibq deploy' } : {};
  return {
    ...observation,
    verdict: { ...verdict, ...state, problems: [...verdict.problems, RULES_LOST] },
  };
}

function print(
  { ui, host }: Context,
  observations: readonly Observation[],
  tunnels: ReadonlyMap<string, readonly TunnelState[]>,
): void {
  const rows = observations.map(({ name, instance, unit, apis, verdict, pendingRestart }) => [
    ui.style('bold', name),
    instance.mode,
    addressCell(instance, 'publish'),
    addressCell(instance, 'lan'),
    unit.active === 'active' ? 'active' : ui.style('yellow', unit.active),
    unit.since === null || unit.active !== 'active' ? '-' : age(host.now() - unit.since),
    apiCell(apis),
    ui.style(verdict.ready ? 'green' : 'red', titleOf(verdict)) +
      (pendingRestart ? ui.style('yellow', ' (changed, needs a restart)') : ''),
    // A column for those who have some.
    ...(tunnels.size === 0 ? [] : [tunnelCell(ui, tunnels.get(name) ?? [])]),
  ]);
  const header = ['NAME', 'MODE', 'PUBLISHED', 'LAN', 'UNIT', 'UP', 'API', 'STATE'];
  if (tunnels.size > 0) header.push('TUNNEL');
  ui.print(table(rows, { terminal: ui.terminal, columns: ui.columns, header }));
  for (const observation of observations) {
    const { name, verdict } = observation;
    for (const problem of problemsOf(observation)) {
      // Said once, of all of them.
      if (problem !== RULES_LOST) ui.tell(`${name}: ${problem}`);
    }
    if (!verdict.ready && verdict.mend) ui.tell(`${name}: → ${verdict.mend}`);
    tellTunnels(ui, name, tunnels.get(name) ?? []);
  }
}

function problemsOf({ verdict, image }: Observation): string[] {
  return image?.moved ? [...verdict.problems, IMAGE_MOVED] : verdict.problems;
}

/** `127.0.0.1:4001`, and what else there is: `127.0.0.1:4001 (paper 4002, vnc 5901)`. */
function addressCell(instance: ManifestInstance, by: 'publish' | 'lan'): string {
  const [api, ...others] = servicesOf(instance);
  const first = api?.[by];
  if (!first) return '-';
  const host = first.slice(0, first.lastIndexOf(':') + 1);
  const more = others.flatMap(({ service, [by]: address }) =>
    address === null
      ? []
      : `${service} ${address.startsWith(host) ? address.slice(host.length) : address}`,
  );
  return more.length === 0 ? first : `${first} (${more.join(', ')})`;
}

/** One word where all APIs of an instance say the same. */
function apiCell(apis: Observation['apis']): string {
  const states = new Set(apis.map(({ probe }) => probe?.state ?? '-'));
  const [only] = states;
  if (states.size === 1 && only) return only;
  return apis.map(({ half, probe }) => `${half} ${probe?.state ?? '-'}`).join(', ');
}

/** `up`, `1 of 2 up`, `down`, … */
function tunnelCell(ui: Context['ui'], tunnels: readonly TunnelState[]): string {
  const states = new Set(tunnels.map(({ state }) => state));
  const [only = '-'] = states;
  const up = tunnels.filter(({ state }) => state === 'up').length;
  const text = states.size > 1 ? `${up} of ${tunnels.length} up` : only;
  if (tunnels.every(isWell)) return only === 'up' ? ui.style('green', text) : text;
  return ui.style('red', text);
}

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
  ] as const;
  for (const [length, letter] of units) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${letter}`;
  }
  return `${seconds}s`;
}

/** The shape of `status --json` (docs/schema/output/status.schema.json). */
function toJson(
  observation: Observation,
  images: Readonly<Record<string, string>>,
  tunnels: readonly TunnelState[],
): object {
  const { name, instance, unit, running, image, probe, apis, stage, verdict, pendingRestart } =
    observation;
  const since = isoTime(unit.since);
  const container = unit.active === 'active' ? (running?.container ?? null) : null;
  return {
    name,
    mode: instance.mode,
    profile: instance.profile,
    image: instance.image,
    imageDigest: image?.digest ?? images[instance.image] ?? null,
    publish: instance.publish,
    lan: instance.lan ? { ...instance.lan, port: instance.relayPort } : null,
    unit: { active: unit.active, sub: unit.sub, result: unit.result, since },
    container: container === null ? null : { id: container, state: 'running', startedAt: since },
    api: {
      state: probe?.state ?? 'unchecked',
      serverVersion: probe?.serverVersion ?? null,
      accounts: probe?.accounts ?? [],
      latencyMs: probe?.timings.handshakeMs ?? null,
      detail: probe?.detail ?? '',
    },
    services: servicesOf(instance).map(({ service, half, publish, lan }) => {
      const api = apis.find((it) => it.service === service);
      return {
        service,
        half,
        publish,
        lan,
        state: api?.probe?.state ?? 'unchecked',
        word: api?.verdict.word ?? null,
      };
    }),
    ready: verdict.ready,
    word: verdict.word,
    stage: stage?.stage ?? null,
    since: isoTime(stage?.since ?? null),
    attempts: stage?.attempts ?? null,
    pendingRestart,
    tunnels,
    problems: [
      ...problemsOf(observation),
      ...tunnels.filter((it) => !isWell(it)).map(describeTunnel),
    ],
  };
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** What nothing above tells of: a backup of /etc/ibq was put back, or its file was removed. */
function tellStrangers({ host, ui }: Context, manifest: Manifest | null): boolean {
  const names = undeployed(host.files, manifest);
  for (const name of names) {
    ui.warn(
      `${name} runs and is not deployed; configure it again (instances/${name}.toml), or stop it: sudo ibq deploy`,
    );
  }
  return names.length > 0;
}

/** Configured and not deployed: by file names alone, so that a broken file doesn't hide the state. */
function tellUndeployed({ host, ui, configFile }: Context, deployed: readonly string[]): void {
  const waiting = host.files
    .list(configPaths(configFile).instances)
    .flatMap((file) => /^([a-z0-9]\w*)\.toml$/.exec(file)?.[1] ?? [])
    .filter((name) => !deployed.includes(name));
  if (waiting.length > 0) {
    ui.note(`configured, not deployed: ${waiting.join(', ')}; run "sudo ibq deploy"`);
  }
}
