/** The command server of one process of IBC: where its settings put it, and what its orders do. */

import { writeFileSync } from 'node:fs';
import type { ApiSocket } from './api-socket.ts';
import { type Channel, type Order, startCommandServer } from './command-server.ts';
import { Exit } from './contract.ts';
import { reason } from './files.ts';
import {
  type CleanUp,
  type GatewayState,
  type ProcessOptions,
  shutDown,
} from './gateway-process.ts';
import { say } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';

/** Without its port IBC goes on without a command server. */
export async function startCommands(
  options: ProcessOptions,
  state: GatewayState,
  settings: IbcSettings,
  { cleanUp, pauseFlag }: { cleanUp: CleanUp; pauseFlag: string },
): Promise<void> {
  const log = (message: string) => say(options, message);
  const forced = options.commandPort;
  const port = forced ?? settings.integer('CommandServerPort', 0);
  if (port === 0) {
    log('CommandServer is not started because the port is not configured');
    log('CommandServer is shutdown');
    return;
  }
  log(`CommandServer is starting with port ${port}`);
  // RESTART and PAUSE are one task of IBC's, STOP is another; each runs once in a process.
  const begun = new Set<string>();
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
      begin(order) {
        const task = order === 'STOP' ? order : 'RESTART';
        if (begun.has(task)) return false;
        begun.add(task);
        return true;
      },
      carryOut: (order, channel) => carryOut(order, { options, state, pauseFlag, channel }),
      enableApi: async () => (await loggedIn(state)).enable(),
    });
    state.commandPort = listener.port;
    let isOpen = true;
    state.closeCommands = async () => {
      if (!isOpen) return;
      isOpen = false;
      log('CommandServer closing');
      state.commandPort = null;
      log('CommandServer is shutdown');
      await listener.drain();
    };
    cleanUp.push(async () => {
      state.closeCommands = null;
      if (!isOpen) return;
      isOpen = false;
      state.commandPort = null;
      await listener.drain();
    });
    log('CommandServer started and is ready to accept commands');
  } catch {
    log('CommandServer failed to create socket');
    log('CommandServer cannot process commands');
    log('CommandServer is shutdown');
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

interface Task {
  options: ProcessOptions;
  state: GatewayState;
  pauseFlag: string;
  channel: Channel;
}

function carryOut(order: Order, task: Task): void {
  if (order === 'STOP') stop(task);
  else restart(order, task);
}

function stop({ options, state, channel }: Task): void {
  const log = (message: string) => say(options, message);
  channel.close();
  if (state.session === null) {
    void state.closeCommands?.();
    log('Login has not completed: exiting immediately');
    state.end(0);
    return;
  }
  const menu = options.product === 'tws' ? '[File, Exit]' : '[File, Close]';
  log(`Login has completed: exiting via ${menu} menu`);
  void shutDown(options, state, 'logged out');
}

/** The menu cannot be used before the login is complete: until then it waits, and so does the client. */
function restart(order: 'RESTART' | 'PAUSE', task: Task): void {
  const { options, state, pauseFlag, channel } = task;
  const log = (message: string) => say(options, message);
  if (order === 'PAUSE') {
    try {
      writeFileSync(options.locate(pauseFlag), '');
    } catch (error) {
      state.fail(new Exit(76, `An exception has occurred:\n${reason(error)}`));
      return;
    }
  }
  log('Getting main window');
  if (state.api !== null) log('Main window already found');
  const go = () => {
    if (!options.restartMenu) return setTheClock(order, task);
    channel.close();
    void shutDown(options, state, 'taken up again');
  };
  if (state.api === null) state.awaitingLogin.push(go);
  else go();
}

/** Without an item of that name in its menu the gateway is told to restart at the next full minute. */
function setTheClock(order: 'RESTART' | 'PAUSE', { options, state, channel }: Task): void {
  const log = (message: string) => say(options, message);
  const next = new Date(Math.ceil((Date.now() + 2000) / 60_000) * 60_000);
  const time = twelveHours(next);
  log(`Setting auto-restart time to ${time}`);
  log('Getting config dialog');
  log('Setting Auto restart time');
  log(`Auto restart time set to ${time}`);
  log('Configuration tasks completed');
  channel.say(`OK ${order} at ${time}`);
  channel.close();
  const { session } = state;
  setTimeout(() => {
    if (state.session === session) void shutDown(options, state, 'taken up again');
  }, next.getTime() - Date.now()).unref();
}

function twelveHours(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = time.getHours();
  return `${two(hours % 12 || 12)}:${two(time.getMinutes())} ${hours < 12 ? 'AM' : 'PM'}`;
}
