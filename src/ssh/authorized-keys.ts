/** What a target is told about the key: one line of its authorized_keys. */

import { listenText, type TargetListens } from './listens.ts';
import type { SshTarget } from './target.ts';

/** `restrict` alone lets commands run (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"). */
const NO_COMMAND = 'restrict,command="false",port-forwarding';

/**
 * The key can listen at the tunnel's ports and open those same ports, by which `ibq tunnel test` comes
 * back. It gets no shell, no file and no other port.
 *
 * @param publicKey `ssh-ed25519 AAAA… comment`
 */
export function targetLine({ listens }: TargetListens, publicKey: string): string {
  const places = listens.map((listen) => listenText(listen));
  const rights = [
    ...places.map((place) => `permitlisten="${place}"`),
    ...places.map((place) => `permitopen="${place.replace(/^(?:\*|0\.0\.0\.0):/, '127.0.0.1:')}"`),
  ];
  return `${NO_COMMAND},${rights.join(',')} ${publicKey}`;
}

/** No user may listen there, and without one named the key could listen anywhere. */
const NO_LISTEN = 'permitlisten="127.0.0.1:1"';

/** The bastion lets the key through to the targets and nowhere else. */
export function bastionLine(targets: readonly SshTarget[], publicKey: string): string {
  const places = [...new Set(targets.map(({ host, port }) => `${host}:${port}`))];
  const rights = places.map((place) => `permitopen="${place}"`);
  return `${NO_COMMAND},${NO_LISTEN},${rights.join(',')} ${publicKey}`;
}
