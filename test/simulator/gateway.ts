/**
 * One gateway under IBC as ibcstart.sh runs it: checks, a process, and again for as long as IBC's way
 * of ending asks for it. It logs what the script logs and ends with its status.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { findAutorestart } from './autorestart.ts';
import {
  beforeStart,
  installation,
  javaCommand,
  javaRuntime,
  killedLine,
  type Program,
} from './flood.ts';
import { type GatewayState, type ProcessOptions, runProcess, shutDown } from './gateway-process.ts';

export interface GatewayOptions extends ProcessOptions {
  /** `TWOFA_TIMEOUT_ACTION` as the scripts got it. */
  timeoutAction: string;
  /** Directories of the container: the gateway's program, IBC. */
  programPath: string;
  ibcPath: string;
}

export interface Gateway {
  /** Status of ibcstart.sh, 0-255. */
  exited: Promise<number>;
  /** Port of the API while somebody listens there. */
  apiPort(): number | null;
  /** Port that the gateway is told to have; `null`: that of its mode. */
  keptPort(): number | null;
  commandPort(): number | null;
  sessions(): number;
  /** The process ends with this status: 143 by SIGTERM, 1 or 255 where its display is gone. */
  terminate(status?: number): void;
  /** As the gateway does it at its own time: `AutoRestartTime`, `AutoLogoffTime`. */
  byClock(what: 'restart' | 'logoff'): void;
  /** Java ends, 137 by SIGKILL, 1 where its display is gone; nobody has told the script. */
  endJava(status: number): void;
}

export function startGateway(options: GatewayOptions): Gateway {
  const settings = options.locate(options.settings);
  const state: GatewayState = {
    api: null,
    session: null,
    commandPort: null,
    closeCommands: null,
    user: '',
    end: () => undefined,
    fail: () => undefined,
    awaitingLogin: [],
    shuttingDown: false,
  };
  let terminated: number | null = null;
  const { log } = options;
  const action = options.timeoutAction.toUpperCase();
  const title = options.product === 'tws' ? 'TWS' : 'Gateway';
  const program: Program = {
    product: options.product,
    path: options.programPath,
    ibcPath: options.ibcPath,
    configIni: options.configIni,
    settings: options.settings,
    heap: options.heap,
    restart: null,
    sessionId: randomBytes(6).toString('base64url').slice(0, 8),
  };
  const pauseFlag = `${options.settings}/PAUSE${program.sessionId}`;

  async function run(): Promise<number> {
    // As if in a process of its own: what started it goes on meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
    if (!['', 'EXIT', 'RESTART'].includes(action)) {
      log('Parsing arguments');
      const wanted = "must be either 'restart' or 'exit' (case-insensitive)";
      return fail(3, `2FA timeout action set to ${options.timeoutAction} but ${wanted}`);
    }
    for (const line of beforeStart(program)) log(line);
    if (!existsSync(settings)) {
      return fail(5, `TWS settings path: ${options.settings} does not exist`);
    }
    if (!existsSync(options.locate(options.configIni))) {
      return fail(6, `IBC configuration file: ${options.configIni}  does not exist`);
    }
    for (const line of installation(program)) log(line);
    const first = lookForAutorestart(options);
    for (const line of javaRuntime(program)) log(line);
    const status = await keepRunning(first.resume);
    log(`${title} finished`);
    log('');
    return status;
  }

  function fail(status: number, message: string): number {
    const rule = '='.repeat(27);
    for (const line of ['', `${rule} An error has occurred ${'='.repeat(29)}`, '', '', '']) {
      log(line);
    }
    log(`Error: ${message}`);
    return status;
  }

  async function keepRunning(first: Found['resume']): Promise<number> {
    for (let resume = first; ; ) {
      if (terminated !== null) return terminated;
      const own = { ...program, restart: resume?.name ?? null };
      log(`Starting ${title} with this command:`);
      log(javaCommand(own));
      log('');
      const { status, coldRestart } = await runProcess(options, state, {
        resume: resume?.path ?? null,
        program: own,
        pauseFlag,
      });
      if (status === 137) log(killedLine(program));
      log(`IBC returned exit status ${status}`);
      resume = null;
      if (coldRestart) {
        log('IBC will cold-restart shortly');
      } else if (status !== 88) {
        const found = lookForAutorestart(options);
        resume = found.resume;
        const isPaused = found.restart && existsSync(options.locate(pauseFlag));
        if (isPaused) {
          rmSync(options.locate(pauseFlag));
          log('IBC is paused');
          return status;
        }
        if (!found.restart && !(status === 87 && action === 'RESTART')) return status;
      }
      log('IBC will restart shortly');
      // The script says it and does not do it.
      log('sleep 2');
    }
  }

  return {
    exited: run(),
    apiPort: () => state.api?.port ?? null,
    commandPort: () => state.commandPort,
    keptPort: () => state.api?.keptPort ?? null,
    sessions: () => state.api?.sessions ?? 0,
    terminate(status = 143) {
      terminated = status;
      state.end(status);
    },
    byClock(what) {
      void shutDown(options, state, what === 'logoff' ? 'logged out' : 'taken up again');
    },
    endJava: (status) => state.end(status),
  };
}

interface Found {
  /** The file that lets the next start go without a login. */
  resume: { name: string; path: string } | null;
  /** The gateway ended in order to start again; after too many files, with a login. */
  restart: boolean;
}

function lookForAutorestart({ settings, locate, log }: GatewayOptions): Found {
  log('Finding autorestart file');
  const found = findAutorestart(locate(settings));
  switch (found.kind) {
    case 'one': {
      const { name, path } = found;
      log(`autorestart file found at ${path}: authentication will not be required`);
      log(`AUTORESTART_OPTION is -Drestart=${name}`);
      return { resume: { name, path }, restart: true };
    }
    case 'several':
      log('*'.repeat(79));
      log("WARNING: More than one autorestart file was found. IBC can't determine which is");
      log("         the right one, so they've all been deleted. Full authentication will");
      log('         be required.');
      log('');
      log('*'.repeat(79));
      log('');
      return { resume: null, restart: true };
    case 'none':
      log('autorestart file not found: full authentication will be required');
      log('');
      return { resume: null, restart: false };
  }
}
