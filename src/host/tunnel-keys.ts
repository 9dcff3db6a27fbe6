/** Keys of tunnels: made, read and used in memory only (/run), and kept as Podman secrets. */

import { ExitCode, UserError } from '../errors.ts';
import type { Host, HostReader } from './host.ts';
import { libraryDirectory } from './shipped.ts';
import { requireDone } from './systemd.ts';
import { missingTunnelParts } from './tunnels.ts';

const DIRECTORY = '/run/ibq';

/** A directory that root alone can look into, in memory; gone afterwards, and those of an ibq that was killed too. */
export async function withPrivateDirectory<T>(
  host: Host,
  action: (directory: string) => Promise<T>,
): Promise<T> {
  for (const name of host.files.list(DIRECTORY)) {
    const pid = /^private\.(\d+)$/.exec(name)?.[1];
    if (pid && !host.files.exists(`/proc/${pid}`)) host.files.remove(`${DIRECTORY}/${name}`);
  }
  const directory = `${DIRECTORY}/private.${process.pid}`;
  host.files.makeDirectory(DIRECTORY);
  host.files.makeDirectory(directory, 0o700);
  try {
    return await action(directory);
  } finally {
    host.files.remove(directory);
  }
}

/** @throws UserError (69) */
export function requireTunnelParts({ files }: HostReader): void {
  const [part] = missingTunnelParts(files);
  if (part === undefined) return;
  throw new UserError(
    `this host lacks ${part.id}, ${part.use}; install the package ${part.package}`,
    ExitCode.missingPart,
  );
}

/**
 * A new Ed25519 key in `directory/key`.
 *
 * @param passphrase reaches ssh-keygen by a file in the same directory
 * @returns its text
 */
export async function makeKey(
  host: Host,
  directory: string,
  { comment, passphrase }: { comment: string; passphrase: string | null },
): Promise<string> {
  const path = `${directory}/key`;
  const asked = `${directory}/passphrase`;
  if (passphrase !== null) host.files.writeText(asked, `${passphrase}\n`, 0o600);
  const result = await host.run(
    [
      ...(['ssh-keygen', '-q', '-t', 'ed25519', '-C', comment, '-f', path] as const),
      ...(passphrase === null ? ['-N', ''] : []),
    ],
    passphrase === null
      ? {}
      : {
          env: {
            IBQ_PASSPHRASE_FILE: asked,
            SSH_ASKPASS: `${libraryDirectory()}/tunnel`,
            SSH_ASKPASS_REQUIRE: 'force',
          },
        },
  );
  requireDone(result, 'ssh-keygen');
  return host.files.readText(path) ?? '';
}

export interface PublicKey {
  /** `ssh-ed25519 AAAA… comment` */
  line: string;
  /** `SHA256:…` */
  fingerprint: string;
}

/**
 * The instance's key in `directory/key`, without its passphrase.
 *
 * @throws UserError where there is none, or it can't be read
 */
export async function unlockKey(host: Host, instance: string, directory: string): Promise<string> {
  const path = `${directory}/key`;
  const program = `${libraryDirectory()}/tunnel`;
  const { exitCode, stderr } = await host.run([program, 'unlock', instance, path]);
  if (exitCode === 0) return path;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  throw new UserError(said || `the key of ${instance} can't be read`, ExitCode.badConfiguration);
}

/** @param path of an unlocked private key */
export async function publicKeyOf(host: HostReader, path: string): Promise<PublicKey> {
  const [line, print] = await Promise.all([
    host.run(['ssh-keygen', '-y', '-f', path]),
    host.run(['ssh-keygen', '-l', '-f', path]),
  ]);
  requireDone(line, 'ssh-keygen -y');
  requireDone(print, 'ssh-keygen -l');
  return { line: line.stdout.trim(), fingerprint: print.stdout.split(' ')[1] ?? '' };
}
