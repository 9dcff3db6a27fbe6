/**
 * One gateway under IBC as ibcstart.sh runs it: checks, a process, and again for as long as IBC's way
 * of ending asks for it. It logs what the script logs and ends with its status.
 */

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findAutorestart, writeAutorestart } from './autorestart.ts';
import { type GatewayState, type ProcessOptions, runProcess, stamp } from './gateway-process.ts';
import { IBC_VERSION } from './ibc-settings.ts';

export interface GatewayOptions extends ProcessOptions {
  /** `TWOFA_TIMEOUT_ACTION` as the scripts got it. */
  timeoutAction: string;
  lockOutAfter: number;
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

export function startGateway(options: GatewayOptions): Gateway {
  const state: GatewayState = {
    api: null,
    commandPort: null,
    user: '',
    failures: { count: 0, lockOutAfter: options.lockOutAfter },
    end: () => undefined,
    softRestart(pauseOnly) {
      writeAutorestart(options.settingsDirectory, state.user);
      paused = pauseOnly;
      state.end(0);
    },
  };
  // SIGTERM ends the script's sleep as well as the process.
  const terminated = new AbortController();
  let paused = false;
  const { log } = options;
  const action = options.timeoutAction.toUpperCase();

  async function run(): Promise<number> {
    if (!['', 'EXIT', 'RESTART'].includes(action)) {
      const wanted = "must be either 'restart' or 'exit' (case-insensitive)";
      log(`Error: 2FA timeout action set to ${options.timeoutAction} but ${wanted}`);
      return 3;
    }
    log(
      `Starting IBC version ${IBC_VERSION} on ${stamp().slice(0, 10)} at ${stamp().slice(11, 19)}`,
    );
    if (!existsSync(options.settingsDirectory)) {
      log(`Error: TWS settings path: ${options.settingsDirectory} does not exist`);
      return 5;
    }
    if (!existsSync(options.configIni)) {
      log(`Error: IBC configuration file: ${options.configIni}  does not exist`);
      return 6;
    }
    const status = await keepRunning();
    log('Gateway finished');
    return status;
  }

  async function keepRunning(): Promise<number> {
    let resume = lookForAutorestart(options);
    while (!terminated.signal.aborted) {
      log('Starting Gateway with this command:');
      const { status, coldRestart } = await runProcess(options, state, resume);
      log(`IBC returned exit status ${status}`);
      resume = null;
      if (coldRestart) {
        log('IBC will cold-restart shortly');
      } else if (status !== 88) {
        resume = lookForAutorestart(options);
        if (resume !== null && paused) log('IBC is paused');
        const again = resume !== null ? !paused : status === 87 && action === 'RESTART';
        if (!again) return status;
      }
      log('IBC will restart shortly');
      log('sleep 2');
      await sleep(options.timing.restart * 1000, undefined, { signal: terminated.signal }).catch(
        () => undefined,
      );
    }
    return 143;
  }

  return {
    exited: run(),
    apiPort: () => state.api?.port ?? null,
    commandPort: () => state.commandPort,
    sessions: () => state.api?.sessions() ?? 0,
    terminate() {
      terminated.abort();
      state.end(143);
    },
    restart: () => state.softRestart(false),
  };
}

/** Path of the file that lets the next start go without a login. */
function lookForAutorestart({ settingsDirectory, log }: GatewayOptions): string | null {
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
