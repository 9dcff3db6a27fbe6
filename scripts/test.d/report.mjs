/** The lines of a run: each job as it ends, and at the end what took the time. */

const WAITS_SHOWN = 15;

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/**
 * @typedef {object} Ended
 * @property {string} id
 * @property {string} kind
 * @property {number} seconds
 * @property {number} cpu seconds of its own processes
 * @property {import('./outcome.mjs').Outcome} outcome
 */

/** @param {number} at seconds since the run began @param {Ended} job */
export function jobLine(at, { id, kind, seconds, cpu, outcome: { passed, failed, hostCpu } }) {
  const word = failed === 0 ? 'ok   ' : 'FAILS';
  const counted =
    kind === 'check' || kind === 'image'
      ? ''
      : `, processor ${clock(cpu + hostCpu)}  ${passed} passed, ${failed} failed`;
  return `${word} ${clock(at).padStart(6)}  ${id.padEnd(28)} ${clock(seconds).padStart(6)}${counted}`;
}

/** @param {readonly Ended[]} jobs */
export function slowest(jobs) {
  const files = jobs.filter(({ kind }) => kind === 'host' || kind === 'unit');
  const lines = files
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, 10)
    .map(({ id, seconds, cpu, outcome: { waits, hostCpu } }) => {
      const most = longest(waits).slice(0, 4);
      const why = most.map(([what, { ms }]) => `${what} ${clock(ms / 1000)}`).join(', ');
      const used = `processor ${clock(cpu)} + ${clock(hostCpu)} of the host`;
      return `  ${clock(seconds).padStart(6)}  ${id.padEnd(26)} ${used}; ${why}`;
    });
  return ['', '== the ten slowest', ...lines];
}

/** @param {readonly Ended[]} jobs */
export function whatFailed(jobs) {
  const lines = jobs.flatMap(({ id, outcome: { failed, failures } }) =>
    failed === 0
      ? []
      : failures.length === 0
        ? [`  ${id}`]
        : failures.map((it) => `  ${id}: ${it}`),
  );
  return lines.length === 0 ? [] : ['', '== what failed', ...lines];
}

/** @param {readonly Ended[]} jobs */
export function waitedFor(jobs) {
  const sum = {};
  for (const { outcome } of jobs) {
    for (const [what, { times, ms }] of Object.entries(outcome.waits)) {
      sum[what] ??= { times: 0, ms: 0 };
      sum[what].times += times;
      sum[what].ms += ms;
    }
  }
  const lines = longest(sum)
    .slice(0, WAITS_SHOWN)
    .map(([what, { times, ms }]) => `  ${clock(ms / 1000).padStart(6)}  ${what} (${times} times)`);
  return lines.length === 0 ? [] : ['', '== what the tests waited for on their hosts', ...lines];
}

function longest(waits) {
  return Object.entries(waits).sort(([, a], [, b]) => b.ms - a.ms);
}
