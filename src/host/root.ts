/** Who may change the host. */

import { ExitCode, NeedsRoot, UserError } from '../errors.ts';
import type { Host } from './host.ts';

/** @throws UserError (64) with `--root`: what the command asks is not in files */
export function requireLive(host: Host, verb: string): void {
  if (host.root === null) return;
  throw new UserError(`${verb}: asks the running host, so --root does not apply`, ExitCode.usage);
}

/** For a command that asks the running host, and needs root for it. */
export function requireLiveRoot(host: Host, verb: string): void {
  requireLive(host, verb);
  requireRoot(host);
}

/**
 * @throws NeedsRoot (77); never with `--root`, where the permissions of the tree itself decide
 */
export function requireRoot(host: Host): void {
  if (host.root !== null || process.geteuid?.() === 0) return;
  throw new NeedsRoot();
}
