/**
 * Gateways whose API answers and whose link to IBKR is lost: their log alone says so, and nobody reads the log
 * of a gateway that answers. One look at the journal for all of them, for the few lines that tell.
 */

import { type LogState, NOTHING_READ, step } from '../gateway/log-events.ts';
import { parseLogLine } from '../gateway/log-line.ts';
import type { HostReader } from './host.ts';
import { parseJournal } from './run-log.ts';

/** A run of a unit. */
interface Run {
  invocation: string;
  /** Id of the image's profile. */
  profile: string;
}

/** As journalctl's `--grep` reads it: what opens and closes the gateway's window, and what makes an open one old. */
const TELLING =
  'detected frame entitled: (Connecting to server|Starting application).*; event=(Opened|Closed)|Login has completed';
/** Such a line, to ask the rules of an image whether they know it. */
const LOST = 'IBC: detected frame entitled: Connecting to server...; event=Opened';
/**
 * A gateway restarts or logs off once a day, so what is older is of a session before. A line costs 6 µs of the
 * processor, and twenty gateways write some six thousand of them a day: 40 ms.
 */
const SINCE = '-25h';
const READ_MS = 5000;

/** @returns invocations of those whose log was last heard of a lost link; where the journal does not tell, none */
export async function findLostLinks(
  host: HostReader,
  runs: readonly Run[],
): Promise<ReadonlySet<string>> {
  const known = runs.filter(
    ({ invocation, profile }) => invocation !== '' && parseLogLine(LOST, profile)?.kind === 'link',
  );
  if (known.length === 0) return new Set();
  const { stdout } = await host.run(
    [
      'journalctl',
      '--quiet',
      '--no-pager',
      '--all',
      '--output=json',
      '--output-fields=MESSAGE,_SYSTEMD_INVOCATION_ID',
      `--since=${SINCE}`,
      `--grep=${TELLING}`,
      ...known.map(({ invocation }) => `_SYSTEMD_INVOCATION_ID=${invocation}`),
    ],
    { timeoutMs: READ_MS },
  );
  const rows = stdout.split('\n');
  const lost = known.filter(({ invocation, profile }) => {
    const own = rows.filter((row) => row.includes(`"_SYSTEMD_INVOCATION_ID":"${invocation}"`));
    const { lines } = parseJournal(own.join('\n'));
    const end = lines.reduce((state, line) => step(state, line, profile), LOGGED_IN);
    return end.stage === 'link-lost';
  });
  return new Set(lost.map(({ invocation }) => invocation));
}

/** Its API answers, so it has logged in, be it before the first of these lines. */
const LOGGED_IN: LogState = { ...NOTHING_READ, stage: 'logged-in' };
