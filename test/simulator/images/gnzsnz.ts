/** gnzsnz's run.sh: the container of the IB Gateway. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, type Running, startIbc } from '../container.ts';
import { Exit } from '../contract.ts';
import { PROGRAM_VERSION } from '../flood.ts';
import type { Named } from '../named.ts';
import { socat } from '../relay.ts';
import { startVnc } from '../rfb.ts';
import type { Boot } from '../simulator.ts';
import { deferred } from '../waiting.ts';
import {
  applySettings,
  fileEnv,
  runScripts,
  setJavaHeap,
  setPorts,
  startSocat,
  unsetEnv,
  waitForScreen,
} from './gnzsnz-common.ts';
import { isTunnelled, type SshState, setupSsh, startSsh } from './gnzsnz-ssh.ts';

export function bootGnzsnz(container: Container): Boot {
  const { env, log, running, services } = container;
  const stopped = deferred<number>();
  const trapped = deferred<void>();
  let ssh: SshState | null = null;
  let display: Named | null = null;
  let isStopping = false;

  async function run(): Promise<number> {
    log('*'.repeat(73));
    log('.> Starting IBC/IB gateway');
    log('*'.repeat(73));
    await runScripts(container, env.START_SCRIPTS);
    startXvfb();
    const state = await setupSsh(container);
    setJavaHeap(container);
    await waitForScreen(container);
    await startScreen();
    await runScripts(container, env.X_SCRIPTS);
    await startModes(container, state);
    await runScripts(container, env.IBC_SCRIPTS);
    // The trap comes last: before it, process 1 does not hear SIGTERM.
    ssh = state;
    trapped.resolve();
    return Promise.race([stopped.promise, waitForIbc(container)]);
  }

  /** Java does not outlive its display, and the container not its Java. */
  function startXvfb(): void {
    log('.> Starting Xvfb server');
    env.DISPLAY = ':1';
    const started = container.named.start(['Xvfb', ':1', '-ac', '-screen', '0', '1024x768x16']);
    display = started;
    void started.ended.then(() => {
      if (isStopping) return;
      for (const { gateway } of running) gateway?.endJava(1);
    });
  }

  async function startScreen(): Promise<void> {
    fileEnv(container, 'VNC_SERVER_PASSWORD');
    const password = env.VNC_SERVER_PASSWORD ?? '';
    if (password === '') log('.> VNC server disabled');
    else {
      log('.> Starting VNC server');
      await startVnc(container, password, container.contract.screen.port);
      unsetEnv(env, 'VNC_SERVER_PASSWORD');
    }
  }

  /**
   * `stop_ibc`. With `set -e` a pkill that finds nothing ends it, and IBC with it. The display goes
   * first, and Java dies of that: nobody logs out.
   */
  async function stopIbc(state: SshState): Promise<number> {
    const { timing, stopStatus } = container;
    log('.> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.');
    if (services.has('vnc')) log('.> Stopping x11vnc.');
    log('.> Stopping Xvfb.');
    isStopping = true;
    display?.end();
    if (env.SSH_TUNNEL) {
      log('.> Stopping ssh.');
      if (state.tunnels.size === 0) return 1;
    }
    log('.> Stopping socat.');
    if (running.every(({ relayScript }) => relayScript?.isOver() ?? true)) return 1;
    for (const { relay, relayScript } of running) {
      relayScript?.end();
      if (relay === null) continue;
      await relay.close();
      socat(log, 'W exiting on signal 15');
    }
    await sleep(timing.stop * 1000);
    log('.> Stopping IBC.');
    for (const { gateway } of running) gateway?.terminate(stopStatus);
    return waitForIbc(container);
  }

  return {
    run,
    trapped: trapped.promise,
    terminate() {
      if (ssh !== null) stopped.resolve(stopIbc(ssh));
    },
  };
}

/** `wait "${pid[@]}"`: the status of the last, once all have ended. */
export async function waitForIbc({ running }: Container): Promise<number> {
  const statuses = await Promise.all(running.map(({ gateway }) => gateway?.exited ?? 0));
  return statuses.at(-1) ?? 0;
}

/** The part that run.sh and run_tws.sh have in common: live, paper or, 15 s apart, both. */
export async function startModes(container: Container, ssh: SshState): Promise<void> {
  const { env, timing, ended } = container;
  if (env.TRADING_MODE !== 'both' && env.DUAL_MODE !== 'yes') {
    startProcess(container, ssh);
    return;
  }
  const configIni = env.IBC_INI;
  const settings = env.TWS_SETTINGS_PATH || env.TWS_PATH;
  env.DUAL_MODE = 'yes';
  env.TRADING_MODE = 'live';
  env.IBC_INI = `${configIni}_live`;
  env.TWS_SETTINGS_PATH = `${settings}_live`;
  startProcess(container, ssh);

  // run_tws.sh looks at it here, whichever form it has.
  if (container.contract.product === 'tws') fileEnv(container, 'TWS_PASSWORD_PAPER');
  env.TRADING_MODE = 'paper';
  env.TWS_USERID = env.TWS_USERID_PAPER ?? '';
  if (env.TWS_PASSWORD_PAPER_FILE) env.TWS_PASSWORD_FILE = env.TWS_PASSWORD_PAPER_FILE;
  else env.TWS_PASSWORD = env.TWS_PASSWORD_PAPER ?? '';
  env.SSH_VNC_PORT = '';
  env.SSH_RDP_PORT = '';
  env.SSH_REMOTE_PORT = '';
  env.IBC_INI = `${configIni}_paper`;
  env.TWS_SETTINGS_PATH = `${settings}_paper`;
  await sleep(timing.secondStart * 1000, undefined, { signal: ended }).catch(() => undefined);
  if (ended.aborted) throw new Exit(137);
  startProcess(container, ssh);
  unsetEnv(env, 'TWS_PASSWORD_PAPER');
}

/** `start_process`: the relay is up before IBC is. */
function startProcess(container: Container, ssh: SshState): void {
  const { env, log, running } = container;
  const mode = setPorts(container);
  applySettings(container);
  log('.> Starting Port Forwarding.');
  const earlier = running.find((half) => half.mode === mode);
  const half: Running = earlier ?? { mode, relay: null, gateway: null };
  if (earlier === undefined) running.push(half);
  if (isTunnelled(container)) {
    log('.> Starting SSH Tunnel');
    if (env.SSH_TUNNEL === 'both') void startSocat(container, half);
    startSsh(container, ssh, mode);
  } else void startSocat(container, half);
  log(`.> Starting IBC in ${mode} mode, with params:`);
  log(`.>\t\tVersion: ${PROGRAM_VERSION}`);
  log(`.>\t\tprogram: ${container.contract.product}`);
  log(`.>\t\ttws-path: ${env.TWS_PATH}`);
  log(`.>\t\tibc-path: ${env.IBC_PATH}`);
  log(`.>\t\tibc-init: ${env.IBC_INI}`);
  log(`.>\t\ttws-settings-path: ${env.TWS_SETTINGS_PATH || env.TWS_PATH}`);
  log(`.>\t\ton2fatimeout: ${env.TWOFA_TIMEOUT_ACTION ?? ''}`);
  half.gateway = startIbc(container, {
    settings: env.TWS_SETTINGS_PATH || env.TWS_PATH || '',
    configIni: env.IBC_INI ?? '',
    heap: env.JAVA_HEAP_SIZE ?? '',
  });
}
