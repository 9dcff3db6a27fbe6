/**
 * The login as IBC sees it, from the gateway's window to `Login has completed`. It ends by
 * resolving (logged in), by throwing `Exit` (IBC ends), or never (a window waits for somebody).
 */

import type { BehaviourSwitch } from './behaviour.ts';
import { Exit, type Mode } from './contract.ts';
import { existingSession } from './existing-session.ts';
import { behind, closed, opened } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';
import { tradingMode } from './ibc-start.ts';
import type { Connect, IbkrLine } from './ibkr/connect.ts';
import type { FromIbkr, Greeting } from './ibkr/protocol.ts';
import { chooseDevice, mayLogInAgain, SecondFactor } from './second-factor.ts';
import { forever, pause } from './waiting.ts';
import { wishOf } from './wishes.ts';

export interface LoginOptions {
  product: string;
  settings: IbcSettings;
  behaviour: BehaviourSwitch;
  timing: Timing;
  connect: Connect;
  /** Logins fail where the password read is another; `null`: every password is right. */
  expectedPassword: string | null;
  lockOutAfter: number;
  /** Write a line of IBC's log. */
  log: (message: string) => void;
  complain: (message: string) => void;
  signal: AbortSignal;
}

/** All in seconds. */
export interface Timing {
  /** From the start of Java to the login window. */
  start: number;
  login: number;
  twoFactor: number;
  /** Until IBKR gives a second factor up; `null`: as IBC's setting says. */
  twoFactorTimeout: number | null;
  /** Until IBC gives the login window up; `null`: as its setting says. */
  window: number | null;
  /** How long the gateway takes to shut down by itself. */
  shutdown: number;
  /** How long Java takes to die when the display is gone. */
  stop: number;
  /** Until the display is there. */
  screen: number;
  /** What waits before another try takes its part of it. */
  restart: number;
  secondStart: number;
  /** How long a supervised program has to stay up; `null`: as the contract says. */
  supervised: number | null;
}

/** IBC asks for a cold restart by ending with this as its reason. */
export class ColdRestart extends Exit {
  constructor() {
    super(0, 'cold restart');
  }
}

/** A session with IBKR, and for whom. */
export interface LoggedIn {
  line: IbkrLine;
  mode: Mode;
}

/** The first window. Throws `Exit` 88 where it takes longer than IBC waits. */
export async function awaitWindow(options: LoginOptions, isResumed: boolean): Promise<void> {
  const { behaviour, timing, settings, signal, log, product } = options;
  const { current } = behaviour;
  const limit = timing.window ?? settings.integer('LoginDialogDisplayTimeout', 60);
  const never = current.kind === 'no-window';
  const seconds = current.kind === 'slow-start' ? current.seconds : timing.start;
  // Without a login IBC does not watch over it.
  if (never && isResumed) await forever(signal);
  await pause(never ? limit : Math.min(seconds, isResumed ? seconds : limit), signal);
  if (!isResumed && (never || seconds > limit)) {
    throw new Exit(88, 'IBC closing after TWS/Gateway failed to display login dialog');
  }
  opened(log, 'frame', titleOf(product));
  log('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT');
}

export async function logIn(options: LoginOptions): Promise<LoggedIn> {
  const { settings, signal } = options;
  for (let attempt = 1; ; attempt++) {
    const mode = fillIn(options);
    if (settings.text('IbLoginId') === '' || settings.text('IbPassword') === '') {
      await forever(signal);
    }
    const line = await tryOnce(options, mode, attempt);
    if (line !== null) return { line, mode };
  }
}

/** IBC's initialise and setFields. */
function fillIn({ product, settings, log }: LoginOptions): Mode {
  const mode = tradingMode(settings);
  if (product === 'gateway') log('Clicking IB API selector');
  log(`trading mode from settings: tradingMode=${mode}`);
  log(`Setting Trading mode = ${mode}`);
  log('Setting user name');
  log('Setting password');
  return mode;
}

/** `null`: IBC logs in again, from the fields on. */
async function tryOnce(
  options: LoginOptions,
  mode: Mode,
  attempt: number,
): Promise<IbkrLine | null> {
  const { product, settings, behaviour, timing, log, signal } = options;
  log(`Login attempt: ${attempt}`);
  log(`trading mode from settings: tradingMode=${mode}`);
  log(`Click button: ${mode === 'paper' ? 'Paper Log In' : 'Log In'}`);
  behind(log, 'frame', titleOf(product));
  if (product === 'gateway' && attempt === 1) {
    opened(log, 'frame', 'Loading...');
    mainWindow(log);
    behind(log, 'frame', 'Loading...');
  }
  opened(log, 'frame', 'Authenticating...');
  const { current } = behaviour;
  const half = (current.kind === 'slow-login' ? current.seconds : timing.login) / 2;
  await pause(half, signal);
  if (current.kind === 'exit') throw new Exit(current.status, 'IBC ends as it was told to');
  const line = await connectTo(options, {
    type: 'login',
    user: settings.text('IbLoginId'),
    password: settings.text('IbPassword'),
    mode,
  });
  const isIn = await untilLoggedIn(options, line, attempt);
  if (!isIn) {
    line.close();
    return null;
  }
  await pause(half, signal);
  return line;
}

