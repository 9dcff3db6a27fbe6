/** What proves that a service is reached: its own first words, not that somebody accepts. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { PROOFS, tryConnection } from '../../src/host/try-connections.ts';

async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Answers where what is asked begins so. */
const answering = (question: string, answer: string | Buffer) => (socket: Socket) =>
  void socket.once('data', (data: Buffer) =>
    data.toString('latin1').startsWith(question) ? socket.write(answer) : socket.destroy(),
  );

test.each<[string, 'vnc' | 'rdp' | 'supervisor', (socket: Socket) => void, string]>([
  ['VNC greets by itself', 'vnc', (socket) => void socket.write('RFB 003.008\n'), 'ok'],
  ['somebody else greets', 'vnc', (socket) => void socket.write('SSH-2.0-x\r\n'), 'silent'],
  ['accepted and closed', 'vnc', (socket) => void socket.end(), 'closed'],
  [
    'RDP answers a connection request',
    'rdp',
    answering(
      '\x03\x00\x00\x13\x0e\xe0',
      Buffer.from('030000130ed000001234000200080000000000', 'hex'),
    ),
    'ok',
  ],
  ['a page answers', 'supervisor', answering('GET / ', 'HTTP/1.0 401 Unauthorized\r\n\r\n'), 'ok'],
])('%s', async (_title, service, serve, actual) => {
  const port = await listen(serve);
  const at = { host: '127.0.0.1', port, source: null, patient: false };
  expect(await tryConnection({ ...at, proof: PROOFS[service] })).toMatchObject({ actual });
});

test('where nobody listens', async () => {
  const at = { host: '127.0.0.1', port: 1, source: null, patient: false };
  expect(await tryConnection({ ...at, proof: 'vnc' })).toMatchObject({ actual: 'refused' });
});
