/**
 * Options of ssh_config(5) that a tunnel may have, and why it may not have others. A closed list: what ssh
 * learns to do tomorrow is not let in by itself.
 */

/** They change how the connection is made, and neither who is believed nor what is carried. */
const ALLOWED = [
  ...['AddressFamily', 'BindAddress', 'BindInterface', 'CASignatureAlgorithms', 'CheckHostIP'],
  ...['Ciphers', 'Compression', 'ConnectionAttempts', 'ConnectTimeout', 'HostKeyAlgorithms'],
  ...['IPQoS', 'KexAlgorithms', 'LogLevel', 'MACs', 'PubkeyAcceptedAlgorithms', 'RekeyLimit'],
  ...['RequiredRSASize', 'TCPKeepAlive', 'WarnWeakCrypto'],
];

const PINNED =
  'host keys are pinned in /etc/ibq/known_hosts: whoever answers in the place of the target would get this account\'s API; run "sudo ibq tunnel trust NAME"';
const ONLY_CARRIES = 'the tunnel carries what ibq says and nothing else';

/** Values that every tunnel has; the same once more does no harm. */
export const FIXED: Readonly<Record<string, { value: string; reason: string }>> = {
  BatchMode: { value: 'yes', reason: 'nobody sits at it to answer' },
  ControlMaster: { value: 'no', reason: ONLY_CARRIES },
  ExitOnForwardFailure: {
    value: 'yes',
    reason: 'a connection that carries nothing would pass for a tunnel',
  },
  ForwardAgent: { value: 'no', reason: ONLY_CARRIES },
  ForwardX11: { value: 'no', reason: ONLY_CARRIES },
  IdentitiesOnly: { value: 'yes', reason: 'the key is the secret ssh_key' },
  PasswordAuthentication: { value: 'no', reason: 'the key is the secret ssh_key' },
  PermitLocalCommand: { value: 'no', reason: ONLY_CARRIES },
  StrictHostKeyChecking: { value: 'yes', reason: PINNED },
  UpdateHostKeys: { value: 'no', reason: PINNED },
  VerifyHostKeyDNS: { value: 'no', reason: PINNED },
};

const ELSEWHERE: Readonly<Record<string, string>> = {
  ClearAllForwardings: 'nothing would be carried',
  GlobalKnownHostsFile: PINNED,
  HostKeyAlias: PINNED,
  HostName: 'use ssh.targets',
  IdentityFile: 'use "sudo ibq secret set NAME ssh_key"',
  KnownHostsCommand: PINNED,
  NoHostAuthenticationForLocalhost: PINNED,
  Port: 'use ssh.targets, as user@host:port',
  ProxyCommand: 'use ssh.proxy_command, or better ssh.bastion',
  ProxyJump: 'use ssh.bastion',
  RemoteForward: 'use ssh.remote_ports',
  ServerAliveCountMax: 'use ssh.alive_count',
  ServerAliveInterval: 'use ssh.alive_interval',
  User: 'use ssh.targets, as user@host',
  UserKnownHostsFile: PINNED,
};

/**
 * @param option of the format `sshOption`
 * @returns what it should be instead, or null
 */
export function optionProblem(option: string, instance: string): string | null {
  const reason = optionRefusal(option);
  return reason && `should not be ${option}: ${reason.replace('NAME', instance)}`;
}

/** Why a tunnel may not have it; commands in it are for an instance NAME. */
export function optionRefusal(option: string): string | null {
  const { name, value } = splitOption(option);
  const same = (known: string) => known.toLowerCase() === name.toLowerCase();
  if (ALLOWED.some(same)) return null;
  const fixed = Object.entries(FIXED).find(([known]) => same(known));
  if (fixed?.[1].value === value.toLowerCase()) return null;
  const elsewhere = Object.entries(ELSEWHERE).find(([known]) => same(known));
  return (
    fixed?.[1].reason ?? elsewhere?.[1] ?? `${ONLY_CARRIES}; it may have ${ALLOWED.join(', ')}`
  );
}

/** Those that are not fixed anyway, for the file. */
export function ownOptions(options: readonly string[]): string[] {
  return options.filter((option) => {
    const name = splitOption(option).name.toLowerCase();
    return !Object.keys(FIXED).some((known) => known.toLowerCase() === name);
  });
}

/** Whether `name` is among the options. */
export function hasOption(options: readonly string[], name: string): boolean {
  return options.some((it) => splitOption(it).name.toLowerCase() === name.toLowerCase());
}

function splitOption(option: string): { name: string; value: string } {
  const equals = option.indexOf('=');
  return { name: option.slice(0, equals), value: option.slice(equals + 1) };
}
