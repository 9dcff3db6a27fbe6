/**
 * The simulator as a library: the image's run.sh. It takes an environment and a root directory, does
 * what the image would do with them, and is told at run time what to do wrong.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSwitch, parseBehaviour } from './behaviour.ts';
import { contract, type Environment, Exit, type Mode } from './contract.ts';
import { locateBelow } from './files.ts';
import { type Gateway, startGateway } from './gateway.ts';
import type { Listener } from './listen.ts';
import type { Timing } from './login.ts';
import { startRelay } from './relay.ts';
import {
  applySettings,
  checkMode,
  setJavaHeap,
  startVnc,
  type Variables,
} from './run-environment.ts';

export interface SimulatorOptions {
  env: Environment;
  /** Directory that stands for the container's `/`; empty: the machine's own (in the image). */
  root: string;
  /** Takes each line of the container's output. */
  log: (line: string) => void;
  /** `image`: 4001-4004 and 7462 as in the image; `any`: free ones, many can run side by side. */
  ports: 'image' | 'any';
  /** Address of the relay; the image's is 0.0.0.0. */
  bind?: string;
}

export interface Half {
  mode: Mode;
  /** Port of the relay: what the image publishes. `null` before it listens. */
  relayPort: number | null;
  /** Port of the gateway's API; `null` while it is not logged in. */
  apiPort: number | null;
  /** Port of IBC's command server where it is on. */
  commandPort: number | null;
  /** API sessions that are open. */
  sessions: number;
}

export interface Simulator {
  /** Exit status of the container. */
  exited: Promise<number>;
  /** One of each mode that runs; two with `both`. */
  halves(): Half[];
  /** Changes what it does wrong, as `SIMULATOR_BEHAVIOUR`. Throws on an unknown one. */
  behave(behaviour: string): void;
  behaviour(): string;
  /** A soft restart of every half. */
  restart(): void;
  /** SIGTERM: resolves with the exit status, 143. */
  stop(): Promise<number>;
}

interface Running {
  mode: Mode;
  relay: Listener | null;
  gateway: Gateway | null;
}

