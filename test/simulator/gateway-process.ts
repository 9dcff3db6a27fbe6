/** The Java process: IBC and the gateway inside it, from its settings to its end. */

import { ApiSocket } from './api-socket.ts';
import { useAutorestart } from './autorestart.ts';
import { startCommands } from './commands.ts';
import { configure } from './configuration.ts';
import { Exit, type Mode } from './contract.ts';
import type { Locate } from './files.ts';
import { complain, say } from './ibc-log.ts';
import { describeSettings, readIbcSettings } from './ibc-settings.ts';
import { announceSaving, settingsDirectory, tradingMode } from './ibc-start.ts';
import { describeShutdown } from './ibc-times.ts';
import { ensureJtsIni } from './jts-ini.ts';
import { ColdRestart, type LoginOptions, logIn } from './login.ts';
import { pause } from './waiting.ts';

export interface ProcessOptions
  extends Pick<LoginOptions, 'product' | 'behaviour' | 'timing' | 'expectedPassword'> {
  /** Version that IBC names in its log. */
  ibcVersion: string;
  /** Paths of the container. */
  configIni: string;
  settings: string;
  locate: Locate;
  /** `JAVA_HEAP_SIZE` as the scripts got it. */
  heap: string;
  accounts: (user: string, mode: Mode) => string[];
  /** The gateway's own API port in a mode. */
  defaultPort: (mode: Mode) => number;
  /** Command server on loopback instead of what config.ini says; `null`: as that says. */
  commandPort: number | null;
  /** Any port that is free instead of the image's. */
  anyPort: boolean;
  /** What stands for all addresses: 0.0.0.0, or loopback in tests. */
  everywhere: string;
  /** Takes a line of the container's output. */
  log: (line: string) => void;
}

/** What outlives a process, and how it is reached from outside. */
export interface GatewayState {
  /** While logged in. */
  api: ApiSocket | null;
  commandPort: number | null;
  user: string;
  failures: LoginOptions['failures'];
  /** Ends the process that runs with this status. */
  end: (status: number) => void;
  /** What RESTART and PAUSE do; before the login is complete they wait for it. */
  softRestart: (pauseOnly: boolean) => void;
  /** Called when the login is complete, and forgotten with the process. */
  awaitingLogin: ((api: ApiSocket) => void)[];
}

export interface Ended {
  status: number;
  coldRestart: boolean;
}

/** What ends with a process, in this order turned round. */
export type CleanUp = (() => unknown)[];

/** @param resume the autorestart file to use, `null` for a login */
export async function runProcess(
  options: ProcessOptions,
  state: GatewayState,
  resume: string | null,
): Promise<Ended> {
  // Java refuses such a size on its error output, which ibcstart.sh throws away.
  if (options.heap !== '' && !/^\d+$/.test(options.heap)) return { status: 1, coldRestart: false };
  const controller = new AbortController();
  const { signal } = controller;
  state.end = (status) => controller.abort(status);
  const cleanUp: CleanUp = [];
  try {
    return await live(options, state, { resume, signal, cleanUp });
  } catch (error) {
    if (signal.aborted) return { status: Number(signal.reason), coldRestart: false };
    if (!(error instanceof Exit)) throw error;
    if (error.status !== 0) {
      complain(options, error.message);
      say(options, `Exiting after error with exit code=${error.status}`);
    }
    return { status: error.status, coldRestart: error instanceof ColdRestart };
  } finally {
    state.end = () => undefined;
    state.awaitingLogin = [];
    for (const end of cleanUp.reverse()) await end();
  }
}

/** Ends by throwing only: an `Exit`, or what a wait throws when the process is ended. */
async function live(
  options: ProcessOptions,
  state: GatewayState,
  { resume, signal, cleanUp }: { resume: string | null; signal: AbortSignal; cleanUp: CleanUp },
): Promise<never> {
  const { product, locate, timing } = options;
  const log = (message: string) => say(options, message);
  const program = product === 'tws' ? 'TWS' : 'Gateway';
  log(`version: ${options.ibcVersion}`);
  const settings = readIbcSettings(locate(options.configIni), log);
  for (const line of describeSettings(settings)) options.log(line);
  state.user = settings.text('IbLoginId');
  await startCommands(options, state, settings, cleanUp);
  const shutdown = describeShutdown(settings, program, new Date());
  if (shutdown !== null) log(shutdown);
  announceSaving(options, settings);

  const directory = settingsDirectory(settings.text('IbDir', options.settings), locate);
  log(`TWS Settings directory is: ${directory}`);
  log(
    resume === null
      ? 'Starting session: will exit if login dialog is not displayed within 60 seconds'
      : 'Re-starting session',
  );
  const trusted = settings.text('TrustedTwsApiClientIPs');
  ensureJtsIni({ path: `${directory}/jts.ini`, product, trusted, log });
  log(`Starting ${program}`);
  const mode = tradingMode(settings);
  if (resume !== null) {
    useAutorestart(resume);
    await pause(timing.login / 2, signal);
    log('Login has completed');
  } else {
    await logIn({ ...options, mode, settings, failures: state.failures, log, signal });
    state.failures.count = 0;
  }

  const api = new ApiSocket({
    port: (kept) => (options.anyPort ? 0 : (kept ?? options.defaultPort(mode))),
    host: options.everywhere,
    product,
    accounts: options.accounts(state.user, mode),
    behaviour: options.behaviour,
    directory,
    user: state.user,
    log: options.log,
  });
  state.api = api;
  cleanUp.push(async () => {
    state.api = null;
    await api.close();
  });
  await api.open();
  await configure({
    settings,
    api,
    port: options.defaultPort(mode),
    log,
    complain: (message) => complain(options, message),
  });
  for (const go of state.awaitingLogin.splice(0)) go(api);
  return watchBehaviour(options, api, signal, cleanUp);
}

/** Runs until it is ended, doing what its behaviour changes to. */
async function watchBehaviour(
  options: ProcessOptions,
  api: ApiSocket,
  signal: AbortSignal,
  cleanUp: CleanUp,
): Promise<never> {
  const { behaviour } = options;
  let linkDown = behaviour.current.kind === 'link-down';
  const stop = behaviour.listen((next) => {
    if ((next.kind === 'link-down') === linkDown) return;
    linkDown = !linkDown;
    api.tellLink(!linkDown);
  });
  cleanUp.push(stop);
  for (;;) {
    const { current } = behaviour;
    if (current.kind === 'exit') throw new Exit(current.status, 'IBC ends as it was told to');
    if (current.kind === 'gateway-down') return loseProcess(options, api, signal);
    await behaviour.changed(signal);
  }
}

/** The process is gone and nobody has noticed yet; another behaviour starts it again. */
async function loseProcess(
  { behaviour, log }: ProcessOptions,
  api: ApiSocket,
  signal: AbortSignal,
): Promise<never> {
  await api.close();
  log('IBC returned exit status 1');
  while (behaviour.current.kind === 'gateway-down') await behaviour.changed(signal);
  throw new ColdRestart();
}
