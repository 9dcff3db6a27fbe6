/** The window that says that the user is logged in elsewhere (IBC's ExistingSessionDetectedDialogHandler). */

import { Exit } from './contract.ts';
import { opened } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';
import type { IbkrLine } from './ibkr/connect.ts';

export interface ExistingSessionOptions {
  settings: IbcSettings;
  /** Writes a line of IBC's log. */
  log: (message: string) => void;
}

/**
 * Tells IBKR what IBC chooses; with `manual` nobody does. Throws `Exit` 0 where this session ends.
 * @param attempted this process has met the window before
 */
export async function existingSession(
  { settings, log }: ExistingSessionOptions,
  line: IbkrLine,
  attempted: boolean,
): Promise<void> {
  opened(log, 'dialog', 'Existing session detected');
  const action = settings.text('ExistingSessionDetectedAction', 'manual').toLowerCase();
  const known = ['manual', 'primary', 'primaryoverride', 'secondary'].includes(action);
  if (!known) {
    log(`ExistingSessionDetectedAction has an invalid value: ${action}: assuming 'secondary'`);
  }
  switch (known ? action : 'secondary') {
    case 'manual':
      log('User must choose whether to continue with this session (scenario 1)');
      return;
    case 'secondary':
      log('End this session and let the other session proceed (scenario 2)');
      return end(line, log);
    default:
      if (attempted) {
        log(
          'Other session must be primary or primary override, so end this session and let the other one proceed (scenario 4)',
        );
        return end(line, log);
      }
      log("Don't know the type of the other session, so continue this one (scenario 3)");
      log('Click button: Continue Login');
      line.send({ type: 'existing-session', action: 'continue' });
  }
}

function end(line: IbkrLine, log: ExistingSessionOptions['log']): never {
  log('Click button: Exit Application');
  line.send({ type: 'existing-session', action: 'end' });
  throw new Exit(0, 'the other session goes on');
}
