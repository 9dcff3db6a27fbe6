/** A machine that ssh goes to: `user@host` or `user@host:port`, as the configuration has it. */

export interface SshTarget {
  /** As it is written. */
  text: string;
  user: string;
  /** In small letters, as ssh looks it up. */
  host: string;
  port: number;
}

/** @param text of the format `sshTarget` */
export function parseTarget(text: string): SshTarget {
  const [user = '', place = ''] = text.split('@');
  const [host = '', port = '22'] = place.split(':');
  return { text, user, host: host.toLowerCase(), port: Number(port) };
}

/** What known_hosts calls a machine (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
export function hostKeyName({ host, port }: Pick<SshTarget, 'host' | 'port'>): string {
  return port === 22 ? host : `[${host}]:${port}`;
}
