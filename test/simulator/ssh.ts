/**
 * ssh, its agent and its keys. Where there is a real ssh it is run with the image's own words; where
 * there is none, the line says what would have run.
 */

import { readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from './container.ts';

/** Status of sshpass for a second question: the passphrase was wrong. */
const WRONG_PASSPHRASE = 5;

/** `ssh-agent >~/.ssh-agent.env`, and its variables taken over. */
export async function startAgent({ env, locate, programs }: Container): Promise<void> {
  let text = 'SSH_AUTH_SOCK=/tmp/ssh-simulated/agent.1; export SSH_AUTH_SOCK;';
  if (programs.hasSsh) text = (await programs.capture(['/usr/bin/ssh-agent'], env)).text;
  writeFileSync(locate(`${env.HOME}/.ssh-agent.env`), `${text}\n`);
  for (const [, name, value] of text.matchAll(/^(SSH_\w+)=([^;]*);/gm)) env[name ?? ''] = value;
}

export function hasKeys({ env, locate }: Container): boolean {
  try {
    return readdirSync(locate(`${env.HOME}/.ssh`)).some((name) => name.startsWith('id_'));
  } catch {
    return false;
  }
}

/**
 * What `SSHPASS=… sshpass -e -P passphrase ssh-add` does and ends with. sshpass itself is not in the
 * simulator's image: the passphrase is given by ssh's own way to ask a program for it.
 */
export async function addKeys(container: Container, passphrase: string): Promise<number> {
  const { env, log, programs } = container;
  if (!programs.hasSsh) {
    log('simulator: not run here: ssh-add');
    return 0;
  }
  const status = await programs.run(['/usr/bin/ssh-add'], {
    ...env,
    SSHPASS: passphrase,
    SSH_ASKPASS: '/opt/simulator/askpass',
    SSH_ASKPASS_REQUIRE: 'force',
    DISPLAY: ':1',
  });
  if (status !== 0) return status === 1 ? WRONG_PASSPHRASE : status;
  const { text } = await programs.capture(['/usr/bin/ssh-add', '-l'], env);
  log(`.> ssh-agent identities: ${text}`);
  return 0;
}

export interface Tunnel {
  argv: readonly [string, ...string[]];
  /** The command line, for the log. */
  shown: string;
  /** Logged before each try. */
  announce: string;
  /** `null`: it is tried once. */
  restartSeconds: number | null;
}

/** Runs the tunnel, again and again, until the container ends. Resolves with the last status. */
export async function keepTunnel(container: Container, tunnel: Tunnel): Promise<number> {
  const { env, log, programs, ended } = container;
  for (;;) {
    log(tunnel.announce);
    let status = 0;
    if (programs.hasSsh) status = await programs.run(tunnel.argv, env);
    else {
      log(`simulator: not run here: ${tunnel.shown}`);
      await sleep(2 ** 30, undefined, { signal: ended }).catch(() => undefined);
    }
    if (tunnel.restartSeconds === null || ended.aborted) return status;
    await sleep(tunnel.restartSeconds * 1000, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return status;
  }
}
