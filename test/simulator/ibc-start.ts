/** What IBC makes of some settings before it starts the gateway. */

import { mkdirSync } from 'node:fs';
import { Exit, type Mode } from './contract.ts';
import type { Locate } from './files.ts';
import { complain, say } from './ibc-log.ts';
import type { IbcSettings } from './ibc-settings.ts';
import { saveTimes } from './ibc-times.ts';

export function announceSaving(
  output: { log: (line: string) => void },
  settings: IbcSettings,
): void {
  const setting = settings.text('SaveTwsSettingsAt');
  if (setting === '') return;
  try {
    for (const time of saveTimes(setting)) say(output, `Tws settings will be saved at ${time}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    complain(output, `Invalid setting SaveTwsSettingsAt=${setting}: ${why}`);
  }
}

/** Throws `Exit` 80: the mode is looked at when the login window is there. */
export function tradingMode(settings: IbcSettings): Mode {
  const mode = settings.text('TradingMode', 'live').toLowerCase();
  if (mode === 'live' || mode === 'paper') return mode;
  throw new Exit(80, 'Invalid Trading Mode argument or .ini file setting: null');
}

/** A path of this machine. Throws `Exit` 82. */
export function settingsDirectory(path: string, locate: Locate): string {
  try {
    mkdirSync(locate(path), { recursive: true });
  } catch {
    const why = 'a file of that name already exists';
    throw new Exit(82, `Failed to create TWS settings directory at: ${path}; ${why}`);
  }
  return locate(path);
}
