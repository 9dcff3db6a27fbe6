/** danklabs' start_ssh and the SSH part of its ib_utils: the tunnel as a supervised program. */

import type { Container } from '../container.ts';
import { Exit } from '../contract.ts';
import { addKeys, hasKeys, keepTunnel, startAgent } from '../ssh.ts';
import { fileEnv, unsetEnv } from './gnzsnz-common.ts';

/** Resolves with the tunnel's status. SSH_RESTART is documented: it starts again after that. */
export async function startDanklabsSsh(container: Container): Promise<number> {
  const { contract, env, log } = container;
  log(`.> SSH tunnel enabled (mode: ${env.SSH_TUNNEL})`);
  const mode = env.TRADING_MODE;
  if (mode !== 'live' && mode !== 'paper') {
    log(`.> Invalid TRADING_MODE: ${mode ?? ''}`);
    return 1;
  }
  const { api } = contract.ports[mode];
  const alive = `-o ServerAliveInterval=${env.SSH_ALIVE_INTERVAL || '20'}`;
  const count = `-o ServerAliveCountMax=${env.SSH_ALIVE_COUNT || '3'}`;
  const options = [alive, count, env.SSH_OPTIONS].filter(Boolean).join(' ');
  log('.> Setting up SSH tunnel');
  log(`.> SSH options: ${options}`);
  await setUpKeys(container);
  if (!env.SSH_USER_TUNNEL) {
    log('.> SSH_USER_TUNNEL not set, cannot start tunnel');
    return 1;
  }
  const remote = env.SSH_REMOTE_PORT || String(api);
  let screen = '';
  if (contract.product === 'gateway' && env.SSH_VNC_PORT && env.VNC_PWD) {
    screen = `-R 127.0.0.1:5900:localhost:${env.SSH_VNC_PORT}`;
    log(`.> SSH VNC tunnel enabled: ${screen}`);
  } else if (contract.product === 'tws' && env.SSH_RDP_PORT) {
    screen = `-R 127.0.0.1:3389:localhost:${env.SSH_RDP_PORT}`;
    log(`.> SSH RDP tunnel enabled: ${screen}`);
  }
  log(`.> Starting SSH tunnel: ${env.SSH_USER_TUNNEL}`);
  // Unquoted in the script: the shell splits the options, and nothing in them quotes.
  const words = `${options} -TNR 127.0.0.1:${api}:localhost:${remote} ${screen}`.split(/\s+/);
  const argv = [...words.filter((word) => word !== ''), env.SSH_USER_TUNNEL];
  return keepTunnel(container, {
    argv: ['ssh', ...argv],
    shown: ['ssh', ...argv].join(' '),
    announce: `.> Local port: ${api}, Remote port: ${remote}`,
    restartSeconds: Number(env.SSH_RESTART || 5) || 0,
  });
}

/** `setup_ssh`: an agent only for a passphrase; without one ssh reads the keys itself. */
async function setUpKeys(container: Container): Promise<void> {
  const { env, log } = container;
  fileEnv(container, 'SSH_PASSPHRASE');
  if (!env.SSH_PASSPHRASE) return;
  log('.> Starting ssh-agent.');
  await startAgent(container);
  log(`.> ssh-agent sock: ${env.SSH_AUTH_SOCK}`);
  if (!hasKeys(container)) {
    log('.> SSH keys not found, ssh-agent not started');
    return;
  }
  log('.> Adding keys to ssh-agent.');
  const status = await addKeys(container, env.SSH_PASSPHRASE);
  unsetEnv(env, 'SSH_PASSPHRASE');
  if (status !== 0) throw new Exit(status);
}
