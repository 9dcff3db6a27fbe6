/** What `deploy` and `wait` tell while instances come up, and of those that don't. */

import { LAN_LOST, titleOf, UNGUARDED } from '../gateway/instance-state.ts';
import { STAGES } from '../gateway/stages.ts';
import type { Observation } from '../host/observe.ts';
import type { Ui } from '../ui/ui.ts';

const LOG_LINES_SHOWN = 5;

/** A line for what a person waits for: that it is ready, or that somebody has to do something for it. */
export function tellChange(ui: Ui, observation: Observation): void {
  const { name, verdict, stage, probe, apis } = observation;
  if (verdict.ready) {
    const places = apis.map(({ publish, lan, half }, index) =>
      index === 0 ? (publish ?? lan) : `${half} at ${publish ?? lan}`,
    );
    const version = probe?.serverVersion ? `, API version ${probe.serverVersion}` : '';
    ui.note(`  ${name}: ready at ${places.join(', ')}${version}`);
  } else if (stage !== null && STAGES[stage.stage].waitsFor === 'person') {
    ui.note(`  ${name}: ${titleOf(verdict)}: ${verdict.mend}`);
  }
}

/** A sign of life while nothing changes. */
export function tellWaiting(ui: Ui, open: readonly Observation[], seconds: number): void {
  const names = open.map(({ name, verdict }) => `${name} (${titleOf(verdict)})`);
  ui.note(`  still waiting after ${seconds} s: ${names.join(', ')}`);
}

/** Those whose API answers all the same. */
const OTHERWISE: Readonly<Record<string, string>> = {
  [UNGUARDED]: 'runs without its guard',
  [LAN_LOST]: 'has lost the LAN',
};

/** @returns whether one is not ready; each is named with its last log lines */
export function reportUnhealthy(ui: Ui, observations: readonly Observation[]): boolean {
  const unhealthy = observations.filter(({ verdict }) => !verdict.ready);
  for (const { name, verdict, log } of unhealthy) {
    const what = OTHERWISE[verdict.word] ?? 'does not answer the IB API';
    ui.warn(`${name} ${what}: ${titleOf(verdict)}`);
    for (const problem of verdict.problems) ui.tell(`  ${problem}`);
    for (const line of lastWords(log, LOG_LINES_SHOWN)) ui.tell(`  | ${line}`);
    ui.tell(`  ${verdict.mend ?? `more: sudo ibq logs ${name}`}`);
  }
  return unhealthy.length > 0;
}

/** The last lines of a log. Podman and systemd write a dozen after the guard has said why it refused. */
export function lastWords(log: readonly string[], count: number): string[] {
  const last = log.slice(-count);
  const refusal = log.findLast((line) => line.startsWith('ibq guard: '));
  return refusal === undefined || last.includes(refusal) ? last : [refusal, ...last];
}
