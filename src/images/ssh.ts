/**
 * Tunnels that the image holds (`ssh.via = "image"`): `ssh -NR` out of the container. gnzsnz and danklabs share
 * their scripts' ancestor, and its faults: the far side always listens on the gateway's own port.
 */

import type { Instance } from '../config/types.ts';
import { keyProblem, wholeLines } from '../ssh/key-text.ts';
import {
  halvesOf,
  type ImageFinding,
  type ImageTunnel,
  type ImageVariable,
  type Profile,
  type ProfileSecret,
} from './profile.ts';
import { holdsTunnel, wantedIf } from './secrets.ts';

type SshSettings = Instance['settings']['ssh'];

export function tunnelRows({ options, screen }: ImageTunnel): ImageVariable[] {
  const given = (
    name: string,
    keys: readonly string[],
    unset: string,
    value: (ssh: SshSettings) => string | null,
    remark?: string,
  ): ImageVariable => ({
    name,
    keys,
    unset,
    value: (instance) => (holdsTunnel(instance) ? value(instance.settings.ssh) : null),
    ...(remark === undefined ? {} : { remark }),
  });
  return [
    {
      name: 'SSH_TUNNEL',
      keys: ['ssh.mode', 'ssh.via'],
      unset: 'no tunnel',
      value: (instance, { mode }) =>
        holdsTunnel(instance) ? (mode === 'host' ? instance.settings.ssh.mode : 'both') : null,
      remark:
        'with `ssh.via = "image"` alone; always `both`, because with `yes` the image has no relay, and ibq could not ask ' +
        'the API. What is published follows `ssh.mode`',
    },
    given(
      'SSH_USER_TUNNEL',
      ['ssh.targets'],
      'no tunnel',
      ({ targets }) => {
        const [target] = targets;
        return target === undefined ? null : splitTarget(target).login;
      },
      'one machine; more of them need `ssh.via = "host"`',
    ),
    given(
      'SSH_OPTIONS',
      ['ssh.options', 'ssh.bastion', 'ssh.proxy_command'],
      'none',
      (ssh) => sshOptions(ssh, options),
      options === 'shell'
        ? 'the port of the target among them'
        : 'the port of the target among them; the image splits them at blanks, so that none can hold one',
    ),
    given('SSH_ALIVE_INTERVAL', ['ssh.alive_interval'], '20', (ssh) => String(ssh.alive_interval)),
    given('SSH_ALIVE_COUNT', ['ssh.alive_count'], '3', (ssh) => String(ssh.alive_count)),
    given('SSH_RESTART', ['ssh.restart'], '5', (ssh) => String(ssh.restart)),
    ...(screen === null
      ? []
      : [
          given(
            screen.key === 'ssh.vnc_port' ? 'SSH_VNC_PORT' : 'SSH_RDP_PORT',
            [screen.key],
            'not carried',
            (ssh) => {
              const port = screen.key === 'ssh.vnc_port' ? ssh.vnc_port : ssh.rdp_port;
              return port === null ? null : String(screen.port);
            },
            `documented as the port of the far side; it is the container's, and the far side always has ${screen.port}`,
          ),
        ]),
  ];
}

/** Documented as the port of the far side; the scripts take it for the container's. */
export const refusedRemotePort: Profile['refused'][number] = {
  name: 'SSH_REMOTE_PORT',
  key: 'ssh.remote_ports',
  reason:
    "the image takes it for the container's port, where only the gateway's own leads somewhere; with " +
    'ssh.via = "host" the far port can be chosen',
};

