/** The Java process: IBC and the gateway inside it, from its settings to its end. */

import { type ApiServer, LINK_LOST, LINK_RESTORED, startApiServer } from './api-server.ts';
import { useAutorestart } from './autorestart.ts';
import { startCommandServer } from './command-server.ts';
import { Exit } from './contract.ts';
import {
  describeSettings,
  IBC_VERSION,
  type IbcSettings,
  isColdRestartTime,
  isTwelveHourTime,
  readIbcSettings,
} from './ibc-settings.ts';
import { ColdRestart, type LoginOptions, logIn, pause } from './login.ts';

export interface ProcessOptions
  extends Pick<LoginOptions, 'mode' | 'behaviour' | 'timing' | 'expectedPassword'> {
  /** Paths of this machine. */
  configIni: string;
  settingsDirectory: string;
  /** `JAVA_HEAP_SIZE` as the scripts got it. */
  heap: string;
  accounts: (user: string) => string[];
  /** 0: any. */
  apiPort: number;
  /** `null`: as config.ini says. */
  commandPort: number | null;
  /** Ports are of the image's choice, or any that is free. */
  anyPort: boolean;
  /** Takes a line of the container's output. */
  log: (line: string) => void;
}

/** What outlives a process, and how it is reached from outside. */
export interface GatewayState {
  /** While logged in. */
  api: ApiServer | null;
  commandPort: number | null;
  user: string;
  failures: LoginOptions['failures'];
  /** Ends the process that runs with this status. */
  end: (status: number) => void;
  softRestart: (pauseOnly: boolean) => void;
}

export interface Ended {
  status: number;
  coldRestart: boolean;
}

type CleanUp = (() => unknown)[];

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
    for (const end of cleanUp.reverse()) await end();
  }
}

/** Ends by throwing only: an `Exit`, or what a wait throws when the process is ended. */
async function live(
  options: ProcessOptions,
  state: GatewayState,
  { resume, signal, cleanUp }: { resume: string | null; signal: AbortSignal; cleanUp: CleanUp },
): Promise<never> {
  const log = (message: string) => say(options, message);
  log(`version: ${IBC_VERSION}`);
  const settings = readIbcSettings(options.configIni);
  for (const line of describeSettings(settings)) options.log(line);
  state.user = settings.user;
  await startCommands(options, state, settings, cleanUp);
  if (settings.coldRestartTime !== '' && !isColdRestartTime(settings.coldRestartTime)) {
    const wanted = 'format should be: <hh:mm>   eg 13:00';
    throw new Exit(81, `Invalid ColdRestartTime setting: '${settings.coldRestartTime}'; ${wanted}`);
  }
  log(`TWS Settings directory is: ${options.settingsDirectory}`);
  if (resume !== null) {
    log('Re-starting session');
    log('Starting Gateway');
    useAutorestart(resume);
    await pause(options.timing.login / 2, signal);
    log('Login has completed');
  } else {
    log('Starting session: will exit if login dialog is not displayed within 60 seconds');
    log('Starting Gateway');
    await logIn({ ...options, settings, failures: state.failures, log, signal });
    state.failures.count = 0;
  }
  const api = await startApiServer({
    port: options.apiPort,
    accounts: options.accounts(settings.user),
    readOnly: settings.readOnlyApi ?? true,
    behaviour: options.behaviour,
  });
  state.api = api;
  cleanUp.push(async () => {
    state.api = null;
    await api.close();
  });
  configure(options, settings);
  return watchBehaviour(options, state, signal, cleanUp);
}

/** Without its port IBC goes on without a command server. */
async function startCommands(
  options: ProcessOptions,
  state: GatewayState,
  settings: IbcSettings,
  cleanUp: CleanUp,
): Promise<void> {
  const log = (message: string) => say(options, message);
  const port = options.commandPort ?? settings.commandPort;
  if (port === 0) {
    log('CommandServer is not started because the port is not configured');
    return;
  }
  log(`CommandServer is starting with port ${port}`);
  try {
    const listener = await startCommandServer({
      port: options.anyPort ? 0 : port,
      host: options.commandPort === null ? settings.bindAddress || '0.0.0.0' : '127.0.0.1',
      log,
      carryOut(command) {
        if (command !== 'STOP') return state.softRestart(command === 'PAUSE');
        log(
          state.api === null
            ? 'Login has not completed: exiting immediately'
            : 'Login has completed: exiting via [File, Close] menu',
        );
        state.end(0);
      },
    });
    state.commandPort = listener.port;
    cleanUp.push(async () => {
      state.commandPort = null;
      await listener.drain();
    });
    log('CommandServer started and is ready to accept commands');
  } catch {
    log('CommandServer failed to create socket');
    log('CommandServer cannot process commands');
  }
}

/** What IBC sets in the gateway's settings dialog once it is logged in. */
function configure(options: ProcessOptions, settings: IbcSettings): void {
  const log = (message: string) => say(options, message);
  if (settings.readOnlyApi !== null) {
    log('Setting ReadOnlyApi');
    log(`Read-Only API checkbox is now set to: ${settings.readOnlyApi}`);
  }
  const restarts = settings.autoRestartTime !== '';
  const action = restarts ? 'Auto restart' : 'Auto logoff';
  const time = restarts ? settings.autoRestartTime : settings.autoLogoffTime;
  if (time !== '') {
    log(`Setting ${action} time`);
    if (isTwelveHourTime(time)) log(`${action} time set to ${time}`);
    else {
      const example = 'for example "09:30 AM" or "04:00 PM"';
      complain(options, `${action} time setting must be hh:mm AM or hh:mm PM, ${example}`);
    }
  }
  if (!['', 'yes', 'no'].includes(settings.bypassOrderPrecautions)) {
    throw new Exit(81, "Invalid setting value for 'Bypass Order Precautions for API Orders'");
  }
  log('Configuration tasks completed');
}

/** Runs until it is ended, doing what its behaviour changes to. */
async function watchBehaviour(
  options: ProcessOptions,
  state: GatewayState,
  signal: AbortSignal,
  cleanUp: CleanUp,
): Promise<never> {
  const { behaviour } = options;
  let linkDown = behaviour.current.kind === 'link-down';
  const stop = behaviour.listen((next) => {
    if ((next.kind === 'link-down') === linkDown) return;
    linkDown = !linkDown;
    state.api?.notify(linkDown ? 1100 : 1102, linkDown ? LINK_LOST : LINK_RESTORED);
  });
  cleanUp.push(stop);
  for (;;) {
    const { current } = behaviour;
    if (current.kind === 'exit') throw new Exit(current.status, 'IBC ends as it was told to');
    if (current.kind === 'gateway-down') return loseProcess(options, state, signal);
    await behaviour.changed(signal);
  }
}

/** The process is gone and nobody has noticed yet; another behaviour starts it again. */
async function loseProcess(
  { behaviour, log }: ProcessOptions,
  state: GatewayState,
  signal: AbortSignal,
): Promise<never> {
  const { api } = state;
  state.api = null;
  await api?.close();
  log('IBC returned exit status 1');
  while (behaviour.current.kind === 'gateway-down') await behaviour.changed(signal);
  throw new ColdRestart();
}

function say({ log }: ProcessOptions, message: string): void {
  log(`${stamp()} IBC: ${message}`);
}

function complain(options: ProcessOptions, message: string): void {
  options.log('!'.repeat(79));
  say(options, message);
  options.log('!'.repeat(79));
}

/** Time as IBC writes it, local. */
export function stamp(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)}:${local.slice(20, 23)}`;
}
