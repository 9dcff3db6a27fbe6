/** `ibq probe`: what it is asked for, and how the answer ends. The talk itself: test/gateway. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { probe } from '../../src/commands/probe.ts';
import { encodeFields } from '../../src/gateway/api-protocol.ts';
import { deployedTree } from '../support/deployed-tree.ts';
import { liveHost } from '../support/live-host.ts';

const OPTIONS = { json: false, login: false };

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

const hello = (socket: Socket) =>
  void socket.once('data', () => socket.end(encodeFields(187, '20261121 07:00:00 EST')));

test('HOST:PORT that answers: 0, and what it said', async () => {
  const sand = await deployedTree();
  const port = await listen(hello);
  expect(await probe(liveHost(sand).context, `127.0.0.1:${port}`, OPTIONS)).toBe(0);
  expect(sand.out[0]?.split('\n')[0]).toBe(`127.0.0.1:${port}: handshake`);
  expect(sand.out[0]).toContain('20261121 07:00:00 EST');
});

test('as JSON', async () => {
  const sand = await deployedTree();
  const port = await listen(hello);
  await probe(liveHost(sand).context, `127.0.0.1:${port}`, { ...OPTIONS, json: true });
  expect(sand.json).toMatchObject([
    {
      target: `127.0.0.1:${port}`,
      state: 'handshake',
      serverVersion: 187,
      connectionTime: '20261121 07:00:00 EST',
      accounts: [],
      nextValidId: null,
      timings: { handshakeMs: expect.any(Number), loginMs: null },
    },
  ]);
});

test('an instance by its name: the port that is published', async () => {
  const port = await listen(hello);
  const sand = await deployedTree({
    '/etc/ibq/instances/4001.toml': `mode = "live"\nuser = "u"\nread_only_api = true\nport = ${port}\n`,
  });
  expect(await probe(liveHost(sand).context, '4001', OPTIONS)).toBe(0);
  expect(sand.out[0]).toContain(`127.0.0.1:${port}: handshake`);
});

test('a relay with nothing behind it is not healthy: 3', async () => {
  const sand = await deployedTree();
  const port = await listen((socket) => socket.end());
  expect(await probe(liveHost(sand).context, `127.0.0.1:${port}`, OPTIONS)).toBe(3);
  expect(sand.out[0]).toContain(': closed');
});

describe('refused: 64', () => {
  test.each([
    ['4009', 'no deployed instance "4009"'],
    ['localhost:0', 'should be an instance or HOST:PORT with a port of 1-65535'],
    ['localhost:70000', 'should be an instance or HOST:PORT with a port of 1-65535'],
  ])('%s', async (target, message) => {
    const { context } = liveHost(await deployedTree());
    await expect(probe(context, target, OPTIONS)).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining(message),
    });
  });

  test('--root: no socket is opened', async () => {
    const { context } = await deployedTree();
    await expect(probe(context, '127.0.0.1:1', OPTIONS)).rejects.toMatchObject({ exitCode: 64 });
  });
});