/** @param directory where ssh looks in the container, for example `/home/ibgateway/.ssh` */
export function tunnelSecrets(directory: string): ProfileSecret[] {
  const wanted: ProfileSecret['wanted'] = (instance) => wantedIf(holdsTunnel(instance));
  return [
    {
      key: 'ssh_key',
      title: 'private key of the tunnel',
      // ssh reads the kind of a key from its content, not from the file's name.
      as: { kind: 'mount', path: `${directory}/id_ed25519` },
      wanted,
      lines: 'several',
      problem: keyProblem,
      encode: wholeLines,
    },
    {
      key: 'ssh_passphrase',
      title: 'passphrase of the private key; any word where it has none',
      as: { kind: 'file', variable: 'SSH_PASSPHRASE_FILE' },
      wanted,
      problem: () => null,
      encode: (value) => value,
    },
    {
      key: 'ssh_known_hosts',
      title: 'known_hosts of the tunnel, as ssh-keyscan prints it',
      as: { kind: 'mount', path: `${directory}/known_hosts` },
      wanted,
      lines: 'several',
      problem: (value) =>
        /^(?:@\S+ )?\S+ (?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]+=*/m.test(value)
          ? null
          : 'should have a line of a host: name, kind of key, key',
      encode: wholeLines,
    },
  ];
}

/** What a tunnel of the image can't do; `ssh.via = "host"` can all of it. */
export function tunnelFindings(instance: Instance, profile: Profile): ImageFinding[] {
  if (!holdsTunnel(instance)) return [];
  const problem = (key: string, message: string): ImageFinding => ({
    kind: 'problem',
    key,
    message,
  });
  const { ssh: tunnel, id } = profile;
  if (tunnel === null) {
    return [problem('ssh.via', `should be "host": images of profile ${id} hold no tunnel`)];
  }
  const { ssh } = instance.settings;
  const via = 'with ssh.via = "image"';
  const found: ImageFinding[] = [];
  if (ssh.targets.length !== 1) {
    found.push(problem('ssh.targets', `should be one machine ${via}, got ${ssh.targets.length}`));
  }
  const own = halvesOf(instance.mode).map((half) => profile.ports(instance).gateway[half]);
  if (ssh.remote_ports.some((port, index) => port !== String(own[index]))) {
    found.push(
      problem(
        'ssh.remote_ports',
        `should be left out ${via}: the far side always listens on ${own.join(' and ')}`,
      ),
    );
  }
  for (const [key, port] of [
    ['ssh.vnc_port', ssh.vnc_port],
    ['ssh.rdp_port', ssh.rdp_port],
  ] as const) {
    if (port === null) continue;
    const screen = tunnel.screen?.key === key ? tunnel.screen : null;
    if (screen === null) {
      found.push(problem(key, `should be left out ${via}: images of profile ${id} can't carry it`));
    } else if (port !== screen.port) {
      found.push(
        problem(key, `should be ${screen.port} ${via}, which knows no other, got ${port}`),
      );
    } else if (!instance.settings[screen.service].enabled) {
      found.push(problem(key, `should be left out, or ${screen.service}.enabled be true`));
    }
  }
  if (tunnel.options === 'blanks') {
    const odd = /[\s'"\\*?[\]$`]/;
    if (ssh.proxy_command !== null) {
      found.push(
        problem(
          'ssh.proxy_command',
          `should be left out ${via}: images of profile ${id} split it at its blanks; use ssh.bastion`,
        ),
      );
    }
    if (ssh.options.some((option) => odd.test(option))) {
      found.push(
        problem(
          'ssh.options',
          `should be without blanks, quotes and wildcards ${via}: images of profile ${id} split them at blanks`,
        ),
      );
    }
  }
  return found;
}

function sshOptions(ssh: SshSettings, options: ImageTunnel['options']): string {
  const quote = options === 'shell' ? shellQuote : (word: string) => word;
  const named = new Set(ssh.options.map((option) => option.split('=')[0]));
  const port = splitTarget(ssh.targets[0] ?? '').port;
  return [
    // A port that is taken over there would otherwise be a tunnel that carries nothing.
    ...(named.has('ExitOnForwardFailure') ? [] : ['-o', 'ExitOnForwardFailure=yes']),
    ...(port === null ? [] : ['-p', port]),
    ...(ssh.bastion === null ? [] : ['-J', ssh.bastion]),
    ...(ssh.proxy_command === null ? [] : ['-o', `ProxyCommand=${ssh.proxy_command}`]),
    ...ssh.options.flatMap((option) => ['-o', option]),
  ]
    .map(quote)
    .join(' ');
}

/** `user@host:port`. */
function splitTarget(target: string): { login: string; port: string | null } {
  const [login = '', port = null] = target.split(/:(?=\d+$)/);
  return { login, port };
}

function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
