/** What IBC sets in the gateway's settings window once it is logged in (IBC's Configure… tasks). */

import type { ApiSocket } from './api-socket.ts';
import { Exit } from './contract.ts';
import type { IbcSettings } from './ibc-settings.ts';
import { isTwelveHourTime } from './ibc-times.ts';

export interface ConfigurationOptions {
  settings: IbcSettings;
  api: ApiSocket;
  /** The gateway's own API port in its mode. */
  port: number;
  /** Write a line of IBC's log. */
  log: (message: string) => void;
  complain: (message: string) => void;
}

/** Throws `Exit` 81 for a bypass that is neither yes nor no. */
export async function configure(options: ConfigurationOptions): Promise<void> {
  await setPort(options);
  setMasterClient(options);
  setReadOnly(options);
  setAutoTime(options);
  checkBypasses(options);
  options.log('Configuration tasks completed');
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

function checkBypasses({ settings }: ConfigurationOptions): void {
  for (const [key, checkbox] of Object.entries(BYPASSES)) {
    if (!['', 'yes', 'no'].includes(settings.text(key).toLowerCase())) {
      throw new Exit(81, `Invalid setting value for '${checkbox}'`);
    }
  }
}
