/**
 * One gateway under IBC: ibcstart.sh's loop around the Java process, and that process. It logs what
 * they log, and ends with the status they end with.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, LINK_LOST, LINK_RESTORED, startApiServer } from './api-server.ts';
import { findAutorestart, useAutorestart, writeAutorestart } from './autorestart.ts';
import type { BehaviourSwitch } from './behaviour.ts';
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

export interface GatewayOptions
  extends Omit<LoginOptions, 'settings' | 'log' | 'signal' | 'failures'> {
  behaviour: BehaviourSwitch;
  /** Paths of this machine. */
  configIni: string;
  settingsDirectory: string;
  /** As the scripts got them. */
  heap: string;
  timeoutAction: string;
  accounts: (user: string) => string[];
  /** 0: any. */
  apiPort: number;
  /** `null`: as config.ini says. */
  commandPort: number | null;
  /** Ports are of the image's choice, or any that is free. */
  anyPort: boolean;
  lockOutAfter: number;
  log: (line: string) => void;
}

export interface Gateway {
  /** Status of ibcstart.sh, 0-255. */
  exited: Promise<number>;
  /** Port of the API while somebody listens there. */
  apiPort(): number | null;
  commandPort(): number | null;
  sessions(): number;
  /** SIGTERM to the process. */
  terminate(): void;
  /** A soft restart, as IBC's RESTART. */
  restart(): void;
}

/** What ends a Java process from outside: its status. */
interface Life {
  controller: AbortController;
  end(status: number): void;
}

