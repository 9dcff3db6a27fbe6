/** A simulator in a directory of its own, for tests. */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contractOf, type Environment } from './contract.ts';
import { type Identity, nobodyElse } from './identity.ts';
import { type Half, type Simulator, startSimulator } from './simulator.ts';

/** Times a test can wait for. */
export const QUICK = {
  SIMULATOR_SCREEN_SECONDS: '0',
  SIMULATOR_START_SECONDS: '0.005',
  SIMULATOR_SHUTDOWN_SECONDS: '0.02',
  SIMULATOR_STOP_SECONDS: '0.005',
  SIMULATOR_LOGIN_SECONDS: '0.01',
  SIMULATOR_TWO_FACTOR_SECONDS: '0.02',
  SIMULATOR_RESTART_SECONDS: '0.02',
  SIMULATOR_SECOND_START_SECONDS: '0.02',
  SIMULATOR_SUPERVISED_SECONDS: '0.2',
  SIMULATOR_READY_SECONDS: '0.2',
} as const;

/** The environment that ibq is to write for the gnzsnz gateway. */
export const RIGHT = {
  TRADING_MODE: 'paper',
  TWS_USERID: 'bob',
  TWS_PASSWORD_FILE: '/run/secrets/password',
  READ_ONLY_API: 'no',
  TWS_SETTINGS_PATH: '/home/ibgateway/tws_settings/ibq',
  EXISTING_SESSION_DETECTED_ACTION: 'primary',
  TIME_ZONE: 'America/New_York',
  JAVA_HEAP_SIZE: '768',
  ...QUICK,
} as const;

export interface TestSimulator extends Simulator {
  lines: string[];
  root: string;
  /** Waits, 5 s at most, until `holds`. Throws with the log otherwise. */
  until(holds: () => boolean): Promise<void>;
  /** Waits for a line of the log that matches; from line `from` on. */
  logged(pattern: RegExp, from?: number): Promise<void>;
  /** The half of a mode, once it is there; the only one without `mode`. */
  half(mode?: string): Half;
  /** Port of the relay, once it listens. */
  relay(): Promise<number>;
  readFile(path: string): string;
  end(): Promise<void>;
}

export interface Setup {
  env?: Environment;
  /** More files of the container, by path; the password's file and the volume are there. */
  files?: Readonly<Record<string, string | undefined>>;
  /** Of these, the executable ones. */
  executable?: readonly string[];
  /** Root of an earlier one, kept: the same volume. */
  root?: string;
  /** What is another than in `nobodyElse`. */
  identity?: Partial<Identity>;
}

export function start({
  env = RIGHT,
  files = {},
  executable = [],
  root: kept,
  identity = {},
}: Setup = {}): TestSimulator {
  const root = kept ?? mkdtempSync(join(tmpdir(), 'ibq-simulator-'));
  mkdirSync(join(root, contractOf(env).paths.volume), { recursive: true });
  for (const [path, text] of Object.entries({ '/run/secrets/password': 'secret\n', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text ?? '');
    chmodSync(join(root, path), executable.includes(path) ? 0o755 : 0o644);
  }
  const lines: string[] = [];
  const simulator = startSimulator({
    env,
    root,
    log: (line) => lines.push(line),
    ports: 'any',
    identity: { ...nobodyElse, ...identity },
  });
  const half = (mode?: string): Half => {
    const found = simulator.halves().find((each) => mode === undefined || each.mode === mode);
    if (found === undefined) throw new Error(`no half ${mode ?? ''}:\n${lines.join('\n')}`);
    return found;
  };
  const until = async (holds: () => boolean): Promise<void> => {
    for (let tries = 0; !holds(); tries++) {
      if (tries > 1000) throw new Error(`waited in vain:\n${lines.join('\n')}`);
      await sleep(5);
    }
  };
  return {
    ...simulator,
    lines,
    root,
    until,
    half,
    logged: (pattern, from = 0) =>
      until(() => lines.slice(from).some((line) => pattern.test(line))),
    async relay() {
      await until(() => simulator.halves().some((each) => each.relayPort !== null));
      return half().relayPort ?? 0;
    },
    readFile: (path) => readFileSync(join(root, path), 'utf8'),
    async end() {
      await simulator.kill();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
