/** The two files of a tunnel in a generation: what `LIB/tunnel` reads, and what ssh reads. */

import { listenText } from './listens.ts';
import { FIXED, hasOption, ownOptions } from './options.ts';
import type { SshTarget } from './target.ts';
import type { Tunnel } from './tunnel.ts';

/** Host keys that are pinned, for all instances. */
export const KNOWN_HOSTS = '/etc/ibq/known_hosts';
/** What a running tunnel was made with: `NAME/settings`, `NAME/ssh_config`, `NAME/key`. */
export const TUNNELS_RUNNING = '/run/ibq/tunnels';
/** Long enough for a far machine, short enough to say why before anybody looks. */
const CONNECT_SECONDS = 15;

/** @param definition hash by which a changed tunnel is known */
export function renderSettings(tunnel: Tunnel, definition: string): string {
  return [
    `# ibq: SSH tunnels of instance ${tunnel.instance}. Read by ibq-tunnel@${tunnel.instance}.service.`,
    `DEFINITION=${definition}`,
    `LEADS_TO=${leadsTo(tunnel)}`,
    `RESTART=${tunnel.restart}`,
    ...tunnel.targets.map(({ target }) => `TARGET=${target.text}`),
    '',
  ].join('\n');
}

/** All that it connects to on this host, so that a gateway that has yet to move is known. */
export function leadsTo({ targets }: Tunnel): string {
  const all = targets.flatMap(({ forwards }) => forwards.map(({ to }) => to));
  return [...new Set(all)].sort().join(' ');
}

/**
 * A file and no arguments: ssh hands it on to the connection to the bastion, which otherwise would have
 * neither the key nor the pinned host keys (ssh(1), -J).
 */
export function renderSshConfig(
  tunnel: Tunnel,
  paths: { key: string; knownHosts: string } = {
    key: `${TUNNELS_RUNNING}/${tunnel.instance}/key`,
    knownHosts: KNOWN_HOSTS,
  },
): string {
  const { bastion, proxyCommand } = tunnel;
  const way = [
    ...(bastion === null ? [] : ['ProxyJump bastion']),
    ...(proxyCommand === null ? [] : [`ProxyCommand ${proxyCommand}`]),
  ];
  const own = ownOptions(tunnel.options);
  const blocks = [
    ...tunnel.targets.map(({ target, forwards }, index) =>
      block(targetAlias(index), [
        ...place(target),
        ...forwards.map((it) => `RemoteForward ${listenText(it)} ${it.to}`),
        ...way,
      ]),
    ),
    ...(bastion === null ? [] : [block('bastion', place(bastion))]),
    block('*', [
      ...Object.entries(FIXED).map(([name, { value }]) => `${name} ${value}`),
      'PreferredAuthentications publickey',
      `IdentityFile ${paths.key}`,
      'IdentityAgent none',
      `UserKnownHostsFile ${paths.knownHosts}`,
      'GlobalKnownHostsFile /dev/null',
      `ServerAliveInterval ${tunnel.aliveInterval}`,
      `ServerAliveCountMax ${tunnel.aliveCount}`,
      ...own,
      ...(hasOption(own, 'ConnectTimeout') ? [] : [`ConnectTimeout ${CONNECT_SECONDS}`]),
    ]),
  ];
  const head = `# ibq: SSH tunnels of instance ${tunnel.instance}, for ssh -F. ssh takes the first value that it finds.\n`;
  return head + blocks.join('\n');
}

/** What ssh_config calls a target. @param index from 0 */
export function targetAlias(index: number): string {
  return `target${index + 1}`;
}

function place({ user, host, port }: SshTarget): string[] {
  return [`HostName ${host}`, `User ${user}`, `Port ${port}`];
}

function block(host: string, lines: readonly string[]): string {
  return `Host ${host}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