/** The gateway's main window is there long before the login is complete. */
function mainWindow(log: LoginOptions['log']): void {
  log('Found Gateway main window');
  log('Got main window from future');
  log('Invoking config dialog menu');
}

/** A line on which the first message is sent. Where IBKR cannot be reached, what follows from that. */
export async function connectTo(options: LoginOptions, greeting: Greeting): Promise<IbkrLine> {
  const { connect, behaviour, signal } = options;
  const wish = () => wishOf({ ...options, behaviour: behaviour.current });
  const line = await connect();
  if (line === null) return failToConnect(options);
  line.send({ ...greeting, wish: wish() });
  const stop = behaviour.listen(() => line.send({ type: 'wish', wish: wish() }));
  const end = () => line.close();
  // Its process is gone: so is its connection.
  signal.addEventListener('abort', end);
  line.closed.addEventListener('abort', () => {
    stop();
    signal.removeEventListener('abort', end);
  });
  return line;
}

/** The gateway says it in a window that IBC answers with a cold restart; TWS has another. */
async function failToConnect({ product, log, signal }: LoginOptions): Promise<never> {
  opened(log, 'dialog', product === 'tws' ? 'Login' : 'IBKR Gateway');
  if (product === 'tws') await forever(signal);
  log('Connection to server failed: Server disconnected, please try again');
  return coldRestart(log);
}

/** `false`: IBC logs in again. */
async function untilLoggedIn(
  options: LoginOptions,
  line: IbkrLine,
  attempt: number,
): Promise<boolean> {
  const factor = new SecondFactor(options);
  let sessions = 0;
  for (;;) {
    const message = await factor.next(line);
    if (message === null) return failToConnect(options);
    switch (message.type) {
      case 'refused':
        return refuse(options, message);
      case 'locked-out':
        return lockedOut(options, message.text, attempt);
      case 'existing-session':
        await existingSession(options, line, ++sessions > 1);
        break;
      case 'devices':
        await chooseDevice(options, line, message.devices);
        break;
      case 'second-factor':
        factor.asked();
        break;
      case 'second-factor-over':
        if ((await factor.over(message.how)) === 'again') return false;
        break;
      case 'logged-in':
        return true;
    }
  }
}

/** A wrong password is not seen outside: IBC starts the gateway again at once, where it knows the window. */
async function refuse(
  { log, signal }: LoginOptions,
  { refusal, text }: FromIbkr & { type: 'refused' },
): Promise<never> {
  switch (refusal) {
    case 'unrecognized':
      opened(log, 'dialog', 'Unrecognized Username or Password');
      return forever(signal);
    case 'login-error':
      return loginError(log, text);
    case 'login-failed':
      opened(log, 'dialog', 'Login failed');
      log('Login failed');
      return coldRestart(log);
  }
}

/** IBC's LoginErrorDialogHandler. */
export function loginError(log: LoginOptions['log'], text: string): never {
  opened(log, 'dialog', 'Login Error');
  log(`Login error message:\n${text}`);
  return coldRestart(log);
}

function coldRestart(log: LoginOptions['log']): never {
  log('Cold restart in progress');
  log('Click button: OK');
  log('Login has not completed: exiting immediately');
  throw new ColdRestart();
}

/** The window stays; where IBC may log in again it does so after the time that the window names. */
async function lockedOut(
  { settings, log, signal }: LoginOptions,
  text: string,
  attempt: number,
): Promise<false> {
  opened(log, 'dialog', 'Login');
  log(text);
  if (!mayLogInAgain(settings)) await forever(signal);
  const [, minutes = '0', seconds = '0'] =
    /wait (?:(\d+) minutes? & )?(\d+) seconds?/.exec(text) ?? [];
  const wait = Number(minutes) * 60 + Number(seconds) + 3;
  const time = new Date(Date.now() + wait * 1000).toISOString().replace('T', ' ').slice(0, 19);
  log(`Will re-login at ${time}; login number: ${attempt + 1}`);
  log('Click button: OK');
  await pause(wait, signal);
  return false;
}

/** What IBC takes for the end of the login, and paper's first dialog. */
export async function complete(options: LoginOptions, mode: Mode): Promise<void> {
  const { product, log } = options;
  if (product === 'tws') {
    opened(log, 'frame', 'Interactive Brokers');
    log('Found TWS main window');
    log('Login has completed');
    log('Got main window from future');
    log('Invoking config dialog menu');
  } else {
    closed(log, 'frame', 'Starting application...');
    log('Login has completed');
  }
  await paperWarning(options, mode);
}

/** Nothing goes on behind it until it is answered. */
async function paperWarning({ settings, log, signal }: LoginOptions, mode: Mode): Promise<void> {
  if (mode === 'live') return;
  opened(log, 'dialog', 'Warning');
  if (!settings.flag('AcceptNonBrokerageAccountWarning', true)) await forever(signal);
  log('Click button: I understand and accept');
  closed(log, 'dialog', 'Warning');
}

function titleOf(product: string): string {
  return product === 'tws' ? 'Login' : 'IBKR Gateway';
}
