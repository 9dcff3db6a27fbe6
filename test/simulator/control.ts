/**
 * Orders to a running simulator, over a Unix socket: one line in, one line out. In a container:
 * `podman exec NAME simulator hang`.
 */

import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { processFacts } from './process-facts.ts';
import type { Simulator } from './simulator.ts';

export const CONTROL_SOCKET = '/tmp/simulator.sock';

/**
 * `state` answers JSON; `clock:hh:mm:ss` sets the gateway's clock; `restart` and `logoff` are what it does by that;
 * `kill`, or `kill:live`, ends Java; anything else is a behaviour.
 */
export function order(simulator: Simulator, line: string): string {
  if (line === 'state') {
    return JSON.stringify({
      contract: simulator.contract,
      behaviour: simulator.behaviour(),
      halves: simulator.halves(),
      services: simulator.services(),
      process: processFacts(),
    });
  }
  try {
    if (line === 'restart' || line === 'logoff') simulator.byClock(line);
    else if (line.startsWith('clock:')) simulator.setClock(line.slice('clock:'.length));
    else if (line === 'kill') simulator.killJava();
    else if (line.startsWith('kill:')) simulator.killJava(line.slice('kill:'.length));
    else simulator.behave(line);
    return 'ok';
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function startControl(simulator: Simulator, path: string): Server {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end >= 0) socket.end(`${order(simulator, text.slice(0, end).trim())}\n`);
    });
  });
  // Nobody has to be able to give orders: a read-only /tmp is no reason to fail.
  server.on('error', () => undefined);
  server.listen(path);
  server.unref();
  return server;
}

/** Gives an order and resolves with the answer; rejects where no simulator listens. */
export function giveOrder(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.write(`${line}\n`));
    socket.on('data', (chunk) => {
      answer += chunk.toString('utf8');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer.trim()));
  });
}
