/** Podman: versions, images, secrets, networks. */

import { ExitCode, UserError } from '../errors.ts';
import { PODMAN_MISSING, podmanTooOld, systemdTooOld } from '../plan/parts.ts';
import type { Host, HostReader } from './host.ts';
import { requireDone } from './systemd.ts';

/** What a plan that starts something must know of Podman; read only when there is such a plan. */
export interface PodmanFacts {
  podmanVersion: string;
  systemdVersion: number;
  /** Names of all Podman secrets. */
  secrets: ReadonlySet<string>;
  /** Digest (`sha256:…`) of each wanted image that is on this host, by reference. */
  images: ReadonlyMap<string, string>;
}

/** Milliseconds for what Podman only looks up: tenths of a second, unless another podman holds its locks. */
const LOOK_MS = 30_000;

/** @throws UserError (69) for a missing or too old Podman or systemd */
export async function readPodman(
  host: HostReader,
  images: readonly string[],
): Promise<PodmanFacts> {
  const [podman, systemd, secrets, present] = await Promise.all([
    host.run(['podman', '--version'], { timeoutMs: LOOK_MS }),
    host.run(['systemctl', '--version']),
    listSecrets(host),
    imageDigests(host, images),
  ]);
  if (podman.failure === 'not-found') {
    throw new UserError(PODMAN_MISSING, ExitCode.missingPart);
  }
  // A Podman that fails is not an old one.
  requireDone(podman, 'podman --version');
  const podmanVersion = parsePodmanVersion(podman.stdout);
  const systemdVersion = parseSystemdVersion(systemd.stdout);
  const old = podmanTooOld(podmanVersion) ?? systemdTooOld(systemdVersion);
  if (old !== null) throw new UserError(old, ExitCode.missingPart);
  return { podmanVersion, systemdVersion, secrets, images: present };
}

/** @param text of `podman --version` @returns `5.4.2`, empty where it says none */
export function parsePodmanVersion(text: string): string {
  return /(\d+\.\d+(\.\d+)?)/.exec(text)?.[1] ?? '';
}

/** @param text of `systemctl --version` @returns 0 where it says none */
export function parseSystemdVersion(text: string): number {
  return Number(/^systemd (\d+)/.exec(text)?.[1] ?? 0);
}

/** `Error: localhost/x:1: image not known` (containers/storage, ErrImageUnknown). */
const IMAGE_UNKNOWN = /image not known|no such image/;

export interface LocalImage {
  /** `sha256:…` */
  digest: string;
  /** As the image has it: `1000:1000`, a name, or nothing. */
  user: string;
}

/** Each image that is on this host, by reference. */
export async function inspectImages(
  host: HostReader,
  references: readonly string[],
): Promise<Map<string, LocalImage>> {
  const present = new Map<string, LocalImage>();
  const inspect = [
    'podman',
    'image',
    'inspect',
    '--format',
    '{{.Digest}} {{.Config.User}}',
  ] as const;
  await Promise.all(
    references.map(async (reference) => {
      const result = await host.run([...inspect, reference], { timeoutMs: LOOK_MS });
      const [digest = '', user = ''] = result.stdout.trimEnd().split(' ');
      if (result.exitCode === 0) present.set(reference, { digest, user });
      // Podman that does not answer knows nothing of the image; only its own "no" is one. That it is
      // not installed is told by who asked for its version.
      else if (result.failure !== 'not-found' && !IMAGE_UNKNOWN.test(result.stderr))
        requireDone(result, `podman image inspect ${reference}`);
    }),
  );
  return present;
}

/** Digest (`sha256:…`) of each image that is on this host, by reference. */
export async function imageDigests(
  host: HostReader,
  references: readonly string[],
): Promise<Map<string, string>> {
  const images = await inspectImages(host, references);
  return new Map([...images].map(([reference, { digest }]) => [reference, digest]));
}

/** @param onLine progress as Podman tells it, line by line */
export async function pullImage(
  host: Host,
  reference: string,
  onLine: (line: string) => void,
): Promise<void> {
  const result = await host.run(['podman', 'pull', '--quiet=false', reference], {
    timeoutMs: 3_600_000,
    onStderrLine: onLine,
  });
  requireDone(result, `podman pull ${reference}`);
}

/** @throws UserError (69) where Podman is not installed: then nobody knows what is set */
export async function requirePodman(host: HostReader): Promise<void> {
  const { failure } = await host.run(['podman', '--version'], { timeoutMs: LOOK_MS });
  if (failure === 'not-found') throw new UserError(PODMAN_MISSING, ExitCode.missingPart);
}

/** Names of all Podman secrets; their values are never read. None where Podman is not installed. */
export async function listSecrets(host: HostReader): Promise<Set<string>> {
  const result = await host.run(['podman', 'secret', 'ls', '--format', '{{.Name}}'], {
    timeoutMs: LOOK_MS,
  });
  if (result.failure === 'not-found') return new Set();
  requireDone(result, 'podman secret ls');
  return new Set(result.stdout.split('\n').filter(Boolean));
}

/**
 * @param value reaches podman on its standard input: never in an argument list. Through `cat`,
 *   because podman takes `-` for a pipe only (cmd/podman/secrets/create.go), and what Node gives a
 *   child is a socket.
 */
export async function writeSecret(host: Host, name: string, value: string): Promise<void> {
  const podman = ['podman', 'secret', 'create', '--replace', name, '-'];
  const result = await host.run(['sh', '-c', 'cat | "$@"', 'sh', ...podman], { input: value });
  requireDone(result, `podman secret create ${name}`);
}

export async function removeSecret(host: Host, name: string): Promise<void> {
  requireDone(await host.run(['podman', 'secret', 'rm', name]), `podman secret rm ${name}`);
}

/** @returns false where the network is still in use; absent counts as removed */
export async function removeNetwork(host: Host, name: string): Promise<boolean> {
  const result = await host.run(['podman', 'network', 'rm', name]);
  if (result.exitCode === 0 || /not found|unable to find/i.test(result.stderr)) return true;
  // `podman network rm` ends with 2 for a network that containers use (podman-network-rm(1)).
  if (result.exitCode === 2) return false;
  requireDone(result, `podman network rm ${name}`);
  return false;
}

export async function volumeExists(host: HostReader, name: string): Promise<boolean> {
  return (await host.run(['podman', 'volume', 'exists', name])).exitCode === 0;
}

export async function removeVolume(host: Host, name: string): Promise<void> {
  const result = await host.run(['podman', 'volume', 'rm', name]);
  if (result.exitCode === 0 || /no such volume/i.test(result.stderr)) return;
  requireDone(result, `podman volume rm ${name}`);
}
