/**
 * The login as IBC sees it, from the gateway's window to `Login has completed`. It ends by
 * resolving (logged in), by throwing `Exit` (IBC ends), or never (a window waits for somebody).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { BehaviourSwitch } from './behaviour.ts';
import { Exit, type Mode } from './contract.ts';
import type { IbcSettings } from './ibc-settings.ts';
import { mayLogInAgain, secondFactor } from './second-factor.ts';
import { forever, pause } from './waiting.ts';

export interface LoginOptions {
  product: string;
  mode: Mode;
  settings: IbcSettings;
  behaviour: BehaviourSwitch;
  timing: Timing;
  /** Logins fail where the password read is another; `null`: every password is right. */
  expectedPassword: string | null;
  /** Failed logins so far, over all starts of the process: IBKR counts them. */
  failures: { count: number; lockOutAfter: number };
  /** Writes a line of IBC's log. */
  log: (message: string) => void;
  signal: AbortSignal;
}

/** All in seconds. */
export interface Timing {
  login: number;
  twoFactor: number;
  /** Between two starts of the gateway; what else waits before another try takes its part of it. */
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

export async function logIn(options: LoginOptions): Promise<void> {
  const { product, mode, settings, behaviour, log, signal } = options;
  const title = product === 'tws' ? 'Login' : 'IBKR Gateway';
  log(`detected frame entitled: ${title}; event=Opened`);
  log('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT');
  log(`Setting Trading mode = ${mode}`);
  log('Setting user name');
  log('Setting password');
  if (settings.text('IbLoginId') === '' || settings.text('IbPassword') === '') {
    await forever(signal);
  }

  for (let attempt = 1; ; attempt++) {
    log(`Login attempt: ${attempt}`);
    log(`Click button: ${mode === 'paper' ? 'Paper Log In' : 'Log In'}`);
    const { current } = behaviour;
    const half = (current.kind === 'slow-login' ? current.seconds : options.timing.login) / 2;
    await pause(half, signal);
    if (current.kind === 'exit') throw new Exit(current.status, 'IBC ends as it was told to');
    if (isLockedOut(options)) await lockedOut(options);
    else if (isRefused(options)) refuse(options);
    await existingSession(options);
    if (await secondFactor(options)) {
      await pause(half, signal);
      log('Login has completed');
      await paperWarning(options);
      return;
    }
  }
}

function isLockedOut({ behaviour, failures }: LoginOptions): boolean {
  return behaviour.current.kind === 'lock-out' || failures.count >= failures.lockOutAfter;
}

function isRefused({ behaviour, expectedPassword, settings }: LoginOptions): boolean {
  if (behaviour.current.kind === 'wrong-password') return true;
  // The user of IBC's own sample has no account.
  if (settings.text('IbLoginId') === 'edemo') return true;
  return expectedPassword !== null && settings.text('IbPassword') !== expectedPassword;
}

/** A wrong password is not seen outside: IBC restarts itself and tries again. */
function refuse({ failures, log }: LoginOptions): never {
  failures.count++;
  log('detected dialog entitled: Login failed; event=Opened');
  log('Login failed');
  log('Cold restart in progress');
  log('Click button: OK');
  log('Login has not completed: exiting immediately');
  throw new ColdRestart();
}

/** The dialog stays; where IBC may log in again it does so after the time it names. */
async function lockedOut({
  settings,
  behaviour,
  failures,
  log,
  signal,
}: LoginOptions): Promise<void> {
  log(
    'Too many failed login attempts. Please wait 4 minutes & 47 seconds before attempting to re-login again.',
  );
  if (mayLogInAgain(settings)) {
    const again = await Promise.race([
      sleep(290_000, 'later', { signal }),
      behaviour.changed(signal).then(() => 'changed'),
    ]);
    log(`the lock is over: ${again}`);
  } else {
    while (behaviour.current.kind !== 'normal') await behaviour.changed(signal);
  }
  failures.count = 0;
}

async function existingSession({ settings, behaviour, log, signal }: LoginOptions): Promise<void> {
  if (behaviour.current.kind !== 'existing-session') return;
  log('detected dialog entitled: Existing session detected; event=Opened');
  const action = settings.text('ExistingSessionDetectedAction', 'manual').toLowerCase();
  const known = ['manual', 'primary', 'primaryoverride', 'secondary'].includes(action);
  if (!known) {
    log(`ExistingSessionDetectedAction has an invalid value: ${action}: assuming 'secondary'`);
  }
  switch (known ? action : 'secondary') {
    case 'manual':
      log('User must choose whether to continue with this session (scenario 1)');
      while (behaviour.current.kind === 'existing-session') await behaviour.changed(signal);
      return;
    case 'secondary':
      log('End this session and let the other session proceed (scenario 2)');
      throw new Exit(0, 'the other session goes on');
    default:
      log("Don't know the type of the other session, so continue this one (scenario 3)");
  }
}

/** Paper's first dialog: nothing goes on behind it until it is answered. */
async function paperWarning({ mode, settings, log, signal }: LoginOptions): Promise<void> {
  if (mode === 'live') return;
  log('detected dialog entitled: Warning; event=Opened');
  if (!settings.flag('AcceptNonBrokerageAccountWarning', true)) await forever(signal);
  log('Click button: I understand and accept');
}
