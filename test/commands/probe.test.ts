/** `ibq probe`: what it is asked for, and how the answer ends. The talk itself: test/gateway. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { probe } from '../../src/commands/probe.ts';
import { encodeFields } from '../../src/gateway/api-protocol.ts';
import { misfits } from '../schema/validate.ts';
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

describe('with --login, accounts of the other kind are told, and no failure', () => {
  /** A gateway with these accounts. */
  const gateway = (accounts: string) => (socket: Socket) => {
    socket.once('data', () => {
      socket.write(encodeFields(187, '20261121 07:00:00 EST'));
      socket.once('data', () => {
        socket.write(encodeFields(15, 1, accounts));
        socket.write(encodeFields(9, 1, 1));
      });
    });
  };
  const options = { json: true, login: true };

  test.each([
    [
      'paper',
      'U123',
      ['U123 is a live account, and this is a paper gateway: orders sent here are real'],
    ],
    ['paper', 'DU123', []],
    ['live', 'U123', []],
  ])('%s, %s', async (mode, accounts, problems) => {
    const port = await listen(gateway(accounts));
    const sand = await deployedTree({
      '/etc/ibq/instances/4001.toml': `mode = "${mode}"\nuser = "u"\nread_only_api = true\nport = ${port}\n`,
    });
    expect(await probe(liveHost(sand).context, '4001', options)).toBe(0);
    expect(sand.json).toMatchObject([{ state: 'logged-in', accounts: [accounts], problems }]);
    const warned = sand.warnings.filter((text) => text.includes('orders sent here'));
    expect(warned).toEqual(problems.map((problem) => `4001: ${problem}`));
  });

  test('of a port nobody knows what it should be', async () => {
    const sand = await deployedTree();
    const port = await listen(gateway('U123'));
    await probe(liveHost(sand).context, `127.0.0.1:${port}`, options);
    expect(sand.json).toMatchObject([{ accounts: ['U123'], problems: [] }]);
  });
});

test('a relay with nothing behind it is not healthy: 3', async () => {
  const sand = await deployedTree();
  const port = await listen((socket) => socket.end());
  expect(await probe(liveHost(sand).context, `127.0.0.1:${port}`, OPTIONS)).toBe(3);
  expect(sand.out[0]).toContain(': closed');
});

describe('an instance of mode both', () => {
  async function both(paper: (socket: Socket) => void) {
    const ports = { live: await listen(hello), paper: await listen(paper) };
    const sand = await deployedTree({
      '/etc/ibq/instances/4001.toml': `mode = "both"\nuser = "u"\npaper_user = "p"\nread_only_api = true\nport = ${ports.live}\npaper_port = ${ports.paper}\n`,
    });
    return { sand, ports, context: liveHost(sand).context };
  }

  test('both are asked, and told apart', async () => {
    const { sand, ports, context } = await both(hello);
    expect(await probe(context, '4001', OPTIONS)).toBe(0);
    expect(sand.out.map((text) => text.split('\n')[0])).toEqual([
      `live 127.0.0.1:${ports.live}: handshake`,
      `paper 127.0.0.1:${ports.paper}: handshake`,
    ]);
  });

  test('one that is dead makes it unhealthy; JSON has the first one, and all', async () => {
    const { sand, ports, context } = await both((socket) => socket.end());
    expect(await probe(context, '4001', { ...OPTIONS, json: true })).toBe(3);
    expect(sand.json).toMatchObject([
      {
        target: `127.0.0.1:${ports.live}`,
        state: 'handshake',
        services: [
          { service: 'api', half: 'live', target: `127.0.0.1:${ports.live}`, state: 'handshake' },
          { service: 'paper', half: 'paper', target: `127.0.0.1:${ports.paper}`, state: 'closed' },
        ],
      },
    ]);
    expect(misfits('probe', { schemaVersion: 1, ...sand.json[0] })).toEqual([]);
  });

  test('--half asks one', async () => {
    const { sand, context } = await both((socket) => socket.end());
    expect(await probe(context, '4001', { ...OPTIONS, half: 'live' })).toBe(0);
    expect(await probe(context, '4001', { ...OPTIONS, half: 'paper' })).toBe(3);
    expect(sand.out).toHaveLength(2);
  });
});

describe('refused: 64', () => {
  test.each([
    ['4001', 'paper', 'instance 4001 has no paper API, its mode is live'],
    ['127.0.0.1:1', 'live', '--half: goes with an instance'],
  ] as const)('%s --half %s', async (target, half, message) => {
    const { context } = liveHost(await deployedTree());
    await expect(probe(context, target, { ...OPTIONS, half })).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining(message),
    });
  });

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
