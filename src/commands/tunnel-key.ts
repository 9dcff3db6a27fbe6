/** `ibq tunnel key`: a new key for an instance's tunnel, straight into its secret. */

import { randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import { withLock } from '../host/lock.ts';
import { listSecrets, removeSecret, writeSecret } from '../host/podman.ts';
import { requireLiveRoot } from '../host/root.ts';
import {
  makeKey,
  publicKeyOf,
  requireTunnelParts,
  unlockKey,
  withPrivateDirectory,
} from '../host/tunnel-keys.ts';
import { secretName } from '../images/profile.ts';
import { authorizedKeys, requireTunnelled } from './tunnel-instance.ts';

export interface TunnelKeyOptions {
  /** Asked for, and kept as a secret too. */
  passphrase: boolean;
  replace: boolean;
}

export async function tunnelKey(
  context: Context,
  name: string,
  options: TunnelKeyOptions,
): Promise<number> {
  const { host, ui } = context;
  const command = `tunnel key ${name}`;
  requireLiveRoot(host, 'tunnel key');
  const tunnelled = requireTunnelled(context, name);
  requireTunnelParts(host);
  const passphrase = await readPassphrase(context, options, tunnelled.instance.settings.ssh.via);
  return withLock(host, command, async () => {
    const [keyName, passphraseName] = [
      secretName(name, 'ssh_key'),
      secretName(name, 'ssh_passphrase'),
    ];
    const present = await listSecrets(host);
    if (present.has(keyName) && !options.replace) {
      throw new UserError(
        `instance ${name} has a key; "sudo ibq tunnel show ${name}" tells its public half, --replace makes another`,
      );
    }
    const key = await withPrivateDirectory(host, async (directory) => {
      const text = await makeKey(host, directory, { comment: `ibq-${name}`, passphrase });
      // The passphrase first: a key is of no use without its own.
      if (passphrase !== null) await writeSecret(host, passphraseName, passphrase);
      else if (present.has(passphraseName)) await removeSecret(host, passphraseName);
      await writeSecret(host, keyName, text);
      return publicKeyOf(host, await unlockKey(host, name, directory));
    });
    ui.note(`made a key for the tunnel of ${name}, ${key.fingerprint}; it is kept as a secret`);
    ui.note('each machine needs its line in the ~/.ssh/authorized_keys of its user:');
    for (const { machine, line } of authorizedKeys(tunnelled, key.line)) {
      ui.print(`# ${machine}\n${line}`);
    }
    ui.note(`next: sudo ibq tunnel trust ${name}, sudo ibq deploy`);
    if (present.has(keyName)) {
      ui.note(
        `a running tunnel keeps the old key until "sudo systemctl restart ibq-tunnel@${name}"`,
      );
    }
    return ExitCode.done;
  });
}

/** The image's own client wants one; nobody has to know it. */
async function readPassphrase(
  { ui }: Context,
  { passphrase }: TunnelKeyOptions,
  via: 'host' | 'image',
): Promise<string | null> {
  if (!passphrase) return via === 'image' ? randomBytes(24).toString('base64url') : null;
  const value = await ui.readHidden('passphrase of the new key: ');
  if (!/^\P{Cc}{5,500}$/u.test(value)) {
    throw new UserError(
      'passphrase: should be one line of 5 characters or more; nothing was changed',
      ExitCode.usage,
    );
  }
  return value;
}
