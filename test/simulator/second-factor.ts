/** The second factor as IBC sees it (IBC's LoginManager). */

import type { BehaviourSwitch } from './behaviour.ts';
import type { IbcSettings } from './ibc-settings.ts';
import type { LoginOptions } from './login.ts';
import { pause } from './waiting.ts';

/**
 * Live logins ask for a second factor, paper logins do not, unless nobody is to answer it here.
 * `false`: it timed out and IBC logs in again.
 */
export async function secondFactor({
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
      pause(settings.integer('SecondFactorAuthenticationTimeout', 180), signal),
      untilNot(unanswered, behaviour, signal),
    ]);
    if (unanswered()) {
      log(`Duration since login: ${Math.round((Date.now() - started) / 1000)} seconds`);
      if (mayLogInAgain(settings)) {
        log('Re-login after second factor authentication timeout in 5 second');
        await pause(5, signal);
        return false;
      }
      log('Re-login after second factor authentication timeout not required');
      await untilNot(unanswered, behaviour, signal);
    }
  }
  if (mayLogInAgain(settings)) {
    const interval = settings.integer('SecondFactorAuthenticationExitInterval', 60);
    log(`If login has not completed, IBC will exit in ${interval} seconds`);
  }
  return true;
}

/** IBC's `reloginPermitted`; the older setting counts where the newer is left empty. */
export function mayLogInAgain(settings: IbcSettings): boolean {
  const key =
    settings.text('ReloginAfterSecondFactorAuthenticationTimeout') === ''
      ? 'ExitAfterSecondFactorAuthenticationTimeout'
      : 'ReloginAfterSecondFactorAuthenticationTimeout';
  return settings.flag(key, false);
}

async function untilNot(
  holds: () => boolean,
  behaviour: BehaviourSwitch,
  signal: AbortSignal,
): Promise<void> {
  while (holds()) await behaviour.changed(signal);
}
