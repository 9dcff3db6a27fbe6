/** Host keys of the machines that tunnels go to: fetched by ssh itself, the way the tunnel will go. */

import { UserError } from '../errors.ts';
import { type HostKey, parseHostKeys } from '../ssh/known-hosts.ts';
import type { Host } from './host.ts';

export interface FetchedKey extends HostKey {
  /** `SHA256:…` */
  fingerprint: string;
  /** `ED25519`, `RSA`, … */
  type: string;
}

interface Machine {
  /** As known_hosts has it. */
  name: string;
  /** ssh_config of the tunnel, which pins the machines before this one, and what this one is called in it. */
  config: string;
  alias: string;
}

/** Long enough for a bastion and what lies behind it. */
const TIMEOUT_MS = 60_000;

/**
 * Connects as far as the key exchange and logs in nowhere.
 *
 * @param directory where ssh may write
 * @throws UserError with ssh's words where there is no connection
 */
export async function fetchHostKey(
  host: Host,
  { config, alias, directory, name }: Machine & { directory: string },
): Promise<FetchedKey> {
  const known = `${directory}/known_hosts.${alias}`;
  const { stderr } = await connect(host, config, alias, [
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${known}`,
    'HashKnownHosts=no',
  ]);
  const [key] = parseHostKeys(host.files.readText(known) ?? '');
  if (key === undefined) {
    throw new UserError(`${name}: no host key came: ${lastLine(stderr) || 'ssh says nothing'}`);
  }
  const { stdout } = await host.run(['ssh-keygen', '-l', '-f', known]);
  const [, fingerprint = '', type = ''] = /^\d+ (\S+) .*\((\S+)\)$/m.exec(stdout) ?? [];
  return { ...key, fingerprint, type };
}

/**
 * Whether the machine has the key that is pinned.
 *
 * @throws UserError with ssh's words where there is no connection
 */
export async function hasPinnedKey(host: Host, { config, alias, name }: Machine): Promise<boolean> {
  const { stderr } = await connect(host, config, alias, []);
  if (/Host key verification failed/.test(stderr)) return false;
  // It went on to the login, which nobody is allowed so.
  if (/Permission denied/.test(stderr)) return true;
  throw new UserError(`${name}: no host key came: ${lastLine(stderr) || 'ssh says nothing'}`);
}

function connect(host: Host, config: string, alias: string, options: readonly string[]) {
  const all = [...options, 'PreferredAuthentications=none', 'LogLevel=ERROR'];
  const argv = [
    'ssh',
    '-F',
    config,
    ...all.flatMap((it) => ['-o', it]),
    '-W',
    '127.0.0.1:1',
    alias,
  ];
  return host.run(argv as [string, ...string[]], {
    timeoutMs: TIMEOUT_MS,
    env: { HOME: '/', SHELL: '/bin/sh' },
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
