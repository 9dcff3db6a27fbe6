/** The API socket of one process: whether it is open, on which port, and what is kept of that. */

import {
  type ApiServer,
  type ApiServerOptions,
  LINK_LOST,
  LINK_RESTORED,
  startApiServer,
} from './api-server.ts';
import { reason } from './files.ts';
import { trustedAddresses } from './jts-ini.ts';
import { type KeptSettings, readKept, writeKept } from './kept-settings.ts';

export interface ApiSocketOptions
  extends Pick<ApiServerOptions, 'host' | 'accounts' | 'behaviour' | 'linkUp'> {
  /** Port to listen on, given the one that is kept (`null`: none); 0: any. */
  port: (kept: number | null) => number;
  product: string;
  /** Settings directory, a path of this machine. */
  directory: string;
  user: string;
  /** Takes a line of the container's output. */
  log: (line: string) => void;
}

export class ApiSocket {
  readonly #options: ApiSocketOptions;
  readonly #kept: KeptSettings;
  #server: ApiServer | null = null;

  constructor(options: ApiSocketOptions) {
    this.#options = options;
    const apiEnabled = options.product === 'gateway';
    const fresh = { apiEnabled, apiPort: null, readOnly: true };
    this.#kept = readKept(options.directory, options.user, fresh);
  }

  /** While it listens. */
  get port(): number | null {
    return this.#server?.port ?? null;
  }

  get sessions(): number {
    return this.#server?.sessions() ?? 0;
  }

  /** What is kept; `null`: the mode's own. */
  get keptPort(): number | null {
    return this.#kept.apiPort;
  }

  get readOnly(): boolean {
    return this.#kept.readOnly;
  }

  /** Listens, unless TWS was never told to. */
  async open(): Promise<void> {
    if (!this.#kept.apiEnabled) return;
    const { host, accounts, behaviour, linkUp, directory, port, log } = this.#options;
    const wanted = port(this.#kept.apiPort);
    try {
      this.#server = await startApiServer({
        port: wanted,
        host,
        accounts,
        behaviour,
        linkUp,
        trusted: trustedAddresses(`${directory}/jts.ini`),
        readOnly: () => this.#kept.readOnly,
      });
    } catch (error) {
      log(`simulator: no API socket on port ${wanted}: ${reason(error)}`);
    }
  }

  async setPort(port: number): Promise<void> {
    this.#keep({ apiPort: port });
    await this.close();
    await this.open();
  }

  setReadOnly(readOnly: boolean): void {
    this.#keep({ readOnly });
  }

  /** `false`: it was enabled. */
  enable(): boolean {
    if (this.#kept.apiEnabled) return false;
    this.#keep({ apiEnabled: true });
    void this.open();
    return true;
  }

  /** Tells every session that the link to IBKR is up, or down. */
  tellLink(up: boolean): void {
    this.#server?.notify(up ? 1102 : 1100, up ? LINK_RESTORED : LINK_LOST);
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.close();
  }

  #keep(changed: Partial<KeptSettings>): void {
    Object.assign(this.#kept, changed);
    writeKept(this.#options.directory, this.#options.user, this.#kept);
  }
}
