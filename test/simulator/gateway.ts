/**
 * One gateway under IBC as ibcstart.sh runs it: checks, a process, and again for as long as IBC's way
 * of ending asks for it. It logs what the script logs and ends with its status.
 */

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findAutorestart, writeAutorestart } from './autorestart.ts';
import { type GatewayState, type ProcessOptions, runProcess } from './gateway-process.ts';
import { stamp } from './ibc-log.ts';

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
  /** Port that the gateway is told to have; `null`: that of its mode. */
  keptPort(): number | null;
  commandPort(): number | null;
  sessions(): number;
  /** SIGTERM to the process. */
  terminate(): void;
  /** A soft restart, as IBC's RESTART. */
  restart(): void;
}

export function startGateway(options: GatewayOptions): Gateway {
  const settings = options.locate(options.settings);
  const state: GatewayState = {
    api: null,
    commandPort: null,
    user: '',
    failures: { count: 0, lockOutAfter: options.lockOutAfter },
    end: () => undefined,
    softRestart(pauseOnly) {
      if (state.api === null) {
        state.awaitingLogin.push(() => state.softRestart(pauseOnly));
        return;
      }
      writeAutorestart(settings, state.user);
      paused = pauseOnly;
      state.end(0);
    },
    awaitingLogin: [],
  };
  // SIGTERM ends the script's sleep as well as the process.
  const terminated = new AbortController();
  let paused = false;
  const { log } = options;
  const action = options.timeoutAction.toUpperCase();
  const program = options.product === 'tws' ? 'TWS' : 'Gateway';

  async function run(): Promise<number> {
    if (!['', 'EXIT', 'RESTART'].includes(action)) {
      const wanted = "must be either 'restart' or 'exit' (case-insensitive)";
      log(`Error: 2FA timeout action set to ${options.timeoutAction} but ${wanted}`);
      return 3;
    }
    const time = stamp();
    const { ibcVersion } = options;
    log(`Starting IBC version ${ibcVersion} on ${time.slice(0, 10)} at ${time.slice(11, 19)}`);
    if (!existsSync(settings)) {
      log(`Error: TWS settings path: ${options.settings} does not exist`);
      return 5;
    }
    if (!existsSync(options.locate(options.configIni))) {
      log(`Error: IBC configuration file: ${options.configIni}  does not exist`);
      return 6;
    }
    const status = await keepRunning();
    log(`${program} finished`);
    return status;
  }

  async function keepRunning(): Promise<number> {
    let { resume } = lookForAutorestart(options);
    while (!terminated.signal.aborted) {
      log(`Starting ${program} with this command:`);
      const { status, coldRestart } = await runProcess(options, state, resume);
      log(`IBC returned exit status ${status}`);
      resume = null;
      if (coldRestart) {
        log('IBC will cold-restart shortly');
      } else if (status !== 88) {
        const found = lookForAutorestart(options);
        resume = found.resume;
        if (found.restart && paused) log('IBC is paused');
        const again = found.restart ? !paused : status === 87 && action === 'RESTART';
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
    keptPort: () => state.api?.keptPort ?? null,
    sessions: () => state.api?.sessions ?? 0,
    terminate() {
      terminated.abort();
      state.end(143);
    },
    restart: () => state.softRestart(false),
  };
}

/**
 * `resume`: path of the file that lets the next start go without a login. `restart`: the gateway
 * ended in order to start again; after too many files, with a login.
 */
function lookForAutorestart({ settings, locate, log }: GatewayOptions): {
  resume: string | null;
  restart: boolean;
} {
  log('Finding autorestart file');
  const found = findAutorestart(locate(settings));
  switch (found.kind) {
    case 'one':
      log(`autorestart file found at ${found.path}: authentication will not be required`);
      log(`AUTORESTART_OPTION is -Drestart=${found.name}`);
      return { resume: found.path, restart: true };
    case 'several':
      log("WARNING: More than one autorestart file was found. IBC can't determine which is");
      log("         the right one, so they've all been deleted. Full authentication will");
      log('         be required.');
      return { resume: null, restart: true };
    case 'none':
      log('autorestart file not found: full authentication will be required');
      return { resume: null, restart: false };
  }
}
