/**
 * The lines of IBC's config.ini and of the gateway's jts.ini that are not the user's to set, with the reason.
 * Names as in IBC 3.24 (resources/config.ini, and what its sources read).
 */

/** Lines that a key of ibq's stands for, where the image follows it. */
const OTHER_KEYS: Readonly<Record<string, string>> = {
  IbLoginId: 'user',
  TradingMode: 'mode',
  SecondFactorDevice: 'twofa_device',
  ReloginAfterSecondFactorAuthenticationTimeout: 'relogin_after_twofa_timeout',
  SecondFactorAuthenticationExitInterval: 'twofa_exit_interval',
  ExistingSessionDetectedAction: 'existing_session_action',
  OverrideTwsMasterClientID: 'master_client_id',
  ReadOnlyApi: 'read_only_api',
  BypassOrderPrecautions: 'bypass_warning',
  TrustedTwsApiClientIPs: 'trusted_clients',
  AutoLogoffTime: 'auto_logoff_time',
  AutoRestartTime: 'auto_restart_time',
  ColdRestartTime: 'cold_restart_time',
  AcceptIncomingConnectionAction: 'accept_incoming',
  AllowBlindTrading: 'allow_blind_trading',
  SaveTwsSettingsAt: 'save_settings',
};

/** Keys that reach IBC through its config.ini, and so have no effect beside a file of the user's. */
export const KEYS_OF_IBC: readonly string[] = Object.values(OTHER_KEYS).filter(
  (key) => key !== 'mode',
);

/** Lines of the command server, which ibq turns on for `ibq restart --soft`. */
const COMMAND_SERVER: readonly string[] = [
  ...['CommandServerPort', 'BindAddress', 'ControlFrom', 'CommandPrompt'],
];

const REASONS: Readonly<Record<string, string>> = {
  IbPassword: 'is a secret and should not stand in a file; run "sudo ibq secret set NAME password"',
  FIX: 'needs a FIX user and password, for which ibq has no place; custom_config.ibc has',
  FIXLoginId: 'is of a FIX login, for which ibq has no place; custom_config.ibc has',
  FIXPassword: 'is a secret, and ibq has no place for this one; custom_config.ibc has',
  IbDir: 'would take the settings out of the volume that keeps them',
  OverrideTwsApiPort: 'would take the API away from the port that is published',
};

const FREE: readonly string[] = [
  'SecondFactorAuthenticationTimeout',
  'ExitAfterSecondFactorAuthenticationTimeout',
  'AcceptNonBrokerageAccountWarning',
  'LoginDialogDisplayTimeout',
  'StoreSettingsOnServer',
  'MinimizeMainWindow',
  'ReadOnlyLogin',
  'BypassBondWarning',
  'BypassNegativeYieldToWorstConfirmation',
  'BypassCalledBondWarning',
  'BypassSameActionPairTradeWarning',
  'BypassPriceBasedVolatilityRiskWarning',
  'BypassUSStocksMarketDataInSharesWarning',
  'BypassRedirectOrderWarning',
  'BypassNoOverfillProtectionPrecaution',
  'AcceptBidAskLastSizeDisplayUpdateNotification',
  'SendMarketDataInLotsForUSstocks',
  'ResetOrderIdsAtStart',
  'ConfirmOrderIdReset',
  'ClosedownAt',
  'ConfirmCryptoCurrencyOrders',
  'DismissPasswordExpiryWarning',
  'DismissNSEComplianceNotice',
  'SuppressInfoMessages',
  'LogComponents',
  'LogStructureScope',
  'LogStructureWhen',
  'IncludeStackTraceForExceptions',
  'ShowAllTrades',
];

export const IBC_KEYS: readonly string[] = [
  ...FREE,
  ...COMMAND_SERVER,
  ...Object.keys(REASONS),
  ...Object.keys(OTHER_KEYS),
];

/** What an image makes of settings, as far as it matters here. */
export interface Followed {
  /** Keys of ibq's that reach the image. */
  keys: ReadonlySet<string>;
  /** ibq turns the command server on. */
  commandServer: boolean;
}

/** Why a line of config.ini is not the user's to set; null: it is. Java minds capitals, and a slip would do nothing. */
export function ibcRefusal(name: string, { keys, commandServer }: Followed): string | null {
  const meant = IBC_KEYS.find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
  const reason = REASONS[meant];
  if (reason !== undefined) return reason;
  const key = OTHER_KEYS[meant];
  if (key !== undefined && keys.has(key)) return `is set by ibq; use the key "${key}" instead`;
  if (commandServer && COMMAND_SERVER.includes(meant)) {
    return 'is set by ibq, for "ibq restart --soft"';
  }
  if (/passw|passphrase|secret|token/i.test(name) && !FREE.includes(meant)) {
    return 'should not stand in a file: it is a secret, and ibq has no place for this one';
  }
  return meant === name ? null : `should be written ${meant}: IBC minds capitals`;
}

/** Lines of jts.ini that IBC writes at each start (JtsIniManager), with the only value that stays. */
const FIXED: Readonly<Record<string, string>> = {
  'Logon.Locale': 'en',
  'Logon.UseSSL': 'true',
  'Logon.displayedproxymsg': '1',
  'IBGateway.ApiOnly': 'true',
  'IBGateway.TrustedIPs': '127.0.0.1',
};

/** Why a line of jts.ini is not the user's to set; null: it is. */
export function jtsRefusal(section: string, name: string, value: string): string | null {
  const id = `${section}.${name}`;
  if (id === 'Logon.TimeZone') return 'is set by ibq; use the key "time_zone" instead';
  if (id === 'IBGateway.LocalServerPort') {
    return 'would take the API away from the port that is published';
  }
  const fixed = FIXED[id];
  if (fixed !== undefined && value !== fixed) {
    return `should be "${fixed}": IBC puts it back at each start`;
  }
  return null;
}
