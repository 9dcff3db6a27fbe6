/** What ibg-controller makes of its environment beside the login (`handle_post_login_config` and around it). */

import type { Controller } from './controller.ts';

/** What it says at its start of variables that it does not honour, and of buttons. */
export function tellIgnored({ env, info, warn }: Controller): void {
  const labels = (env.BYPASS_WARNING ?? '').split(/[,;]/).flatMap((text) => text.trim() || []);
  for (const label of labels) {
    if (label.toLowerCase() === 'ok')
      warn("BYPASS_WARNING: refusing to add bare 'OK' to the dismiss allowlist");
    else info(`BYPASS_WARNING: extended dismiss allowlist with ['${label}']`);
  }
  if (env.CUSTOM_CONFIG === undefined || env.CUSTOM_CONFIG === '') return;
  warn('These IBC-compat env vars are SET but NOT honored by the controller.');
  warn(
    '  - CUSTOM_CONFIG: not honored; the controller reads env vars directly and does not render an IBC config.ini',
  );
}

/** `yes`, `true`, `1` and `on`; null for what is neither these nor their opposites. */
export function yesOrNo(text: string | undefined): boolean | null {
  const word = (text ?? '').trim().toLowerCase();
  if (['yes', 'true', '1', 'on'].includes(word)) return true;
  return ['no', 'false', '0', 'off'].includes(word) ? false : null;
}

export function configureApi({ env, api, info, warn }: Controller): void {
  const ignored = ['ALLOW_BLIND_TRADING', 'SAVE_TWS_SETTINGS'].filter((name) => env[name]);
  if (ignored.length > 0)
    warn(
      `Post-login config: these env vars are not present in Gateway's config dialog and are being ignored: ${ignored.join(', ')}. They're TWS-specific.`,
    );
  const readOnly = yesOrNo(env.READ_ONLY_API);
  info(
    `Post-login config env: TWS_MASTER_CLIENT_ID='${env.TWS_MASTER_CLIENT_ID ?? ''}', READ_ONLY_API='${env.READ_ONLY_API ?? ''}'`,
  );
  if (env.TWS_MASTER_CLIENT_ID)
    info(`  Setting Master API client ID = ${env.TWS_MASTER_CLIENT_ID}`);
  if (readOnly !== null) {
    info(`  Setting Read-Only API = ${readOnly ? 'True' : 'False'}`);
    api.setReadOnly(readOnly);
  }
  if (env.AUTO_LOGOFF_TIME) info(`  Setting Auto Log Off Time = ${env.AUTO_LOGOFF_TIME}`);
  if (env.AUTO_RESTART_TIME) info(`  Setting Auto Restart Time = ${env.AUTO_RESTART_TIME}`);
}