export function startGateway(options: GatewayOptions): Gateway {
  const state = {
    api: null as ApiServer | null,
    commandPort: null as number | null,
    life: null as Life | null,
    user: '',
    terminated: false,
    paused: false,
    failures: { count: 0, lockOutAfter: options.lockOutAfter },
  };
  const { log, settingsDirectory, timing } = options;
  const say = (message: string) => log(`${stamp()} IBC: ${message}`);

  function softRestart(pauseOnly: boolean): void {
    writeAutorestart(settingsDirectory, state.user);
    state.paused = pauseOnly;
    state.life?.end(0);
  }

  /** ibcstart.sh from its check of arguments to its end. */
  async function run(): Promise<number> {
    const action = options.timeoutAction.toUpperCase();
    if (action !== '' && action !== 'EXIT' && action !== 'RESTART') {
      log(
        `Error: 2FA timeout action set to ${options.timeoutAction} but must be either 'restart' or 'exit' (case-insensitive)`,
      );
      return 3;
    }
    log(
      `Starting IBC version ${IBC_VERSION} on ${stamp().slice(0, 10)} at ${stamp().slice(11, 19)}`,
    );
    let resume = lookForAutorestart();
    for (;;) {
      log('Starting Gateway with this command:');
      const ended = await java(resume);
      log(`IBC returned exit status ${ended.status}`);
      if (state.terminated) break;
      if (ended.coldRestart) {
        resume = null;
        log('IBC will cold-restart shortly');
      } else if (ended.status !== 88) {
        resume = lookForAutorestart();
        if (resume !== null && state.paused) {
          log('IBC is paused');
          log('Gateway finished');
          return ended.status;
        }
        if (resume === null && !(ended.status === 87 && action === 'RESTART')) {
          log('Gateway finished');
          return ended.status;
        }
      }
      log('IBC will restart shortly');
      log('sleep 2');
      await sleep(timing.restart * 1000);
      if (state.terminated) break;
    }
    log('autorestart file not found: full authentication will be required');
    log('Gateway finished');
    return 143;
  }

  /** Path of the file that lets the next start go without a login. */
  function lookForAutorestart(): string | null {
    log('Finding autorestart file');
    const found = findAutorestart(settingsDirectory);
    switch (found.kind) {
      case 'one':
        log(`autorestart file found at ${found.path}: authentication will not be required`);
        log(`AUTORESTART_OPTION is -Drestart=${found.name}`);
        return found.path;
      case 'several':
        log("WARNING: More than one autorestart file was found. IBC can't determine which is");
        log("         the right one, so they've all been deleted. Full authentication will");
        log('         be required.');
        return null;
      case 'none':
        log('autorestart file not found: full authentication will be required');
        return null;
    }
  }

  /** One Java process, until it ends or is ended. */
  async function java(resume: string | null): Promise<{ status: number; coldRestart: boolean }> {
    const controller = new AbortController();
    state.life = { controller, end: (status) => controller.abort(status) };
    if (state.terminated) return { status: 143, coldRestart: false };
    // Java refuses such a size on its error output, which ibcstart.sh throws away.
    if (options.heap !== '' && !/^\d+$/.test(options.heap))
      return { status: 1, coldRestart: false };
    const cleanUp: (() => unknown)[] = [];
    try {
      return { status: await session(resume, controller.signal, cleanUp), coldRestart: false };
    } catch (error) {
      if (controller.signal.aborted)
        return { status: Number(controller.signal.reason), coldRestart: false };
      if (!(error instanceof Exit)) throw error;
      const coldRestart = error instanceof ColdRestart;
      if (error.status !== 0) {
        complain(error.message);
        say(`Exiting after error with exit code=${error.status}`);
      }
      return { status: error.status, coldRestart };
    } finally {
      state.life = null;
      for (const end of cleanUp.reverse()) await end();
    }
  }

  async function session(
    resume: string | null,
    signal: AbortSignal,
    cleanUp: (() => unknown)[],
  ): Promise<number> {
    say(`version: ${IBC_VERSION}`);
    const settings = readIbcSettings(options.configIni);
    for (const line of describeSettings(settings)) log(line);
    state.user = settings.user;
    await startCommands(settings, cleanUp);
    if (settings.coldRestartTime !== '' && !isColdRestartTime(settings.coldRestartTime)) {
      throw new Exit(
        81,
        `Invalid ColdRestartTime setting: '${settings.coldRestartTime}'; format should be: <hh:mm>   eg 13:00`,
      );
    }
    say(`TWS Settings directory is: ${settingsDirectory}`);
    if (resume !== null) {
      say('Re-starting session');
      say('Starting Gateway');
      useAutorestart(resume);
      await pause(timing.login / 2, signal);
      say('Login has completed');
    } else {
      say('Starting session: will exit if login dialog is not displayed within 60 seconds');
      say('Starting Gateway');
      await logIn({ ...options, settings, failures: state.failures, log: say, signal });
      state.failures.count = 0;
    }
    await openApi(settings, cleanUp);
    configure(settings);
    return watchBehaviour(signal, cleanUp);
  }

  async function startCommands(settings: IbcSettings, cleanUp: (() => unknown)[]): Promise<void> {
    const wanted = options.commandPort ?? settings.commandPort;
    if (wanted === 0) {
      say('CommandServer is not started because the port is not configured');
      return;
    }
    say(`CommandServer is starting with port ${wanted}`);
    try {
      const listener = await startCommandServer({
        port: options.anyPort ? 0 : wanted,
        host: options.commandPort === null ? settings.bindAddress || '0.0.0.0' : '127.0.0.1',
        log: say,
        carryOut(command) {
          if (command !== 'STOP') softRestart(command === 'PAUSE');
          else {
            say(
              state.api
                ? 'Login has completed: exiting via [File, Close] menu'
                : 'Login has not completed: exiting immediately',
            );
            state.life?.end(0);
          }
        },
      });
      state.commandPort = listener.port;
      cleanUp.push(
        () => listener.close(),
        () => {
          state.commandPort = null;
        },
      );
      say('CommandServer started and is ready to accept commands');
    } catch {
      say('CommandServer failed to create socket');
      say('CommandServer cannot process commands');
    }
  }

  async function openApi(settings: IbcSettings, cleanUp: (() => unknown)[]): Promise<void> {
    const api = await startApiServer({
      port: options.apiPort,
      accounts: options.accounts(settings.user),
      readOnly: settings.readOnlyApi ?? true,
      behaviour: options.behaviour,
    });
    state.api = api;
    cleanUp.push(
      () => api.close(),
      () => {
        state.api = null;
      },
    );
  }

  /** What IBC sets in the gateway's settings dialog once it is logged in. */
  function configure(settings: IbcSettings): void {
    if (settings.readOnlyApi !== null) {
      say('Setting ReadOnlyApi');
      say(`Read-Only API checkbox is now set to: ${settings.readOnlyApi}`);
    }
    const [action, time] =
      settings.autoRestartTime !== ''
        ? ['Auto restart', settings.autoRestartTime]
        : ['Auto logoff', settings.autoLogoffTime];
    if (time !== '') {
      say(`Setting ${action} time`);
      if (isTwelveHourTime(time)) say(`${action} time set to ${time}`);
      else
        complain(
          `${action} time setting must be hh:mm AM or hh:mm PM, for example "09:30 AM" or "04:00 PM"`,
        );
    }
    if (!['', 'yes', 'no'].includes(settings.bypassOrderPrecautions)) {
      throw new Exit(81, "Invalid setting value for 'Bypass Order Precautions for API Orders'");
    }
    say('Configuration tasks completed');
  }

  /** Runs until it is ended, doing what its behaviour changes to. */
  async function watchBehaviour(signal: AbortSignal, cleanUp: (() => unknown)[]): Promise<number> {
    const { behaviour } = options;
    let linkDown = behaviour.current.kind === 'link-down';
    cleanUp.push(
      behaviour.listen((next) => {
        if ((next.kind === 'link-down') === linkDown) return;
        linkDown = !linkDown;
        state.api?.notify(linkDown ? 1100 : 1102, linkDown ? LINK_LOST : LINK_RESTORED);
      }),
    );
    for (;;) {
      if (behaviour.current.kind === 'exit')
        throw new Exit(behaviour.current.status, 'IBC ends as it was told to');
      if (behaviour.current.kind === 'gateway-down') return loseProcess(signal);
      await behaviour.changed(signal);
    }
  }

  /** The process is gone and nobody has noticed yet; another behaviour starts it again. */
  async function loseProcess(signal: AbortSignal): Promise<number> {
    await state.api?.close();
    state.api = null;
    log('IBC returned exit status 1');
    while (options.behaviour.current.kind === 'gateway-down')
      await options.behaviour.changed(signal);
    throw new ColdRestart();
  }

  function complain(message: string): void {
    log('!'.repeat(79));
    say(message);
    log('!'.repeat(79));
  }

  return {
    exited: run(),
    apiPort: () => state.api?.port ?? null,
    commandPort: () => state.commandPort,
    sessions: () => state.api?.sessions() ?? 0,
    terminate() {
      state.terminated = true;
      state.life?.end(143);
    },
    restart: () => softRestart(false),
  };
}

/** Time as IBC writes it, local. */
function stamp(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)}:${local.slice(20, 23)}`;
}
