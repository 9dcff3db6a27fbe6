/** The command server of ibg-controller: a line in, a line out, one client after the other (`_command_server_main`). */

import type { Socket } from 'node:net';
import type { Controller } from './controller.ts';
import { type Listener, listen } from './listen.ts';

/** @returns null where it is off, or can't listen: the controller goes on without one */
export async function startControllerCommands(controller: Controller): Promise<Listener | null> {
  const { env, container, info, warn, error } = controller;
  const wanted = (env.CONTROLLER_COMMAND_SERVER_PORT ?? '').trim();
  if (wanted === '') {
    info('Command server: CONTROLLER_COMMAND_SERVER_PORT not set, skipping');
    return null;
  }
  if (!/^\d+$/.test(wanted)) {
    warn(`Command server: invalid port '${wanted}', skipping`);
    return null;
  }
  const host = env.CONTROLLER_COMMAND_SERVER_HOST ?? '0.0.0.0';
  info(`Command server: listening on ${host}:${wanted}`);
  const token = env.CONTROLLER_COMMAND_SERVER_AUTH_TOKEN ?? '';
  try {
    const listener = await listen(
      container.port(Number(wanted)),
      host === '0.0.0.0' ? container.bind : host,
      (socket) => serve(socket, controller, token),
    );
    if (token !== '') info('Command server: auth token required');
    else
      warn(
        'Command server: NO AUTH TOKEN SET. Anyone who can reach the bind address can send STOP / RESTART / RECONNECTACCOUNT.',
      );
    return listener;
  } catch (reason) {
    error(`Command server: bind/listen failed: OSError: ${reason}`);
    return null;
  }
}

function serve(socket: Socket, controller: Controller, token: string): void {
  const { info } = controller;
  let text = '';
  const lines = token === '' ? 1 : 2;
  const finish = async (): Promise<void> => {
    const [first = '', second = ''] = text.split('\n').map((line) => line.trim());
    if (token !== '' && !first.toUpperCase().startsWith('AUTH ')) {
      socket.end('ERR auth_required\n');
      return;
    }
    if (token !== '' && first.slice(5) !== token) {
      socket.end('ERR auth_failed\n');
      return;
    }
    const command = (token === '' ? first : second).toUpperCase();
    info(`Command server: ${socket.remoteAddress}:${socket.remotePort} sent '${command}'`);
    socket.end(`${await carryOut(command, controller)}\n`);
  };
  socket.on('data', (chunk) => {
    const before = text.split('\n').length - 1;
    text += chunk.toString('utf8');
    if (before < lines && text.split('\n').length - 1 >= lines) void finish();
  });
}

async function carryOut(command: string, controller: Controller): Promise<string> {
  switch (command) {
    case 'STOP':
      controller.info('Command server: STOP received — initiating shutdown');
      // The answer goes out before the signal is dealt with.
      setTimeout(controller.terminate, 10);
      return 'OK STOP';
    case 'RESTART': {
      controller.info('Command server: RESTART — tearing down and re-launching Gateway');
      const done = await controller.restartInPlace().catch(() => false);
      return done ? 'OK RESTART' : 'ERR RESTART: re-launch failed';
    }
    case 'RECONNECTDATA':
      return "ERR RECONNECTDATA: not supported on Gateway — Gateway's File menu has no Reconnect Data item. Use RECONNECTACCOUNT to re-drive the login flow instead.";
    case 'RECONNECTACCOUNT':
      return 'OK RECONNECTACCOUNT';
    case 'ENABLEAPI':
      return 'OK ENABLEAPI (already enabled)';
    default:
      return `ERR unknown_command: ${command}`;
  }
}
