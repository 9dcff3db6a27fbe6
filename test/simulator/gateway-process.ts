/** The Java process: IBC and the gateway inside it, from its settings to its end. */

import { ApiSocket } from './api-socket.ts';
import { useAutorestart, writeAutorestart } from './autorestart.ts';
import type { Clock } from './clock.ts';
import { startCommands } from './commands.ts';
import { announceTasks, configure, ownTime } from './configuration.ts';
import { Exit, type Mode } from './contract.ts';
import type { Locate } from './files.ts';
import { diagnostics, type Program, systemProperties } from './flood.ts';
import { closed, complain, opened, say } from './ibc-log.ts';
import { describeSettings, readIbcSettings } from './ibc-settings.ts';
import { announceSaving, settingsDirectory, tradingMode } from './ibc-start.ts';
import { describeShutdown } from './ibc-times.ts';
import { ensureJtsIni, timeZone } from './jts-ini.ts';
import {
  awaitWindow,
  ColdRestart,
  complete,
  connectTo,
  type LoggedIn,
  type LoginOptions,
  logIn,
  loginError,
} from './login.ts';
import { Session } from './session.ts';
import { pause } from './waiting.ts';

export interface ProcessOptions
  extends Pick<
    LoginOptions,
    'product' | 'behaviour' | 'timing' | 'connect' | 'expectedPassword' | 'lockOutAfter'
  > {
  /** Version that IBC names in its log. */
  ibcVersion: string;
  /** Paths of the container. */
  configIni: string;
  settings: string;
  locate: Locate;
  /** `JAVA_HEAP_SIZE` as the scripts got it. */
  heap: string;
  /** The gateway's own, by which it restarts or logs off. */
  clock: Clock;
  accounts: (user: string, mode: Mode) => string[];
  /** The gateway's own API port in a mode. */
  defaultPort: (mode: Mode) => number;
  /** Command server on loopback instead of what config.ini says; `null`: as that says. */
  commandPort: number | null;
  /** The gateway has File > Restart... in its menu. */
  restartMenu: boolean;
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
  session: Session | null;
  commandPort: number | null;
  closeCommands: (() => Promise<void>) | null;
  user: string;
  /** Ends the process that runs with this status. */
  end: (status: number) => void;
  /** As `end`, with IBC's words about why. */
  fail: (why: Exit) => void;
  /** What waits for the end of the login: RESTART, PAUSE and ENABLEAPI. */
  awaitingLogin: ((api: ApiSocket) => void)[];
  /** The gateway is shutting itself down, or IBC was told to see to it. */
  shuttingDown: boolean;
}

export interface Ended {
  status: number;
  coldRestart: boolean;
}

/** What ends with a process, in this order turned round. */
export type CleanUp = (() => unknown)[];

interface Life {
  /** Path of the autorestart file to use; `null`: a login. */
  resume: string | null;
  signal: AbortSignal;
  cleanUp: CleanUp;
  program: Program;
  /** File of the container that PAUSE leaves for ibcstart.sh. */
  pauseFlag: string;
}

export async function runProcess(
  options: ProcessOptions,
  state: GatewayState,
  life: Pick<Life, 'resume' | 'program' | 'pauseFlag'>,
): Promise<Ended> {
  // Java refuses such a size on its error output, which ibcstart.sh throws away.
  if (options.heap !== '' && !/^\d+$/.test(options.heap)) return { status: 1, coldRestart: false };
  const controller = new AbortController();
  const { signal } = controller;
  state.end = (status) => controller.abort(status);
  state.fail = (why) => controller.abort(why);
  const cleanUp: CleanUp = [];
  try {
    return await live(options, state, { ...life, signal, cleanUp });
  } catch (error) {
    const why: unknown = signal.aborted ? signal.reason : error;
    if (typeof why === 'number') return { status: why, coldRestart: false };
    if (!(why instanceof Exit)) throw why;
    if (why.status !== 0) {
      complain(options, why.message);
      say(options, `Exiting after error with exit code=${ibcCode(why.status)}`);
    }
    return { status: why.status, coldRestart: why instanceof ColdRestart };
  } finally {
    state.end = () => undefined;
    state.fail = () => undefined;
    state.awaitingLogin = [];
    state.shuttingDown = false;
    for (const end of cleanUp.reverse()) await end();
    // Its connections and waits end with it.
    controller.abort(0);
  }
}

/** IBC's own codes begin at 1100; the shell sees what is left of them. */
function ibcCode(status: number): number {
  return status >= 76 && status <= 88 ? status + 1024 : status;
}

