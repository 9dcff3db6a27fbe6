/**
 * The run.sh of ibg-controller (v0.6.2): gnzsnz's with a controller in the place of IBC. The relay opens once the
 * gateway is logged in, and what comes after it, the trap among them, as late.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, Running } from '../container.ts';
import { Exit } from '../contract.ts';
import { startController } from '../controller.ts';
import { startVnc } from '../rfb.ts';
import type { Boot } from '../simulator.ts';
import { deferred } from '../waiting.ts';
import { waitForIbc } from './gnzsnz.ts';
import {
  applySettings,
  fileEnv,
  runScripts,
  setJavaHeap,
  setPorts,
  startSocat,
  unsetEnv,
} from './gnzsnz-common.ts';
import { isTunnelled, type SshState, setupSsh, startSsh } from './gnzsnz-ssh.ts';

export function bootIbgController(container: Container): Boot {
  const { env, log, running, services, locate } = container;
  const stopped = deferred<number>();
  let isTrapped = false;
  const trapped = deferred<void>();
  let stopping = false;

  async function run(): Promise<number> {
    log('*'.repeat(73));
    log('.> Starting IBC/IB gateway');
    log('*'.repeat(73));
    await runScripts(container, env.START_SCRIPTS);
    log('.> Starting Xvfb server');
    env.DISPLAY = ':1';
    if (env.USE_IBG_CONTROLLER === 'yes') log('.> Starting matchbox window manager.');
    const ssh = await setupSsh(container);
    setJavaHeap(container);
    await startScreen();
    await runScripts(container, env.X_SCRIPTS);
    await startModes(ssh);
    await runScripts(container, env.IBC_SCRIPTS);
    await runScripts(container, env.CONTROLLER_SCRIPTS);
    isTrapped = true;
    trapped.resolve();
    const status = await Promise.race([stopped.promise, waitForIbc(container)]);
    // A signal in the middle of bash's `wait` is its status, whatever the controllers end with.
    return stopping ? stopped.promise : status;
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

  async function startModes(ssh: SshState): Promise<void> {
    if (env.TRADING_MODE !== 'both' && env.DUAL_MODE !== 'yes') {
      await startProcess(ssh);
      return;
    }
    const settings = env.TWS_SETTINGS_PATH || env.TWS_PATH;
    const configIni = env.IBC_INI;
    env.DUAL_MODE = 'yes';
    env.TRADING_MODE = 'live';
    env.IBC_INI = `${configIni}_live`;
    env.TWS_SETTINGS_PATH = `${settings}_live`;
    await startProcess(ssh);

    env.TRADING_MODE = 'paper';
    env.TWS_USERID = env.TWS_USERID_PAPER ?? '';
    if (env.TWS_PASSWORD_PAPER_FILE) env.TWS_PASSWORD_FILE = env.TWS_PASSWORD_PAPER_FILE;
    else env.TWS_PASSWORD = env.TWS_PASSWORD_PAPER ?? '';
    env.SSH_VNC_PORT = '';
    env.SSH_REMOTE_PORT = '';
    env.IBC_INI = `${configIni}_paper`;
    env.TWS_SETTINGS_PATH = `${settings}_paper`;
    log(
      `.> Dual-mode stagger: sleeping ${container.contract.secondsBetweenLiveAndPaper}s before starting paper instance`,
    );
    await waitOrEnd(container.timing.secondStart);
    await startProcess(ssh);
  }

  /** `start_process`: the controller first, the relay when the gateway is logged in, or after 300 s. */
  async function startProcess(ssh: SshState): Promise<void> {
    const mode = setPorts(container);
    applySettings(container);
    if (env.USE_IBG_CONTROLLER !== 'yes') {
      log(`.> Starting IBC in ${mode} mode, with params:`);
      await waitOrEnd(2 ** 20);
    }
    log(`.> Starting Gateway controller in ${mode} mode.`);
    for (const [title, name] of [
      ['command-server-port', 'CONTROLLER_COMMAND_SERVER_PORT'],
      ['health-server-port', 'CONTROLLER_HEALTH_SERVER_PORT'],
    ] as const) {
      const base = env[name];
      if (!base) continue;
      if (env.DUAL_MODE !== 'yes') log(`.>\t\t${title}: ${base}`);
      else if (mode === 'live') log(`.>\t\t${title}: ${base} (dual-mode live)`);
      else {
        env[name] = String(Number(base) + 1);
        log(`.>\t\t${title}: ${env[name]} (dual-mode paper offset from ${base})`);
      }
    }
    fileEnv(container, 'TWS_PASSWORD');
    fileEnv(container, 'TWOFACTOR_CODE');
    const half: Running = { mode, relay: null, gateway: null };
    running.push(half);
    const controller = startController(container, mode);
    half.gateway = controller;
    writeFileSync(locate(`/tmp/pid_${mode}`), '1\n');
    unsetEnv(env, 'TWS_PASSWORD');
    unsetEnv(env, 'TWOFACTOR_CODE');

    const ready = `/tmp/gateway_ready_${mode}`;
    log(`.> Waiting for Gateway controller to signal readiness (${ready}).`);
    const seconds = Number(env.SIMULATOR_READY_SECONDS || 300);
    const given = await Promise.race([
      controller.ready.then(() => true),
      passed(seconds).then(() => false),
    ]);
    if (container.ended.aborted) throw new Exit(137);
    const page = controller.page();
    if (page !== null && !services.has('health')) services.set('health', page);
    if (!given)
      log(
        `.> WARNING: controller readiness timeout after 300s in ${mode} mode; starting socat anyway`,
      );
    else log(`.> Controller ready (${mode}) after 1s.`);
    log('.> Starting Port Forwarding.');
    if (isTunnelled(container)) {
      log('.> Starting SSH Tunnel');
      if (env.SSH_TUNNEL === 'both') void startSocat(container, half);
      startSsh(container, ssh, mode);
    } else void startSocat(container, half);
  }

  async function passed(seconds: number): Promise<void> {
    const { ended } = container;
    await sleep(Math.min(seconds, 2 ** 20) * 1000, undefined, { signal: ended }).catch(
      () => undefined,
    );
  }

  async function waitOrEnd(seconds: number): Promise<void> {
    await passed(seconds);
    if (container.ended.aborted) throw new Exit(137);
  }

  /** `stop_ibc`: the controllers first, so that they log out while there is a screen. */
  async function stop(): Promise<number> {
    log('.> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.');
    log('.> Stopping IBC / controller (clean logout phase).');
    for (const { gateway } of running) gateway?.terminate();
    await waitForIbc(container);
    if (services.has('vnc')) log('.> Stopping x11vnc.');
    log('.> Stopping Xvfb.');
    log('.> Stopping socat.');
    log('.> Stopping window manager.');
    rmSync(locate('/tmp/gateway_ready'), { force: true });
    log('.> Done... 0');
    return 143;
  }

  return {
    run,
    trapped: trapped.promise,
    terminate() {
      if (!isTrapped || stopping) return;
      stopping = true;
      stopped.resolve(stop());
    },
  };
}
