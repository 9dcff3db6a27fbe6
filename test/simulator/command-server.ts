/** IBC's command server: lines of text over TCP, as IBC's CommandDispatcher answers them. */

import type { Socket } from 'node:net';
import { type Listener, listen } from './listen.ts';

export interface CommandServerOptions {
  /** 0: any. */
  port: number;
  host: string;
  /** Writes a line of IBC's log. */
  log: (message: string) => void;
  /** Carried out after the answer is on its way. */
  carryOut: (command: 'STOP' | 'RESTART' | 'PAUSE') => void;
}

/** Rejects where the port is taken; IBC then goes on without one. */
export function startCommandServer(options: CommandServerOptions): Promise<Listener> {
  return listen(options.port, options.host, (socket) => {
    options.log(`CommandServer accepted connection from: /${socket.remoteAddress ?? ''}`);
    let text = '';
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const lines = text.split(/\r?\n/);
      text = lines.pop() ?? '';
      if (text.length > 4096) socket.destroy();
      for (const line of lines) {
        if (line.trim() !== '' && !socket.writableEnded) handle(line, socket, options);
      }
    });
  });
}

function handle(line: string, socket: Socket, { log, carryOut }: CommandServerOptions): void {
  log(`CommandServer received command: ${line}`);
  const command = line.toUpperCase();
  switch (command) {
    case 'EXIT':
      socket.end('OK Goodbye\n');
      return;
    case 'STOP':
      socket.end('OK Shutting down: STOP command\n');
      carryOut(command);
      return;
    case 'RESTART':
    case 'PAUSE':
      log(`RestartTask: pauseOnly = ${command === 'PAUSE'}`);
      socket.end(`OK ${command} in progress\n`);
      carryOut(command);
      return;
    case 'ENABLEAPI':
      socket.write('ERROR ENABLEAPI is not valid for the IB Gateway\n');
      return;
    case 'RECONNECTDATA':
    case 'RECONNECTACCOUNT':
      socket.write('OK \n');
      return;
    default:
      socket.write('ERROR Command invalid\n');
      log(`CommandServer: invalid command received: ${line}`);
  }
}
