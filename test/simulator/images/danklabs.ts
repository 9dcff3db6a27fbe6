/** danklabs of 2025, as documented: supervisord with IBC, VNC, relay and tunnel. */

import { readFileSync, writeFileSync } from 'node:fs';
import type { Container, Running } from '../container.ts';
import { Exit, type Mode } from '../contract.ts';
import { reason } from '../files.ts';
import type { Boot } from '../simulator.ts';
import { expand } from '../templates.ts';
import { ibc, socat, tunnel, vnc, xvfb } from './danklabs-programs.ts';
import { startSupervisorPage } from './supervisor-page.ts';
import { type Supervisor, say, supervise } from './supervisord.ts';

export function bootDanklabs(container: Container): Boot {
  const { contract, env, log, timing, ended } = container;
  const terminated = new AbortController();
  const signal = AbortSignal.any([terminated.signal, ended]);
  let supervisor: Supervisor | null = null;

  async function run(): Promise<number> {
    renderConfig(container);
    const mode: Mode = env.TRADING_MODE === 'live' ? 'live' : 'paper';
    const half: Running = { mode, relay: null, gateway: null };
    container.running.push(half);
    const programs = [xvfb(container), ibc(container, half), vnc(container)];
    if (hasRelay(container)) programs.push(socat(container, half));
    if (isTunnelled(container)) programs.push(tunnel(container));
    await openPage();
    supervisor = supervise({
      programs,
      log,
      signal,
      unexpected: 'INFO',
      backoffSeconds: timing.restart / 2,
      startSeconds: timing.supervised,
    });
    await supervisor.ended;
    return contract.container.stop.status;
  }

  async function openPage(): Promise<void> {
    const port = Number(env.SUPERVISORD_UI_PORT || 0);
    if (port === 0) return;
    const user = env.SUPERVISORD_UI_USER ?? '';
    const why = await startSupervisorPage(container, {
      port,
      user,
      password: env.SUPERVISORD_UI_PASS ?? '',
      states: () => supervisor?.states() ?? [],
    });
    const server = "Server 'inet_http_server'";
    if (why !== null) {
      log(`Error: Cannot open an HTTP server: socket.error reported ${why}`);
      throw new Exit(2);
    }
    if (user === '') say(log, 'CRIT', `${server} running without any HTTP authentication checking`);
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

/**
 * init_container_settings: ibc.ini in its place. jts.ini stays as the image, or the volume, has it. Where
 * it cannot write, IBC starts with what is there.
 */
function renderConfig({ contract, env, locate, log }: Container): void {
  const path = contract.paths.configIni;
  try {
    const template = readFileSync(locate(path), 'utf8');
    writeFileSync(locate(path), expand(template, env, { emptyCounts: true }));
    log(`Configuring supervisord with: UI=${Boolean(env.SUPERVISORD_UI_PORT)}`);
  } catch (error) {
    log(`OSError: ${reason(error)}: '${path}'`);
  }
}

function hasRelay({ env }: Container): boolean {
  const socat = (env.ENABLE_SOCAT ?? 'yes').toLowerCase();
  return socat !== 'no' && (env.SSH_TUNNEL ?? '').toLowerCase() !== 'yes';
}

function isTunnelled({ env }: Container): boolean {
  return ['yes', 'both'].includes((env.SSH_TUNNEL ?? '').toLowerCase());
}
