/**
 * The login as IBC sees it, from the gateway's window to `Login has completed`. It ends by
 * resolving (logged in), by throwing `Exit` (IBC ends), or never (a window waits for somebody).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { BehaviourSwitch } from './behaviour.ts';
import { Exit, type Mode } from './contract.ts';
import type { IbcSettings } from './ibc-settings.ts';

export interface LoginOptions {
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
  restart: number;
  secondStart: number;
}

/** IBC asks for a cold restart by ending with this as its reason. */
export class ColdRestart extends Exit {
  constructor() {
    super(0, 'cold restart');
  }
}

export async function logIn(options: LoginOptions): Promise<void> {
  const { mode, settings, behaviour, log, signal } = options;
  log('detected frame entitled: IBKR Gateway; event=Opened');
  log('Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT');
  log(`Setting Trading mode = ${mode}`);
  log('Setting user name');
  log('Setting password');
  if (settings.user === '' || settings.password === '') await forever(signal);

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
      return;
    }
  }
}

function isLockedOut({ behaviour, failures }: LoginOptions): boolean {
  return behaviour.current.kind === 'lock-out' || failures.count >= failures.lockOutAfter;
}

function isRefused({ behaviour, expectedPassword, settings }: LoginOptions): boolean {
  if (behaviour.current.kind === 'wrong-password') return true;
  return expectedPassword !== null && settings.password !== expectedPassword;
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
  if (settings.relogin) {
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
  switch (settings.existingSession) {
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

/**
 * Live logins ask for a second factor, paper logins do not, unless nobody is to answer it here.
 * `false`: it timed out and IBC logs in again.
 */
async function secondFactor({
  mode,
  settings,
  behaviour,
  timing,
  log,
  signal,
}: LoginOptions): Promise<boolean> {
  const unanswered = () => behaviour.current.kind === 'no-login';
  if (mode === 'paper' && !unanswered()) return true;
  log('Second Factor Authentication initiated');
  if (!unanswered()) {
    await pause(timing.twoFactor, signal);
  } else {
    const started = Date.now();
    await Promise.race([
      pause(settings.twoFactorTimeout, signal),
      untilNot(unanswered, behaviour, signal),
    ]);
    if (unanswered()) {
      log(`Duration since login: ${Math.round((Date.now() - started) / 1000)} seconds`);
      if (settings.relogin) {
        log('Re-login after second factor authentication timeout in 5 second');
        await pause(5, signal);
        return false;
      }
      log('Re-login after second factor authentication timeout not required');
      await untilNot(unanswered, behaviour, signal);
    }
  }
  if (settings.relogin) {
    log(`If login has not completed, IBC will exit in ${settings.exitInterval} seconds`);
  }
  return true;
}

async function untilNot(
  holds: () => boolean,
  behaviour: BehaviourSwitch,
  signal: AbortSignal,
): Promise<void> {
  while (holds()) await behaviour.changed(signal);
}

export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal });
}

/** A window that waits for somebody who never comes. */
async function forever(signal: AbortSignal): Promise<never> {
  for (;;) await sleep(2 ** 30, undefined, { signal });
}
