/** A port that has no room for another connection: a client that opens them without end, or somebody who means it. */

import type { Verdict } from '../gateway/instance-state.ts';
import { countConnections } from '../network/listeners.ts';
import type { RunningInstance } from '../plan/installed.ts';
import type { ApiService } from '../plan/services.ts';
import type { FileReader } from './host.ts';

/** The word for one whose port is full. */
export const CROWDED = 'crowded';

/** A gateway takes 32 sessions; the images' relay has come to its limits some thousands of connections later. */
const CROWD = 1000;

/** @returns null: its port is not full; `verdict` holds */
export function crowdedVerdict(
  files: FileReader,
  { relayPort, publish }: ApiService,
  running: RunningInstance | null,
): Verdict | null {
  if (running === null) return null;
  const count = ['tcp', 'tcp6']
    .map((table) => files.readText(`/proc/${running.pid}/net/${table}`) ?? '')
    .reduce((sum, text) => sum + countConnections(text, relayPort), 0);
  if (count < CROWD) return null;
  const port = publish?.split(':').at(-1);
  const clients =
    port === undefined
      ? `sudo nsenter -t ${running.pid} -n ss -Htn "sport = :${relayPort}"`
      : `sudo ss -Htnp "dport = :${port}"`;
  return {
    ready: false,
    word: CROWDED,
    problems: [
      `${count} connections are open at its port ${relayPort}, which leaves no room for more: it answers again by itself when they end; a restart would be a new login`,
    ],
    mend: `${clients} tells who has them; end those clients`,
  };
}