/** Ends by throwing only: an `Exit`, or what a wait throws when the process is ended. */
async function live(
  options: ProcessOptions,
  state: GatewayState,
  { resume, signal, cleanUp, program, pauseFlag }: Life,
): Promise<never> {
  const { product, locate } = options;
  const log = (message: string) => say(options, message);
  const settings = readIbcSettings(locate(options.configIni), log);
  for (const line of describeSettings(settings)) options.log(line);
  log(`version: ${options.ibcVersion}`);
  for (const line of systemProperties(program)) options.log(line);
  for (const line of diagnostics(program)) log(line);
  state.user = settings.text('IbLoginId');
  await startCommands(options, state, settings, { cleanUp, pauseFlag });
  const title = product === 'tws' ? 'TWS' : 'Gateway';
  const shutdown = describeShutdown(settings, title, new Date());
  if (shutdown !== null) log(shutdown);
  announceSaving(options, settings);

  const directory = settingsDirectory(settings.text('IbDir', options.settings), locate);
  log(`TWS Settings directory is: ${directory}`);
  const limit = settings.integer('LoginDialogDisplayTimeout', 60);
  log(
    resume === null
      ? `Starting session: will exit if login dialog is not displayed within ${limit} seconds`
      : 'Re-starting session',
  );
  const trusted = settings.text('TrustedTwsApiClientIPs');
  ensureJtsIni({ path: `${directory}/jts.ini`, product, trusted, log });
  log(`Starting ${title}`);
  announceTasks(settings, log);

  const complaint = (message: string) => complain(options, message);
  const login: LoginOptions = { ...options, settings, log, complain: complaint, signal };
  await awaitWindow(login, resume !== null);
  const { line, mode } = resume === null ? await logIn(login) : await takeUp(login, resume);

  const api = new ApiSocket({
    port: (kept) => (options.anyPort ? 0 : (kept ?? options.defaultPort(mode))),
    host: options.everywhere,
    product,
    accounts: options.accounts(state.user, mode),
    behaviour: options.behaviour,
    linkUp: () => state.session?.up ?? true,
    directory,
    user: state.user,
    log: options.log,
  });
  const session = new Session({
    product,
    settings,
    line,
    log,
    linkChanged: (up) => api.tellLink(up),
    end: (status) => state.end(status),
    signal,
  });
  state.session = session;
  cleanUp.push(async () => {
    state.session = null;
    state.api = null;
    await api.close();
  });
  await complete(login, mode);
  state.api = api;
  await api.open();
  await configure({
    settings,
    api,
    port: options.defaultPort(mode),
    account: options.accounts(state.user, mode)[0] ?? '',
    log,
    complain: complaint,
  });
  for (const go of state.awaitingLogin.splice(0)) go(api);
  const own = ownTime(settings);
  if (own !== null) {
    void options.clock.shows(own.time, timeZone(`${directory}/jts.ini`), signal).then(
      () => shutDown(options, state, own.how),
      () => undefined,
    );
  }
  return watchBehaviour(options, api, signal);
}

/** A gateway that IBC has nothing to do for: it goes on with what the last one left. */
async function takeUp(options: LoginOptions, file: string): Promise<LoggedIn> {
  const { settings, timing, product, log, signal } = options;
  const mode = tradingMode(settings);
  if (product === 'gateway') {
    log('Found Gateway main window');
    log('Got main window from future');
    log('Invoking config dialog menu');
  }
  const token = useAutorestart(file);
  await pause(timing.login / 4, signal);
  const user = settings.text('IbLoginId');
  const line = await connectTo(options, { type: 'resume', user, token, mode });
  const answer = await line.next();
  if (answer?.type !== 'logged-in') {
    const text = answer?.type === 'token-refused' ? answer.text : 'Connection to server failed';
    loginError(log, text);
  }
  await pause(timing.login / 4, signal);
  return { line, mode };
}

/** Runs until it is ended, doing what its behaviour changes to. */
async function watchBehaviour(
  options: ProcessOptions,
  api: ApiSocket,
  signal: AbortSignal,
): Promise<never> {
  const { behaviour } = options;
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

/**
 * The gateway ends by itself, with a logout or so that its session can be taken up again: on STOP,
 * RESTART and PAUSE, and by its own clock.
 */
export async function shutDown(
  options: ProcessOptions,
  state: GatewayState,
  then: 'logged out' | 'taken up again',
): Promise<void> {
  const { session } = state;
  if (state.shuttingDown || session === null) return;
  state.shuttingDown = true;
  const { end } = state;
  const log = (message: string) => say(options, message);
  opened(log, 'dialog', 'Shutdown progress');
  await state.closeCommands?.();
  await state.api?.close();
  closed(log, 'frame', options.product === 'tws' ? 'Interactive Brokers' : 'IBKR Gateway');
  await pause(options.timing.shutdown, new AbortController().signal);
  // A signal was quicker.
  if (state.session !== session) return;
  if (then === 'logged out') session.logOut();
  else {
    const token = await session.pause();
    writeAutorestart(options.locate(options.settings), state.user, token);
  }
  end(0);
}
