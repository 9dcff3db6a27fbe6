/** x11vnc as far as its door: RFB 3.8 with VNC authentication (RFC 6143), and an empty screen. */

import { createCipheriv, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Container } from './container.ts';
import { reason } from './files.ts';
import { listen } from './listen.ts';

const GREETING = 'RFB 003.008\n';
const VNC_AUTHENTICATION = 2;

/** Listens on all addresses; a port that is taken is only logged. */
export async function startVnc(
  container: Container,
  password: string,
  port: number,
): Promise<boolean> {
  const { bind, log, services } = container;
  try {
    const serve = (socket: Socket) => void talk(socket, password).catch(() => socket.destroy());
    services.set('vnc', await listen(container.port(port), bind, serve));
    return true;
  } catch (error) {
    log(`listen4: bind: ${reason(error)}`);
    return false;
  }
}

async function talk(socket: Socket, password: string): Promise<void> {
  const take = reader(socket);
  socket.write(GREETING);
  const minor = Number(/^RFB 003\.(\d{3})\n$/.exec((await take(12)).toString('latin1'))?.[1]);
  if (Number.isNaN(minor)) return void socket.destroy();
  if (minor >= 7) {
    socket.write(Buffer.from([1, VNC_AUTHENTICATION]));
    if ((await take(1))[0] !== VNC_AUTHENTICATION) return void socket.destroy();
  } else socket.write(Buffer.from([0, 0, 0, VNC_AUTHENTICATION]));

  const challenge = randomBytes(16);
  socket.write(challenge);
  if (!(await take(16)).equals(vncResponse(challenge, password))) {
    const why = Buffer.from('password check failed!');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(why.length);
    socket.end(Buffer.concat([Buffer.from([0, 0, 0, 1]), ...(minor >= 8 ? [length, why] : [])]));
    return;
  }
  socket.write(Buffer.from([0, 0, 0, 0]));
  await take(1);
  socket.write(screen());
}

/**
 * DES of the challenge by the first eight characters, the bits of each byte turned round. Node has no
 * plain DES; three times the same key is that.
 */
export function vncResponse(challenge: Buffer, password: string): Buffer {
  const key = Buffer.alloc(8);
  key.write(password.slice(0, 8), 'latin1');
  for (const [at, byte] of key.entries()) key[at] = turnRound(byte);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

function turnRound(byte: number): number {
  let turned = 0;
  for (let bit = 0; bit < 8; bit++) turned |= ((byte >> bit) & 1) << (7 - bit);
  return turned;
}

/** ServerInit: 1024 × 768 in 16 bits, as the image's display is. */
function screen(): Buffer {
  const name = Buffer.from('simulator:1');
  const head = Buffer.alloc(24);
  head.writeUInt16BE(1024, 0);
  head.writeUInt16BE(768, 2);
  Buffer.from([16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0]).copy(head, 4);
  head.writeUInt32BE(name.length, 20);
  return Buffer.concat([head, name]);
}

/** Gives so many bytes once they are there; rejects where the other side goes before. */
function reader(socket: Socket): (size: number) => Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  let look: () => void = () => undefined;
  let gone = false;
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    look();
  });
  socket.on('close', () => {
    gone = true;
    look();
  });
  socket.on('end', () => socket.end());
  return (size) =>
    new Promise((resolve, reject) => {
      look = () => {
        if (bytes.length >= size) {
          look = () => undefined;
          const taken = bytes.subarray(0, size);
          bytes = bytes.subarray(size);
          resolve(taken);
        } else if (gone) reject(new Error('the client has gone'));
      };
      look();
    });
}
