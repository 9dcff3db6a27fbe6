/** Waiting until instances answer the API, or until it is plain that they won't. */

import { LAN_LOST, titleOf, UNGUARDED } from '../gateway/instance-state.ts';
import { STAGES } from '../gateway/stages.ts';
import type { ManifestInstance } from '../plan/manifest.ts';
import type { HostReader } from './host.ts';
import type { Interrupt } from './interrupt.ts';
import { type Observation, observeInstances } from './observe.ts';
import { followRunLogs } from './run-log.ts';

/** Second look after 20 ms, then ever slower: a gateway takes from one second to minutes. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;
/** So long nobody asks why a gateway does not answer: it has only just been started. */
const BRIEF_MS = 1000;
const SIGN_OF_LIFE_S = 10;

export interface WaitOptions {
  timeoutMs: number;
  interrupt: Interrupt;
  /** Told when the word for an instance changes: `starting`, `waiting for 2FA`, `ready`. */
  onChange: (observation: Observation) => void;
  /** Told every ten seconds of those still waited for. */
  onWaiting: (open: readonly Observation[], seconds: number) => void;
}

/** More waiting changes nothing, and with a wrong password it locks the user. */
function isHopeless({ unit, apis, verdict }: Observation): boolean {
  if (verdict.word === UNGUARDED || verdict.word === LAN_LOST) return true;
  if (unit.active === 'failed' || unit.active === 'inactive') return true;
  if (unit.active === 'activating' && unit.sub.startsWith('auto-restart')) return true;
  return apis.some(({ verdict, stage }) => !verdict.ready && STAGES[stage.stage].hopeless);
}

/** @returns the last observation of each, in the order of `instances` */
export async function waitForInstances(
  host: HostReader,
  instances: Readonly<Record<string, ManifestInstance>>,
  { timeoutMs, interrupt, onChange, onWaiting }: WaitOptions,
): Promise<Observation[]> {
  const start = host.now();
  const deadline = start + timeoutMs;
  const logs = followRunLogs(host);
  let told = 0;
  const last = new Map<string, Observation>();
  let open = Object.entries(instances);
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const brief = host.now() - start < BRIEF_MS;
    const observed = await observeInstances(host, Object.fromEntries(open), { brief, logs });
    for (const observation of observed) {
      const before = last.get(observation.name)?.verdict;
      last.set(observation.name, observation);
      if (before === undefined || titleOf(before) !== titleOf(observation.verdict)) {
        onChange(observation);
      }
    }
    open = open.filter(([name]) => {
      const observation = last.get(name);
      return observation && !observation.verdict.ready && !isHopeless(observation);
    });
    const seconds = Math.floor((host.now() - start) / 1000);
    if (open.length > 0 && seconds >= told + SIGN_OF_LIFE_S) {
      told = seconds;
      onWaiting(
        open.flatMap(([name]) => last.get(name) ?? []),
        seconds,
      );
    }
    if (open.length === 0 || interrupt.exitCode !== null) break;
    // The last look asks why.
    if (!brief && host.now() >= deadline) break;
    await Promise.race([
      host.sleep(Math.max(0, Math.min(pause, deadline - host.now()))),
      interrupt.requested,
    ]);
  }
  return Object.keys(instances).flatMap((name) => last.get(name) ?? []);
}
