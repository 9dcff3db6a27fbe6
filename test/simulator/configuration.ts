/** What IBC sets in the gateway's settings window once it is logged in (IBC's Configure… tasks). */

import type { ApiSocket } from './api-socket.ts';
import { Exit } from './contract.ts';
import { closed, opened } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';
import { isTwelveHourTime } from './ibc-times.ts';

export interface ConfigurationOptions {
  settings: IbcSettings;
  api: ApiSocket;
  /** The gateway's own API port in its mode. */
  port: number;
  /** Stands in the title of the window. */
  account: string;
  /** Write a line of IBC's log. */
  log: (message: string) => void;
  complain: (message: string) => void;
}

/** What needs the settings window: IBC's Configure… tasks that are asked for. */
function tasks(settings: IbcSettings): number {
  const keys = ['OverrideTwsApiPort', 'OverrideTwsMasterClientID', 'ReadOnlyApi'];
  const times = ['AutoRestartTime', 'AutoLogoffTime'];
  const asked = (key: string) => !['', '0'].includes(settings.text(key));
  const groups = [...keys.map((key) => [key]), times, Object.keys(BYPASSES)];
  return groups.filter((group) => group.some(asked)).length;
}

/** Each waits from the start on for the one window that they share. */
export function announceTasks(settings: IbcSettings, log: (message: string) => void): void {
  const count = tasks(settings);
  for (let task = 0; task < count; task++) {
    log('Getting config dialog');
    log(
      task === 0 ? 'Creating config dialog future' : 'Waiting for config dialog future to complete',
    );
  }
  if (count === 0) return;
  log('Getting main window');
  log('Creating main window future');
}

/** Throws `Exit` 81 for a bypass that is neither yes nor no. */
export async function configure(options: ConfigurationOptions): Promise<void> {
  const { account, log } = options;
  const simulated = account.startsWith('D') ? ' (Simulated Trading)' : '';
  const title = `${account} Trader Workstation Configuration${simulated}`;
  opened(log, 'dialog', title);
  log('Got config dialog from future');
  await setPort(options);
  setMasterClient(options);
  setReadOnly(options);
  setAutoTime(options);
  checkBypasses(options);
  log('Configuration tasks completed');
  log('Click button: OK');
  closed(log, 'dialog', title);
}

async function setPort({ settings, api, port: own, log }: ConfigurationOptions): Promise<void> {
  const wanted = settings.integer('OverrideTwsApiPort', 0);
  if (wanted === 0) return;
  const current = api.keptPort ?? own;
  log('Performing port configuration');
  if (current === wanted) {
    log(`TWS API socket port is already set to ${current}`);
    return;
  }
  log(`TWS API socket port was set to ${current}`);
  await api.setPort(wanted);
  log(`TWS API socket port now set to ${wanted}`);
}

function setMasterClient({ settings, log }: ConfigurationOptions): void {
  const id = settings.text('OverrideTwsMasterClientID');
  if (id === '') return;
  log('Performing master client ID configuration');
  log(`Master Client ID now set to ${id}`);
}

function setReadOnly({ settings, api, log }: ConfigurationOptions): void {
  if (settings.text('ReadOnlyApi') === '') return;
  const wanted = settings.flag('ReadOnlyApi', true);
  log('Setting ReadOnlyApi');
  log(`Read-Only API checkbox is ${api.readOnly === wanted ? 'already' : 'now'} set to: ${wanted}`);
  api.setReadOnly(wanted);
}

function setAutoTime({ settings, log, complain }: ConfigurationOptions): void {
  const restart = settings.text('AutoRestartTime');
  const logoff = settings.text('AutoLogoffTime');
  const action = restart === '' ? 'Auto logoff' : 'Auto restart';
  const time = restart === '' ? logoff : restart;
  if (time === '') return;
  if (restart !== '' && logoff !== '') {
    log('AutoLogoffTime is ignored because AutoRestartTime is also set');
  }
  log(`Setting ${action} time`);
  if (isTwelveHourTime(time)) log(`${action} time set to ${time}`);
  else {
    const example = 'for example "09:30 AM" or "04:00 PM"';
    complain(`${action} time setting must be hh:mm AM or hh:mm PM, ${example}`);
  }
}

/** When the gateway ends by its own clock, and how; null: it never does. A restart goes before a logoff. */
export function ownTime(
  settings: IbcSettings,
): { time: string; how: 'taken up again' | 'logged out' } | null {
  const restart = settings.text('AutoRestartTime');
  const time = restart === '' ? settings.text('AutoLogoffTime') : restart;
  if (!isTwelveHourTime(time)) return null;
  return { time, how: restart === '' ? 'logged out' : 'taken up again' };
}

/** IBC's order, with the names of its checkboxes. */
const BYPASSES: Readonly<Record<string, string>> = {
  BypassOrderPrecautions: 'Bypass Order Precautions for API Orders',
  BypassBondWarning: 'Bypass Bond warning for API Orders.',
  BypassNegativeYieldToWorstConfirmation:
    'Bypass negative yield to worst confirmation for API Orders.',
  BypassCalledBondWarning: 'Bypass Called Bond warning for API Orders',
  BypassSameActionPairTradeWarning: 'Bypass "same action pair trade" warning for API orders.',
  BypassPriceBasedVolatilityRiskWarning:
    'Bypass price-based volatility risk warning for API Orders.',
  BypassUSStocksMarketDataInSharesWarning:
    'Bypass US Stocks market data in shares warning for API Orders',
  BypassRedirectOrderWarning: 'Bypass Redirect Order warning for Stock API Orders',
  BypassNoOverfillProtectionPrecaution:
    'Bypass No Overfill Protection precaution for destinations where implied natively.',
};

function checkBypasses({ settings, log }: ConfigurationOptions): void {
  for (const [key, checkbox] of Object.entries(BYPASSES)) {
    const value = settings.text(key).toLowerCase();
    if (!['', 'yes', 'no'].includes(value)) {
      throw new Exit(81, `Invalid setting value for '${checkbox}'`);
    }
    if (value !== '') log(`'${checkbox}' is now ${value === 'yes' ? 'selected' : 'unselected'}`);
  }
}
