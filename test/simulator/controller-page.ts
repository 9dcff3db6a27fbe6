/** The page of ibg-controller's health: `/health` (200 or 503, always the same JSON) and `/ready`. */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CONTROLLER_VERSION, type Controller } from './controller.ts';
import type { Listener } from './listen.ts';

/** @returns null where it is off, or can't listen: the controller goes on without one */
export async function startControllerPage(controller: Controller): Promise<Listener | null> {
  const { env, container, info, warn, error } = controller;
  const wanted = (env.CONTROLLER_HEALTH_SERVER_PORT ?? '').trim();
  if (wanted === '') {
    info('Health server: CONTROLLER_HEALTH_SERVER_PORT not set, skipping');
    return null;
  }
  if (!/^\d+$/.test(wanted)) {
    warn(`Health server: invalid port '${wanted}', skipping`);
    return null;
  }
  const host = env.CONTROLLER_HEALTH_SERVER_HOST ?? '0.0.0.0';
  const started = Date.now();
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/health') {
      const health = snapshot(controller, started);
      send(response, health.status === 'healthy' ? 200 : 503, health);
    } else if (path === '/ready') send(response, 200, { status: 'up' });
    else send(response, 404, { error: 'not_found' });
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(
        container.port(Number(wanted)),
        host === '0.0.0.0' ? container.bind : host,
        resolve,
      );
    });
  } catch (reason) {
    error(`Health server: bind/listen failed: OSError: ${reason}`);
    return null;
  }
  info(`Health server: listening on ${host}:${wanted} (GET /health, /ready)`);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, close, drain: close };
}

function snapshot(controller: Controller, started: number) {
  const { mode, container, api } = controller;
  const ports = container.contract.ports[mode];
  const state = controller.state();
  const open = api.port !== null;
  const at = controller.lastLogin();
  const half = container.running.find((it) => it.mode === mode);
  return {
    status: state === 'MONITORING' && open && controller.alive() ? 'healthy' : 'unhealthy',
    version: CONTROLLER_VERSION,
    mode,
    state,
    jvm_pid: controller.alive() ? 66 : null,
    jvm_alive: controller.alive(),
    api_port: ports.api,
    api_port_open: open,
    socat_port: ports.relay,
    socat_port_open: half?.relay != null,
    last_auth_success_ts: at === null ? null : at / 1000,
    last_auth_success_age_seconds: at === null ? null : (Date.now() - at) / 1000,
    ccp_lockout_streak: controller.lockouts(),
    ccp_backoff_seconds: controller.lockouts() === 0 ? 0 : 60,
    uptime_seconds: (Date.now() - started) / 1000,
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