export function startSimulator(options: SimulatorOptions): Simulator {
  const { root, log } = options;
  const env: Variables = { ...options.env };
  const locate = locateBelow(root);
  let behaviourText = env.SIMULATOR_BEHAVIOUR || 'normal';
  const behaviour = createSwitch(parseBehaviour(behaviourText));
  const timing = readTiming(env);
  const stopping = new AbortController();
  const running: Running[] = [];
  if (root !== '') makeImageDirectories(root);
  if (env.SIMULATOR_DUMP_ENVIRONMENT) {
    writeFileSync(locate(env.SIMULATOR_DUMP_ENVIRONMENT), JSON.stringify(options.env, null, 2));
  }

  async function run(): Promise<number> {
    log('*'.repeat(73));
    log('.> Starting IBC/IB gateway');
    log('*'.repeat(73));
    log('.> Starting Xvfb server');
    log(
      env.SSH_TUNNEL === 'yes' || env.SSH_TUNNEL === 'both'
        ? '.> Setting SSH tunnel'
        : '.> SSH tunnel disabled',
    );
    setJavaHeap(env, log);
    startVnc(env, locate, log);
    const both = env.TRADING_MODE === 'both' || env.DUAL_MODE === 'yes';
    if (!both) {
      startProcess(`${contract.paths.home}/ibc/config.ini`);
    } else {
      const settings = env.TWS_SETTINGS_PATH || contract.paths.program;
      env.TRADING_MODE = 'live';
      env.TWS_SETTINGS_PATH = `${settings}_live`;
      startProcess(`${contract.paths.home}/ibc/config.ini_live`);
      env.TRADING_MODE = 'paper';
      env.TWS_SETTINGS_PATH = `${settings}_paper`;
      env.TWS_USERID = env.TWS_USERID_PAPER ?? '';
      if (env.TWS_PASSWORD_PAPER_FILE) env.TWS_PASSWORD_FILE = env.TWS_PASSWORD_PAPER_FILE;
      else env.TWS_PASSWORD = env.TWS_PASSWORD_PAPER ?? '';
      await sleep(timing.secondStart * 1000, undefined, { signal: stopping.signal }).catch(
        () => undefined,
      );
      if (!stopping.signal.aborted) startProcess(`${contract.paths.home}/ibc/config.ini_paper`);
    }
    // `wait` of several gives the status of the last, once all have ended.
    const statuses = await Promise.all(running.map(({ gateway }) => gateway?.exited ?? 0));
    return stopping.signal.aborted ? 143 : (statuses.at(-1) ?? 0);
  }

  /** run.sh `start_process`: the relay is up before IBC is. */
  function startProcess(configIni: string): void {
    const mode = checkMode(env, log);
    applySettings(env, configIni, locate, log);
    log('.> Starting Port Forwarding.');
    const half: Running = { mode, relay: null, gateway: null };
    running.push(half);
    if (env.SSH_TUNNEL === 'yes') log('.> ssh-agent is NOT running. Not starting a tunnel');
    else void relayFor(half);
    log(`.> Starting IBC in ${mode} mode, with params:`);
    half.gateway = startGateway({
      mode,
      behaviour,
      timing,
      log,
      settingsDirectory: locate(env.TWS_SETTINGS_PATH || contract.paths.program),
      configIni: locate(configIni),
      heap: env.JAVA_HEAP_SIZE ?? '',
      timeoutAction: env.TWOFA_TIMEOUT_ACTION ?? '',
      expectedPassword: env.SIMULATOR_EXPECTED_PASSWORD ?? null,
      lockOutAfter: numeric(env.SIMULATOR_LOCK_OUT_AFTER, 10),
      accounts: (user) => accountsOf(user, mode, env.SIMULATOR_ACCOUNTS),
      apiPort: options.ports === 'any' ? 0 : contract.ports[mode].api,
      commandPort: env.SIMULATOR_COMMAND_PORT ? numeric(env.SIMULATOR_COMMAND_PORT, 7462) : null,
      anyPort: options.ports === 'any',
    });
  }

  async function relayFor(half: Running): Promise<void> {
    const { api, relay } = contract.ports[half.mode];
    log('.> Starting socat');
    half.relay = await startRelay({
      port: options.ports === 'any' ? 0 : relay,
      host: options.bind ?? '127.0.0.1',
      upstream: () => half.gateway?.apiPort() ?? null,
      signal: stopping.signal,
      retryMs: numeric(env.SSH_RESTART, contract.relayRestartSeconds) * 1000,
      announce: () => log(`Forking :::${api} onto 0.0.0.0:${relay} > trading mode ${half.mode} `),
      log,
    });
    // The container ended while the port was being opened.
    if (stopping.signal.aborted) await half.relay?.close();
  }

  const exited = run()
    .catch((error: unknown) => {
      if (error instanceof Exit) return error.status;
      throw error;
    })
    // The container is gone: so is everything in it.
    .finally(async () => {
      stopping.abort();
      for (const { gateway, relay } of running) {
        gateway?.terminate();
        await relay?.close();
      }
    });

  return {
    exited,
    halves: () =>
      running.map(({ mode, relay, gateway }) => ({
        mode,
        relayPort: relay?.port ?? null,
        apiPort: gateway?.apiPort() ?? null,
        commandPort: gateway?.commandPort() ?? null,
        sessions: gateway?.sessions() ?? 0,
      })),
    behave(text) {
      const next = parseBehaviour(text);
      behaviourText = text;
      behaviour.set(next);
    },
    behaviour: () => behaviourText,
    restart() {
      for (const { gateway } of running) gateway?.restart();
    },
    stop() {
      if (!stopping.signal.aborted) {
        log('.> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.');
        for (const part of ['Xvfb', 'socat', 'IBC']) log(`.> Stopping ${part}.`);
        stopping.abort();
        for (const { gateway } of running) gateway?.terminate();
      }
      return exited;
    },
  };
}

/** DU… for paper and U… for live, the same for a user every time. */
function accountsOf(user: string, mode: Mode, given: string | undefined): string[] {
  if (given) return given.split(',').map((account) => account.trim());
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(user.toLowerCase()))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [`${mode === 'paper' ? 'DU' : 'U'}${1_000_000 + (hash % 9_000_000)}`];
}

function readTiming(env: Environment): Timing {
  return {
    login: numeric(env.SIMULATOR_LOGIN_SECONDS, 1),
    twoFactor: numeric(env.SIMULATOR_TWO_FACTOR_SECONDS, 0.5),
    restart: numeric(env.SIMULATOR_RESTART_SECONDS, 2),
    secondStart: numeric(env.SIMULATOR_SECOND_START_SECONDS, contract.secondsBetweenLiveAndPaper),
  };
}

function numeric(text: string | undefined, fallback: number): number {
  return /^\d+(\.\d+)?$/.test(text ?? '') ? Number(text) : fallback;
}

/** What the image brings along and its user may write to. */
function makeImageDirectories(root: string): void {
  const locate = locateBelow(root);
  for (const path of [`${contract.paths.home}/ibc`, contract.paths.program, '/tmp']) {
    mkdirSync(locate(path), { recursive: true });
  }
}
