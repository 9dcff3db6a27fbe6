/** The second factor as IBC sees it (IBC's SecondFactorAuthenticationDialogHandler and LoginManager). */

import { Exit } from './contract.ts';
import { closed, opened } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';
import type { IbkrLine } from './ibkr/connect.ts';
import type { FromIbkr } from './ibkr/protocol.ts';
import type { LoginOptions } from './login.ts';
import { forever, pause } from './waiting.ts';

const TITLE = 'Second Factor Authentication';

/** The window from its opening on, and what IBC lets follow its end. */
export class SecondFactor {
  readonly #options: LoginOptions;
  /** When IBC took the login to have begun, milliseconds. */
  #since = Date.now();
  /** When IBC ends because the login has not completed; `null`: it does not. */
  #exitAt: number | null = null;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  asked(): void {
    const { log } = this.#options;
    opened(log, 'dialog', TITLE);
    log('Second Factor Authentication initiated');
  }

  /** The window has closed; `again`: IBC logs in anew. */
  async over(
    how: (FromIbkr & { type: 'second-factor-over' })['how'],
  ): Promise<'again' | 'goes on'> {
    const { settings, timing, log, signal } = this.#options;
    closed(log, 'dialog', TITLE);
    const timeout = settings.integer('SecondFactorAuthenticationTimeout', 180);
    const passed = Math.floor((Date.now() - this.#since) / 1000);
    // Where IBKR's patience is shortened for a test, IBC's clock is too.
    const shortened = how === 'timed-out' && timing.twoFactorTimeout !== null;
    const seconds = shortened ? Math.max(passed, timeout) : passed;
    log(`Duration since login: ${seconds} seconds`);
    if (seconds < timeout) {
      if (!mayLogInAgain(settings)) return 'goes on';
      const interval = settings.integer('SecondFactorAuthenticationExitInterval', 60);
      log(`If login has not completed, IBC will exit in ${interval} seconds`);
      this.#exitAt = Date.now() + interval * 1000;
      return 'goes on';
    }
    if (!mayLogInAgain(settings)) {
      log('Re-login after second factor authentication timeout not required');
      return 'goes on';
    }
    log('Re-login after second factor authentication timeout in 5 second');
    await pause(timing.restart * 2.5, signal);
    return 'again';
  }

  /** IBKR's next message. Throws `Exit` 87 where IBC gives the login up before it comes. */
  async next(line: IbkrLine): Promise<FromIbkr | null> {
    if (this.#exitAt === null) return line.next();
    const answered = new AbortController();
    const signal = AbortSignal.any([answered.signal, this.#options.signal]);
    const seconds = Math.max(0, this.#exitAt - Date.now()) / 1000;
    const late = pause(seconds, signal).then(() => 'late' as const);
    // Once a message is there nobody waits for it any more.
    late.catch(() => undefined);
    const first = await Promise.race([line.next(), late]);
    answered.abort();
    if (first !== 'late') return first;
    const why = 'login has not completed after Second Factor Authentication';
    throw new Exit(87, `IBC closing because ${why}`);
  }
}

/** With several devices a second window comes first, in which one of them is chosen. */
export async function chooseDevice(
  { settings, log, complain, signal }: LoginOptions,
  line: IbkrLine,
  devices: readonly string[],
): Promise<void> {
  opened(log, 'dialog', TITLE);
  const wanted = settings.text('SecondFactorDevice');
  if (wanted === '') {
    complain(
      'You should specify the required second factor device using the SecondFactorDevice setting in config.ini',
    );
    await forever(signal);
  }
  if (!devices.includes(wanted)) {
    complain(`could not find second factor device '${wanted}' in the list`);
    await forever(signal);
  }
  log('Click button: OK');
  line.send({ type: 'device', device: wanted });
}

/** IBC's `reloginPermitted`; the older setting counts where the newer is left empty. */
export function mayLogInAgain(settings: IbcSettings): boolean {
  const key =
    settings.text('ReloginAfterSecondFactorAuthenticationTimeout') === ''
      ? 'ExitAfterSecondFactorAuthenticationTimeout'
      : 'ReloginAfterSecondFactorAuthenticationTimeout';
  return settings.flag(key, false);
}
