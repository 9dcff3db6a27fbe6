/** The container that is imitated: what the scripts of every image share. */

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type BehaviourSwitch, createSwitch, parseBehaviour } from './behaviour.ts';
import { Clock } from './clock.ts';
import { type Contract, contractOf, type Environment, type Mode } from './contract.ts';
import { type Locate, locateBelow } from './files.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type Connect, ibkrAt } from './ibkr/connect.ts';
import { type Identity, nobodyElse } from './identity.ts';
import type { Listener } from './listen.ts';
import type { Timing } from './login.ts';
import { type Named, type NamedProcesses, namedProcesses } from './named.ts';
import { createPrograms, type Programs } from './programs.ts';
import { imageFiles } from './templates.ts';

export type Log = (line: string) => void;
export type Variables = Record<string, string | undefined>;

export interface ContainerOptions {
  env: Environment;
  /** Directory that stands for the container's `/`; empty: the machine's own (in the image). */
  root: string;
  /** Takes each line of the container's output. */
  log: Log;
  /** `image`: the image's own ports; `any`: free ones, many can run side by side. */
  ports: 'image' | 'any';
  /** What stands for all addresses; the image's is 0.0.0.0. */
  bind?: string;
  /** Runs ssh and its agent instead of only saying how; the image does. */
  runSsh?: boolean;
  /** Display and relay are processes of their own, which somebody may kill; in the image they are. */
  runNamed?: boolean;
  /** Who the process may become; in tests nobody else. */
  identity?: Identity;
}

/** One gateway of the container, with its relay. */
export interface Running {
  mode: Mode;
  relay: Listener | null;
  /** The script that starts the relay again, where there is one. */
  relayScript?: Named;
  gateway: Gateway | null;
}

/** Screen, supervisor page and the page of a controller's health, where they listen. */
export type Service = 'vnc' | 'rdp' | 'supervisor' | 'health';

export interface Container {
  contract: Contract;
  /** Process 1's, with the image's own; changed where the scripts export and unset. */
  env: Variables;
  locate: Locate;
  log: Log;
  /** Port to open for one of the image's. */
  port: (ofImage: number) => number;
  bind: string;
  behaviour: BehaviourSwitch;
  timing: Timing;
  /** With which Java dies when its display is gone. */
  stopStatus: number;
  /** How its gateways reach IBKR. */
  connect: Connect;
  identity: Identity;
  programs: Programs;
  named: NamedProcesses;
  /** That of its gateways. */
  clock: Clock;
  running: Running[];
  services: Map<Service, Listener>;
  /** Aborts when the container ends. */
  ended: AbortSignal;
}

export function createContainer(options: ContainerOptions, ended: AbortSignal): Container {
  const contract = contractOf(options.env);
  const locate = locateBelow(options.root);
  // What is gone says nothing any more.
  const log: Log = (line) => {
    if (!ended.aborted) options.log(line);
  };
  if (options.root !== '') makeImageFiles(contract, locate);
  const env = { ...contract.container.environment, ...options.env };
  const identity = options.identity ?? nobodyElse;
  return {
    contract,
    env,
    locate,
    log,
    port: (ofImage) => (options.ports === 'any' ? 0 : ofImage),
    bind: options.bind ?? '127.0.0.1',
    behaviour: createSwitch(parseBehaviour(env.SIMULATOR_BEHAVIOUR || 'normal')),
    timing: readTiming(env, contract),
    stopStatus: numeric(env.SIMULATOR_STOP_STATUS, 1),
    connect: ibkrAt(env.SIMULATOR_IBKR ?? ''),
    identity,
    named: namedProcesses({ real: options.runNamed ?? false, identity }),
    clock: new Clock(),
    programs: createPrograms({ locate, log, ended, identity, runSsh: options.runSsh ?? false }),
    running: [],
    services: new Map(),
    ended,
  };
}

/** IBC and the gateway in it, for one mode, as ibcstart.sh starts them. */
export function startIbc(
  { contract, env, locate, log, port, bind, behaviour, timing, connect, clock }: Container,
  { settings, configIni, heap }: { settings: string; configIni: string; heap: string },
): Gateway {
  return startGateway({
    product: contract.product,
    ibcVersion: contract.source.ibc.version,
    behaviour,
    timing,
    connect,
    clock,
    log,
    locate,
    programPath: contract.paths.program,
    ibcPath: contract.paths.ibc,
    settings,
    configIni,
    heap,
    timeoutAction: env.TWOFA_TIMEOUT_ACTION ?? '',
    expectedPassword: env.SIMULATOR_EXPECTED_PASSWORD ?? null,
    lockOutAfter: numeric(env.SIMULATOR_LOCK_OUT_AFTER, 10),
    accounts: (user, mode) => accountsOf(user, mode, env.SIMULATOR_ACCOUNTS),
    defaultPort: (mode) => contract.ports[mode].api,
    commandPort: env.SIMULATOR_COMMAND_PORT ? numeric(env.SIMULATOR_COMMAND_PORT, 7462) : null,
    restartMenu: env.SIMULATOR_RESTART_MENU !== 'no',
    anyPort: port(1) === 0,
    everywhere: bind,
  });
}

/** DU… for paper and U… for live, the same for a user every time. */
export function accountsOf(user: string, mode: Mode, given: string | undefined): string[] {
  if (given) return given.split(',').map((account) => account.trim());
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(user.toLowerCase()))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [`${mode === 'paper' ? 'DU' : 'U'}${1_000_000 + (hash % 9_000_000)}`];
}

function readTiming(env: Environment, contract: Contract): Timing {
  const orNull = (text: string | undefined) => (text ? numeric(text, 1) : null);
  return {
    start: numeric(env.SIMULATOR_START_SECONDS, 0.2),
    login: numeric(env.SIMULATOR_LOGIN_SECONDS, 1),
    twoFactor: numeric(env.SIMULATOR_TWO_FACTOR_SECONDS, 0.5),
    twoFactorTimeout: orNull(env.SIMULATOR_TWO_FACTOR_TIMEOUT_SECONDS),
    window: orNull(env.SIMULATOR_WINDOW_SECONDS),
    shutdown: numeric(env.SIMULATOR_SHUTDOWN_SECONDS, 2),
    stop: numeric(env.SIMULATOR_STOP_SECONDS, 0.25),
    screen: numeric(env.SIMULATOR_SCREEN_SECONDS, 0.2),
    restart: numeric(env.SIMULATOR_RESTART_SECONDS, 2),
    secondStart: numeric(
      env.SIMULATOR_SECOND_START_SECONDS,
      contract.secondsBetweenLiveAndPaper ?? 0,
    ),
    supervised: orNull(env.SIMULATOR_SUPERVISED_SECONDS),
  };
}

function numeric(text: string | undefined, fallback: number): number {
  return /^\d+(\.\d+)?$/.test(text ?? '') ? Number(text) : fallback;
}

/** What the image brings along; what a test put there stays. */
function makeImageFiles(contract: Contract, locate: Locate): void {
  for (const path of ['/tmp', '/etc', contract.paths.scripts]) {
    mkdirSync(locate(path), { recursive: true });
  }
  for (const { path, text } of imageFiles(contract)) {
    if (existsSync(locate(path))) continue;
    mkdirSync(locate(text === undefined ? path : dirname(path)), { recursive: true });
    if (text !== undefined) writeFileSync(locate(path), text);
    chmodSync(locate(path), text === undefined ? 0o755 : 0o644);
  }
}
