/** `ibq tunnel trust`: pins the host keys of the machines that a tunnel goes to. Closed by default: a key is pinned after a typed yes, or by its fingerprint. */

import type { Context } from '../context.ts';
import { ExitCode, UserError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { type FetchedKey, fetchHostKey, hasPinnedKey } from '../host/host-keys.ts';
import { withLock } from '../host/lock.ts';
import { writeSecret } from '../host/podman.ts';
import { requireLiveRoot } from '../host/root.ts';
import { requireTunnelParts, unlockKey, withPrivateDirectory } from '../host/tunnel-keys.ts';
import { unpinned } from '../host/tunnels.ts';
import { profileFor } from '../images/index.ts';
import { secretName } from '../images/profile.ts';
import { withHostKeys } from '../ssh/known-hosts.ts';
import { KNOWN_HOSTS, renderSshConfig, targetAlias } from '../ssh/render.ts';
import { hostKeyName, parseTarget } from '../ssh/target.ts';
import { machinesOf, tunnelOf } from '../ssh/tunnel.ts';
import { requireTunnelled, type Tunnelled } from './tunnel-instance.ts';

export interface TunnelTrustOptions {
  /** `SHA256:…`: keys that are right, for scripts. */
  fingerprints: readonly string[];
  /** Keys that have changed are pinned anew. */
  replace: boolean;
}

export async function tunnelTrust(
  context: Context,
  name: string,
  options: TunnelTrustOptions,
): Promise<number> {
  const { host } = context;
  const command = `tunnel trust ${name}`;
  requireLiveRoot(host, 'tunnel trust');
  const tunnelled = requireTunnelled(context, name);
  requireTunnelParts(host);
  return withLock(host, command, () =>
    withPrivateDirectory(host, async (directory) => {
      const config = await writeConfig(host, tunnelled, directory);
      const failures: string[] = [];
      // The bastion first: what lies behind it is reached through it.
      for (const machine of machinesOf(tunnelled.instance)) {
        const alias = aliasOf(tunnelled, machine.name);
        try {
          await trustOne(
            context,
            { machine: machine.name, alias, config, directory, name },
            options,
          );
        } catch (error) {
          // One that does not answer is no reason to leave out the others.
          if (!(error instanceof UserError)) throw error;
          failures.push(error.message);
          if (error.exitCode !== ExitCode.failed)
            throw new UserError(failures.join('\n'), error.exitCode);
        }
      }
      if (failures.length > 0) throw new UserError(failures.join('\n'));
      await handToImage(host, tunnelled);
      return ExitCode.done;
    }),
  );
}

async function trustOne(
  context: Context,
  at: { machine: string; alias: string; config: string; directory: string; name: string },
  options: TunnelTrustOptions,
): Promise<void> {
  const { host, ui } = context;
  const { machine } = at;
  const pinned = (await unpinned(host, [machine])).length === 0;
  if (pinned && (await hasPinnedKey(host, { ...at, name: machine }))) {
    ui.note(`${machine}: has the key that is pinned`);
    return;
  }
  const key = await fetchHostKey(host, { ...at, name: machine });
  if (pinned && !options.replace) refuseChanged(machine, key, at.name);
  await requireTrust(context, key, options);
  const text = host.files.readText(KNOWN_HOSTS);
  host.files.writeText(KNOWN_HOSTS, withHostKeys(text, [key], [machine]));
  ui.note(`${machine}: pinned ${key.type} ${key.fingerprint} in ${KNOWN_HOSTS}`);
}

/** Without forwards: nothing is to listen anywhere. */
async function writeConfig(
  host: Host,
  { instance }: Tunnelled,
  directory: string,
): Promise<string> {
  const { ssh } = instance.settings;
  const asHost = {
    ...instance,
    settings: { ...instance.settings, ssh: { ...ssh, via: 'host' as const } },
  };
  const tunnel = tunnelOf(asHost, profileFor(instance), () => null);
  if (tunnel === null) throw new UserError(`instance ${instance.name} has no tunnel`);
  // Only a bastion is logged in to.
  const key = `${directory}/key`;
  if (ssh.bastion !== null) await unlockKey(host, instance.name, directory);
  const path = `${directory}/ssh_config`;
  host.files.writeText(path, renderSshConfig(tunnel, { key, knownHosts: KNOWN_HOSTS }), 0o600);
  return path;
}

function aliasOf({ instance, targets }: Tunnelled, name: string): string {
  const { bastion } = instance.settings.ssh;
  if (bastion !== null && hostKeyName(parseTarget(bastion)) === name) return 'bastion';
  return targetAlias(targets.findIndex(({ target }) => hostKeyName(target) === name));
}

function refuseChanged(machine: string, { type, fingerprint }: FetchedKey, name: string): never {
  throw new UserError(
    `${machine}: should have the host key that is pinned in ${KNOWN_HOSTS}, has ${type} ${fingerprint}: it was made anew, or somebody else answers in its place; nothing was changed. If you know that it is right: sudo ibq tunnel trust ${name} --replace`,
  );
}

/** @throws UserError (1) for a no, (64) where nobody can answer */
async function requireTrust(
  { ui }: Context,
  { name, type, fingerprint }: FetchedKey,
  { fingerprints }: TunnelTrustOptions,
): Promise<void> {
  if (fingerprints.includes(fingerprint)) return;
  if (fingerprints.length > 0) {
    throw new UserError(
      `${name}: should have one of ${fingerprints.join(', ')}, has ${type} ${fingerprint}; it was not pinned`,
    );
  }
  ui.note(`${name}: ${type} ${fingerprint}`);
  ui.note(
    '  compare it there, on its own console: for f in /etc/ssh/ssh_host_*.pub; do ssh-keygen -lf $f; done',
  );
  const yes = await ui.confirm(`is this the host key of ${name}?`, {
    assumeYes: false,
    flag: `--fingerprint ${fingerprint} when you know that it is right`,
    unlessTyped: 'no',
  });
  if (!yes) throw new UserError(`${name}: its host key was not pinned`);
}

/** The image's own client reads a secret of its own. */
async function handToImage(host: Host, { instance }: Tunnelled): Promise<void> {
  const key = 'ssh_known_hosts';
  const { secrets } = profileFor(instance);
  if (instance.settings.ssh.via !== 'image' || !secrets.some((it) => it.key === key)) return;
  const found = await Promise.all(
    machinesOf(instance).map(({ name }) => host.run(['ssh-keygen', '-F', name, '-f', KNOWN_HOSTS])),
  );
  const lines = found.flatMap(({ stdout }) =>
    stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  );
  await writeSecret(host, secretName(instance.name, key), `${lines.join('\n')}\n`);
}
