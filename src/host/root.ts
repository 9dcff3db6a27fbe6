/** Who may change the host. */

import { ExitCode, UserError } from '../errors.ts';
import type { Host } from './host.ts';

/** @throws UserError (64) with `--root`: what the command asks is not in files */
export function requireLive(host: Host, verb: string): void {
  if (host.root === null) return;
  throw new UserError(`${verb}: asks the running host, so --root does not apply`, ExitCode.usage);
}

/**
 * @param command the arguments after `ibq`, for the line that mends it
 * @throws UserError (77), ending with the `sudo ibq …` line; never with `--root`, where the
 *   permissions of the tree itself decide
 */
export function requireRoot(host: Host, command: string): void {
  if (host.root !== null || process.geteuid?.() === 0) return;
  throw new UserError(`needs root: run "sudo ibq ${command}"`, ExitCode.needsRoot);
}
