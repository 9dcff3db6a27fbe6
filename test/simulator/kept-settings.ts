/**
 * What a gateway keeps in its settings directory from one start to the next, a directory for each
 * user: its API socket, and the `autorestart` file (`autorestart.ts`). Its form is the simulator's.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeptSettings {
  /** TWS opens no API socket until somebody allows it; a gateway always does. */
  apiEnabled: boolean;
  /** `null`: that of its trading mode. */
  apiPort: number | null;
  readOnly: boolean;
}

export function userDirectory(settings: string, user: string): string {
  return join(settings, `sim${Buffer.from(user).toString('hex').slice(0, 16)}`);
}

/** What is kept, over what a fresh one has. */
export function readKept(settings: string, user: string, fresh: KeptSettings): KeptSettings {
  try {
    const text = readFileSync(join(userDirectory(settings, user), 'gateway.json'), 'utf8');
    return { ...fresh, ...(JSON.parse(text) as Partial<KeptSettings>) };
  } catch {
    return { ...fresh };
  }
}

/** A directory that cannot be written to keeps nothing. */
export function writeKept(settings: string, user: string, kept: KeptSettings): void {
  const directory = userDirectory(settings, user);
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'gateway.json'), `${JSON.stringify(kept, null, 2)}\n`);
  } catch {
    // As the gateway: it says so in a window, if at all.
  }
}
