/** The SSH part of gnzsnz's common.sh, and run_ssh.sh: what starts a tunnel and what does not. */

import type { Container } from '../container.ts';
import { Exit, type Mode } from '../contract.ts';
import { addKeys, hasKeys, keepTunnel, startAgent } from '../ssh.ts';
import { fileEnv, unsetEnv } from './gnzsnz-common.ts';

/** What runs besides the gateway, as `pgrep` finds it. */
export interface SshState {
  agent: boolean;
  /** Modes with a tunnel. */
  tunnels: Set<Mode>;
}

export function isTunnelled({ env }: Container): boolean {
  return env.SSH_TUNNEL === 'yes' || env.SSH_TUNNEL === 'both';
}

/** `setup_ssh`: the agent starts with a passphrase alone. `state`: what an earlier try left running. */
export async function setupSsh(
  container: Container,
  state: SshState = { agent: false, tunnels: new Set() },
): Promise<SshState> {
  const { env, log } = container;
  if (!isTunnelled(container)) {
    log('.> SSH tunnel disabled');
    return state;
  }
  log('.> Setting SSH tunnel');
  const alive = `-o ServerAliveInterval=${env.SSH_ALIVE_INTERVAL || '20'}`;
  const count = `-o ServerAliveCountMax=${env.SSH_ALIVE_COUNT || '3'}`;
  env.SSH_ALL_OPTIONS = [alive, count, env.SSH_OPTIONS].filter(Boolean).join(' ');
  log(`.> SSH options: ${env.SSH_ALL_OPTIONS}`);
  fileEnv(container, 'SSH_PASSPHRASE');
  if (!env.SSH_PASSPHRASE) return state;

  if (state.agent) {
    log('.> ssh-agent already running');
    return state;
  }
  log('.> Starting ssh-agent.');
  await startAgent(container);
  state.agent = true;
  log(`.> ssh-agent sock: ${env.SSH_AUTH_SOCK}`);
  if (!hasKeys(container)) {
    log(`ls: cannot access '${env.HOME}/.ssh/id_*': No such file or directory`);
    log('.> SSH keys not found, ssh-agent not started');
    return state;
  }
  log('.> Adding keys to ssh-agent.');
  const status = await addKeys(container, env.SSH_PASSPHRASE);
  unsetEnv(env, 'SSH_PASSPHRASE');
  // `set -e`: keys that cannot be added end the script.
  if (status !== 0) throw new Exit(status);
  return state;
}

/** `start_ssh`, and run_ssh.sh for as long as the container lives. */
export function startSsh(container: Container, state: SshState, mode: Mode): void {
  const { contract, env, log, services } = container;
  const { api } = contract.ports[mode];
  if (state.tunnels.has(mode)) {
    log('.> SSH tunnel already active. Not starting a new one');
    return;
  }
  if (!state.agent) {
    log('.> ssh-agent is NOT running. Not starting a tunnel');
    return;
  }
  env.SSH_REMOTE_PORT ||= String(api);
  log(`.> SSH_REMOTE_PORT set to :${env.SSH_REMOTE_PORT}`);
  let screen = '';
  if (contract.product === 'gateway' && env.SSH_VNC_PORT && services.has('vnc')) {
    screen = `-R 127.0.0.1:5900:localhost:${env.SSH_VNC_PORT}`;
    log(`.> SSH_VNC_TUNNEL set to :${screen}`);
  } else if (contract.product === 'tws' && env.SSH_RDP_PORT) {
    screen = `-R 127.0.0.1:3389:localhost:${env.SSH_RDP_PORT}`;
    log(`.> SSH_RDP_TUNNEL set to :${screen}`);
  }
  // The far side listens on the API's port, and leads to SSH_REMOTE_PORT in here.
  const forward = `-TNR 127.0.0.1:${api}:localhost:${env.SSH_REMOTE_PORT}`;
  const line = `ssh ${env.SSH_ALL_OPTIONS} ${forward} ${screen} ${env.SSH_USER_TUNNEL ?? ''}`;
  state.tunnels.add(mode);
  void keepTunnel(container, {
    argv: ['bash', '-c', line],
    shown: line,
    announce: `.> Starting ssh tunnel with ssh sock: ${env.SSH_AUTH_SOCK}`,
    restartSeconds: Number(env.SSH_RESTART || 5) || 0,
  });
}
