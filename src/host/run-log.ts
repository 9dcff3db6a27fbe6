/** The log of a unit's present run: read whole once, and from there by what is new. */

import {
  type Half,
  type HalvesState,
  NOTHING_READ_OF_HALVES,
  stagesAt,
  stepHalves,
} from '../gateway/halves.ts';
import {
  type GatewayStage,
  type LogLine,
  type LogState,
  NOTHING_READ,
  stageAt,
  step,
} from '../gateway/log-events.ts';
import { isNoise, shorten } from '../gateway/log-noise.ts';
import type { HostReader } from './host.ts';
import type { UnitState } from './systemd.ts';

type Run = Pick<UnitState, 'invocation'>;

const READ_MS = 10_000;
/** A run whose log takes longer to read than that is known by its end alone. */
const LAST_LINES = 5000;

/** What a gateway's log says, followed over several looks. */
export interface RunLogs {
  /** Reads what has come since the last look at this run, or all of it. @returns its lines so far, noise left out */
  read: (unit: Run) => Promise<readonly LogLine[]>;
  /** Where the gateway of a run is by the lines that were read. */
  stage: (unit: Run, profile: string) => GatewayStage;
  /** Where each gateway of mode `both` is. @param ready halves whose API answers */
  halves: (unit: Run, profile: string, ready: ReadonlySet<Half>) => Record<Half, GatewayStage>;
}

interface Followed {
  cursor: string | null;
  lines: LogLine[];
  one: { state: LogState; at: number };
  two: { state: HalvesState; at: number; ready: string };
}

/** For as long as somebody looks at the same gateways again and again; for one look as well. */
export function followRunLogs(host: HostReader): RunLogs {
  const runs = new Map<string, Followed>();
  const followed = ({ invocation }: Run): Followed => {
    const known = runs.get(invocation);
    if (known !== undefined) return known;
    const fresh: Followed = {
      cursor: null,
      lines: [],
      one: { state: NOTHING_READ, at: 0 },
      two: { state: NOTHING_READ_OF_HALVES, at: 0, ready: '' },
    };
    runs.set(invocation, fresh);
    return fresh;
  };
  return {
    read: async (unit) => {
      const run = followed(unit);
      if (unit.invocation === '') return run.lines;
      const { cursor, lines } = await readJournal(host, unit.invocation, run.cursor);
      run.cursor = cursor;
      for (const line of lines) run.lines.push(line);
      return run.lines;
    },
    stage: (unit, profile) => {
      const { one, lines } = followed(unit);
      for (const line of lines.slice(one.at)) one.state = step(one.state, line, profile);
      one.at = lines.length;
      return stageAt(one.state, host.now());
    },
    halves: (unit, profile, ready) => {
      const { two, lines } = followed(unit);
      const key = [...ready].sort().join();
      // Whose a line was is seen better by what answers now: all of them are read anew, once a change.
      if (key !== two.ready)
        Object.assign(two, { state: NOTHING_READ_OF_HALVES, at: 0, ready: key });
      for (const line of lines.slice(two.at)) {
        two.state = stepHalves(two.state, line, { ready, profile });
      }
      two.at = lines.length;
      return stagesAt(two.state, host.now());
    },
  };
}

/** The last lines of a run as people read them: of the unit, and what systemd said of it. */
export async function unitLog(host: HostReader, unit: Run, count: number): Promise<string[]> {
  return asText(await followRunLogs(host).read(unit)).slice(-count);
}

export function asText(lines: readonly LogLine[]): string[] {
  return lines.map(({ text }) => shorten(text));
}

/** What the unit wrote and what systemd said of it in one run. */
async function readJournal(
  host: HostReader,
  invocation: string,
  cursor: string | null,
): Promise<{ cursor: string | null; lines: LogLine[] }> {
  const read = (...more: string[]) =>
    host.run(
      [
        'journalctl',
        '--quiet',
        '--no-pager',
        '--all',
        '--output=json',
        '--output-fields=MESSAGE',
        ...(cursor === null ? [] : [`--after-cursor=${cursor}`]),
        ...more,
        `_SYSTEMD_INVOCATION_ID=${invocation}`,
        '+',
        `INVOCATION_ID=${invocation}`,
      ],
      { timeoutMs: READ_MS },
    );
  const all = await read();
  const { stdout } = all.failure === 'timed-out' ? await read(`--lines=${LAST_LINES}`) : all;
  return parseJournal(stdout, cursor);
}

/**
 * @param text of `journalctl -o json`, an object a line (systemd.journal-fields(7))
 * @param cursor kept where nothing new is there
 */
export function parseJournal(
  text: string,
  cursor: string | null = null,
): { cursor: string | null; lines: LogLine[] } {
  const lines: LogLine[] = [];
  let last = cursor;
  for (const row of text.split('\n')) {
    const entry = parseEntry(row);
    if (entry === null) continue;
    last = entry.cursor ?? last;
    // conmon ends its messages in a newline; some programs write several lines at once.
    for (const line of entry.message.split('\n')) {
      if (!isNoise(line)) lines.push({ text: line.trimEnd(), at: entry.at });
    }
  }
  return { cursor: last, lines };
}

function parseEntry(
  row: string,
): { cursor: string | null; message: string; at: number | null } | null {
  if (!row.startsWith('{')) return null;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(row) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { MESSAGE: message, __CURSOR: cursor, __REALTIME_TIMESTAMP: time } = entry;
  const microseconds = Number(time);
  return {
    cursor: typeof cursor === 'string' ? cursor : null,
    message: textOfMessage(message),
    at: Number.isFinite(microseconds) && microseconds > 0 ? Math.floor(microseconds / 1000) : null,
  };
}

/** A text; the bytes of one that is no UTF-8; or several of either, where a field stands more than once. */
function textOfMessage(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.every((it) => typeof it === 'number')
    ? Buffer.from(value).toString('utf8')
    : value.map(textOfMessage).join('\n');
}
