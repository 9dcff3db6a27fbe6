/** danklabs of today: an entrypoint that checks and renders, then supervisord. No relay, no tunnel. */

import { mkdirSync } from 'node:fs';
import { type Container, type Running, startIbc } from '../container.ts';
import { Exit, type Mode } from '../contract.ts';
import { startVnc } from '../rfb.ts';
import type { Boot } from '../simulator.ts';
import { untilAborted } from '../waiting.ts';
import { checkAndRender } from './danklabs-host-settings.ts';
import { fileEnvOf, runHooks } from './danklabs-host-utils.ts';
import { type Program, type Supervisor, supervise } from './supervisord.ts';

export function bootDanklabsHost(container: Container): Boot {
  const { contract, env, log, timing, ended } = container;
  const terminated = new AbortController();
  const signal = AbortSignal.any([terminated.signal, ended]);
  let supervisor: Supervisor | null = null;

  async function run(): Promise<number> {
    const say = (message: string) => log(`${clock()} [ENTRYPOINT] ${message}`);
    const display = env.DISPLAY || ':1';
    if (!/^:\d+([.]\d+)?$/.test(display)) {
      say(`ERROR: Invalid X server DISPLAY value: ${display}`);
      say('Expected a local server display such as :1 or :1.0');
      return 1;
    }
    env.DISPLAY = display;
    fileEnvOf(container, 'IB_USER', say);
    fileEnvOf(container, 'IB_PASSWORD', say);
    await runHooks(container, 'START_SCRIPTS', 'startup', say);
    say('Initializing runtime configuration');
    checkAndRender(container);
    delete env.IB_PASSWORD;
    say(`Starting supervisord with DISPLAY=${display}`);
    // Asked to end before this, tini and the shell do so at once.
    if (terminated.signal.aborted) return 143;
    supervisor = supervise({
      programs: [xvfb(container), ibc(container), vnc(container)],
      log,
      signal,
      unexpected: 'WARN',
      backoffSeconds: timing.restart / 2,
      startSeconds: timing.supervised,
    });
    await supervisor.ended;
    return contract.container.stop.status;
  }

  return {
    run,
    terminate() {
      if (terminated.signal.aborted) return;
      supervisor?.announceExit();
      terminated.abort();
    },
  };
}

function xvfb(container: Container): Program {
  const { env, log } = container;
  return {
    name: 'xvfb',
    ...limits(container, 'xvfb'),
    again: 'always',
    async run(signal) {
      if (!hasScreen(container)) {
        log(`${clock()}  ERROR: Invalid VNC_SCREEN_DIMENSION: ${env.VNC_SCREEN_DIMENSION}`);
        return 1;
      }
      const screen = env.VNC_SCREEN_DIMENSION || '1600x1200x24';
      const what = `Display ${env.DISPLAY}. Screen dimension: ${screen}`;
      log(`${clock()}  Starting virtual frame buffer. ${what}`);
      await untilAborted(signal);
      return 143;
    },
  };
}

/** start_ibc: IBC again at once and for ever, whatever it ends with. */
function ibc(container: Container): Program {
  const { env, log, running } = container;
  return {
    name: 'ibc',
    ...limits(container, 'ibc'),
    again: 'always',
    async run(signal) {
      const say = (message: string) => log(`${clock()}  ${message}`);
      const settings = env.TWS_SETTINGS_PATH || `${env.HOME}/tws_settings`;
      mkdirSync(container.locate(settings), { recursive: true });
      await waitForDisplay(container);
      await runHooks(container, 'X_SCRIPTS', 'X', say);
      const mode: Mode = env.TRADING_MODE === 'live' ? 'live' : 'paper';
      const [earlier] = running;
      const half: Running = earlier ?? { mode, relay: null, gateway: null };
      if (earlier === undefined) running.push(half);
      say(`.> Starting IBC in ${mode} mode, with params:`);
      const gateway = startIbc(container, { settings, configIni: env.IBC_INI ?? '', heap: '' });
      half.gateway = gateway;
      signal.addEventListener('abort', () => gateway.terminate());
      try {
        await runHooks(container, 'IBC_SCRIPTS', 'IBC', say);
      } catch (error) {
        gateway.terminate();
        await gateway.exited;
        throw error;
      }
      return gateway.exited;
    },
  };
}

function vnc(container: Container): Program {
  const { contract, env, log, services } = container;
  return {
    name: 'x11vnc',
    ...limits(container, 'vnc'),
    again: 'unexpected',
    async run(signal) {
      const say = (message: string) => log(`${clock()}  ${message}`);
      // The script's own copy: each start reads the file anew.
      const own = { ...container, env: { ...env } };
      fileEnvOf(own, 'VNC_PWD', say);
      const password = own.env.VNC_PWD ?? '';
      if (password === '') {
        say('VNC password is not set (VNC_PWD). VNC is disabled.');
        return 0;
      }
      say('Found VNC password (VNC_PWD). Starting VNC.');
      const port = env.VNC_PORT || String(contract.screen.port);
      if (!/^[1-9]\d*$/.test(port) || Number(port) > 65535) {
        say(`ERROR: Invalid VNC_PORT: ${port}`);
        say('Expected an integer from 1 to 65535');
        return 1;
      }
      await waitForDisplay(container);
      say(`x11vnc -display ${env.DISPLAY} -rfbport ${port} -forever -shared -noipv6 -noxdamage`);
      if (!(await startVnc(container, password, Number(port)))) return 1;
      await untilAborted(signal);
      await services.get('vnc')?.close();
      return 143;
    },
  };
}

/** A minute, then the script gives up. */
async function waitForDisplay(container: Container): Promise<void> {
  if (hasScreen(container)) return;
  const { log, timing, ended } = container;
  await untilAborted(ended, timing.restart * 30);
  log(`${clock()}  ERROR: X server failed to start within 60 seconds`);
  throw new Exit(1);
}

function hasScreen({ env }: Container): boolean {
  const screen = env.VNC_SCREEN_DIMENSION || '1600x1200x24';
  return /^[1-9]\d*x[1-9]\d*x[1-9]\d*$/.test(screen);
}

function limits({ contract }: Container, name: string): { startSeconds: number; retries: number } {
  return contract.supervisor?.[name] ?? { startSeconds: 1, retries: 3 };
}

function clock(): string {
  return new Date().toISOString().replace('T', ' ').slice(0, 19);
}
