/** What supervisord runs in danklabs of 2025: display, IBC, VNC, relay, tunnel. */

import { type Container, type Running, startIbc } from '../container.ts';
import { Exit } from '../contract.ts';
import { reason } from '../files.ts';
import { listen } from '../listen.ts';
import { forward, socat as writeSocat } from '../relay.ts';
import { startVnc } from '../rfb.ts';
import { untilAborted } from '../waiting.ts';
import { startDanklabsSsh } from './danklabs-ssh.ts';
import type { Program } from './supervisord.ts';

/** start_xvfb; there is no display here, only whether there would be one. */
export function xvfb(container: Container): Program {
  const { env, log } = container;
  return {
    name: 'xvfb',
    ...limits(container, 'xvfb'),
    again: 'always',
    async run(signal) {
      const screen = env.VNC_SCREEN_DIMENSION || '1600x1200x16';
      log(`Starting Xvfb server. Using display: ${display(container)}`);
      log(`Starting virtual frame buffer. Screen dimension: ${screen}`);
      if (!/^\d+x\d+x\d+$/.test(screen)) {
        log(`Invalid screen configuration ${screen} for -screen 0`);
        return 1;
      }
      await untilAborted(signal);
      return 143;
    },
  };
}

/** start_ibc: IBC again and again, whatever it ends with. */
export function ibc(container: Container, half: Running): Program {
  const { contract, env, log } = container;
  return {
    name: 'ibc',
    ...limits(container, 'ibc'),
    again: 'always',
    async run(signal) {
      await waitForDisplay(container);
      log(`.> Starting IBC in ${env.TRADING_MODE ?? ''} mode, with params:`);
      const gateway = startIbc(container, {
        settings: contract.paths.settings,
        configIni: env.IBC_INI ?? '',
        heap: '',
      });
      half.gateway = gateway;
      signal.addEventListener('abort', () => gateway.terminate());
      return gateway.exited;
    },
  };
}

/** Half a minute, then start_ibc and start_vnc give up. */
async function waitForDisplay(container: Container): Promise<void> {
  const { env, log, timing, ended } = container;
  const screen = env.VNC_SCREEN_DIMENSION || '1600x1200x16';
  if (/^:\d+$/.test(display(container)) && /^\d+x\d+x\d+$/.test(screen)) return;
  await untilAborted(ended, timing.restart * 15);
  const why = /^:\d+$/.test(display(container))
    ? 'ERROR: X server failed to start within 60 seconds'
    : 'Could not find valid DISPLAY from xvfb';
  log(why);
  throw new Exit(1);
}

function display({ env }: Container): string {
  return env.DISPLAY || ':0';
}

export function vnc(container: Container): Program {
  const { contract, env, log, services } = container;
  return {
    name: 'x11vnc',
    ...limits(container, 'vnc'),
    again: 'always',
    async run(signal) {
      if (!env.VNC_PWD) {
        log('VNC password is not set (VNC_PWD). Will not start VNC.');
        return 1;
      }
      log('Found VNC password (VNC_PWD).');
      await waitForDisplay(container);
      if (!(await startVnc(container, env.VNC_PWD, contract.screen.port))) return 1;
      await untilAborted(signal);
      await services.get('vnc')?.close();
      return 143;
    },
  };
}

/** start_socat and run_socat: one of the two relays, that of the trading mode. */
export function socat(container: Container, half: Running): Program {
  const { contract, env, log, port, bind } = container;
  return {
    name: 'socat',
    ...limits(container, 'relay'),
    again: 'always',
    async run(signal) {
      const mode = env.TRADING_MODE;
      if (mode !== 'live' && mode !== 'paper') {
        log(`.> Invalid TRADING_MODE: ${mode ?? ''}`);
        return 1;
      }
      const { api, relay } = contract.ports[mode];
      log(`.> API_PORT set to: ${api}`);
      log(`.> SOCAT_PORT set to: ${relay}`);
      log(`.> Starting socat port forwarding from 0.0.0.0:${relay} to 127.0.0.1:${api}`);
      const upstream = () => half.gateway?.apiPort() ?? null;
      try {
        const listener = await listen(port(relay ?? 0), bind, (client) =>
          forward(client, { upstream, apiPort: api, log }),
        );
        half.relay = listener;
        await untilAborted(signal);
        await listener.close();
        return 143;
      } catch (error) {
        writeSocat(log, `E bind(5, {AF=2 0.0.0.0:${relay}}, 16): ${reason(error)}`);
        return 1;
      }
    },
  };
}

export function tunnel(container: Container): Program {
  return {
    name: 'ssh-tunnel',
    startSeconds: 0,
    retries: 3,
    again: 'never',
    run: () => startDanklabsSsh(container),
  };
}

function limits({ contract }: Container, name: string): { startSeconds: number; retries: number } {
  return contract.supervisor?.[name] ?? { startSeconds: 1, retries: 3 };
}
