/** The command server of one process of IBC: where its settings put it, and what its orders do. */

import type { ApiSocket } from './api-socket.ts';
import { startCommandServer } from './command-server.ts';
import type { CleanUp, GatewayState, ProcessOptions } from './gateway-process.ts';
import { say } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';

/** Without its port IBC goes on without a command server. */
export async function startCommands(
  options: ProcessOptions,
  state: GatewayState,
  settings: IbcSettings,
  cleanUp: CleanUp,
): Promise<void> {
  const log = (message: string) => say(options, message);
  const forced = options.commandPort;
  const port = forced ?? settings.integer('CommandServerPort', 0);
  if (port === 0) {
    log('CommandServer is not started because the port is not configured');
    return;
  }
  log(`CommandServer is starting with port ${port}`);
  try {
    const listener = await startCommandServer({
      port: options.anyPort ? 0 : port,
      bindAddress: forced === null ? settings.text('BindAddress') : '127.0.0.1',
      everywhere: options.everywhere,
      controlFrom: settings.text('ControlFrom'),
      prompt: settings.text('CommandPrompt'),
      quiet: settings.flag('SuppressInfoMessages', true),
      product: options.product,
      log,
      carryOut: (order) =>
        order === 'STOP' ? stop(options, state) : state.softRestart(order === 'PAUSE'),
      enableApi: async () => (await loggedIn(state)).enable(),
    });
    state.commandPort = listener.port;
    cleanUp.push(async () => {
      state.commandPort = null;
      await listener.drain();
    });
    log('CommandServer started and is ready to accept commands');
  } catch {
    log('CommandServer failed to create socket');
    log('CommandServer cannot process commands');
  }
}

/** The API socket, once there is one; never where the process ends before its login is complete. */
function loggedIn(state: GatewayState): Promise<ApiSocket> {
  const { api } = state;
  if (api !== null) return Promise.resolve(api);
  return new Promise((resolve) => {
    state.awaitingLogin.push(resolve);
  });
}

function stop(options: ProcessOptions, state: GatewayState): void {
  const menu = options.product === 'tws' ? '[File, Exit]' : '[File, Close]';
  say(
    options,
    state.api === null
      ? 'Login has not completed: exiting immediately'
      : `Login has completed: exiting via ${menu} menu`,
  );
  state.end(0);
}
