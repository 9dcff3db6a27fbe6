/** From the far end of a tunnel back to here: what a client on that machine would see. */

import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { type ProbeResult, probeApi } from '../gateway/probe.ts';
import { TUNNELS_RUNNING, targetAlias } from '../ssh/render.ts';
import type { Host } from './host.ts';

/** ssh has to get there first. */
const HANDSHAKE_MS = 25_000;

export interface WayBack {
  probe: ProbeResult;
  /** What ssh said; empty where it said nothing. */
  said: string;
}

/**
 * A second connection to the target opens the tunnel's port there (`ssh -W`), with the same key, as the same
 * user without rights, and the IB API's handshake goes all the way round.
 *
 * @param index of the target, from 0 @param listen `127.0.0.1:4001` as that machine knows it
 */
export async function probeWayBack(
  host: Host,
  {
    instance,
    index,
    listen,
    socket: path,
  }: {
    instance: string;
    index: number;
    listen: string;
    /** Path for a socket, where nobody else can look. */
    socket: string;
  },
): Promise<WayBack> {
  const running = `${TUNNELS_RUNNING}/${instance}`;
  const { stdout } = await host.run(['stat', '-c', '%u %g', `${running}/key`]);
  const [uid = '65534', gid = '65534'] = stdout.trim().split(' ');
  const [program, ...args] = [
    ...['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'],
    ...['--inh-caps=-all', '--bounding-set=-all', 'ssh', '-F', `${running}/ssh_config`],
    ...['-o', 'LogLevel=INFO', '-W', listen.replace(/^(?:\*|0\.0\.0\.0):/, '127.0.0.1:')],
    targetAlias(index),
  ] as const;
  let said = '';
  const server = createServer((socket) => {
    const env = { PATH: process.env.PATH, HOME: '/', SHELL: '/bin/sh', LC_ALL: 'C.UTF-8' };
    const ssh = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
    ssh.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    ssh.on('error', () => socket.destroy());
    ssh.stdin.on('error', () => {});
    socket.on('error', () => {});
    socket.on('close', () => ssh.kill());
    socket.pipe(ssh.stdin);
    ssh.stdout.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    const [, address = listen, port = '0'] = /^(.*):(\d+)$/.exec(listen) ?? [];
    const probe = await probeApi(
      { host: address, port: Number(port) },
      { timeouts: { handshakeMs: HANDSHAKE_MS } },
      () => connect(path),
    );
    return { probe, said: said.trim() };
  } finally {
    server.close();
  }
}
