/** What `program.ts` hands to every command. */

import type { Host } from './host/host.ts';
import type { Ui } from './ui/ui.ts';

export interface Context {
  host: Host;
  ui: Ui;
  /** `--config FILE`, default `/etc/ibq/ibq.toml`; instances and `network.toml` lie beside it. */
  configFile: string;
  /** Version of this ibq. */
  version: string;
  /** NETWORK_INTERFACE, NETWORK_SUBNET and NETWORK_GATEWAY are read from here. */
  env: Readonly<Record<string, string | undefined>>;
}
