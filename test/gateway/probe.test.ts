import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeFields, encodeFrame } from '../../src/gateway/api-protocol.ts';
import { type ProbeOptions, type ProbeResult, probeApi } from '../../src/gateway/probe.ts';

const QUICK = { connectMs: 300, handshakeMs: 150, loginMs: 200 };
const HELLO = encodeFields(187, '20261121 07:00:00 EST');
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A peer on loopback that does `serve` with each connection; resolves with its port. */
async function peer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    serve(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function probe(
  serve: (socket: Socket) => void,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  const port = await peer(serve);
  return probeApi({ host: '127.0.0.1', port }, { timeouts: QUICK, ...options });
}

/** Answers the first bytes with `hello`, later ones with `session`. */
function gateway(hello: Buffer, ...session: Buffer[]): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      socket.write(hello);
      socket.once('data', () => socket.write(Buffer.concat(session)));
    });
    socket.resume();
  };
}

const accounts = encodeFields(15, 1, 'DU123,DU124');
const nextId = encodeFields(9, 1, 7);
const notice = (code: number) => encodeFields(4, 2, -1, code, 'a notice', '');

describe('a probe without a session', () => {
  const big = Buffer.alloc(4);
  big.writeUInt32BE(0xffff_ffff);
  const rows: { name: string; serve: (socket: Socket) => void; state: string; detail: RegExp }[] = [
    { name: 'a gateway', serve: gateway(HELLO), state: 'handshake', detail: /server version 187/ },
    {
      name: 'a relay with nothing behind it',
      serve: (socket) => socket.end(),
      state: 'closed',
      detail: /no gateway/,
    },
    {
      name: 'a reset',
      serve: (socket) => socket.resetAndDestroy(),
      state: 'closed',
      detail: /closed/,
    },
    {
      name: 'silence',
      serve: (socket) => socket.resume(),
      state: 'silent',
      detail: /sent nothing within 150 ms/,
    },
    {
      name: 'an SSH server',
      serve: (socket) => socket.write('SSH-2.0-x\r\n'),
      state: 'silent',
      detail: /not with the IB API/,
    },
    {
      name: 'a huge length',
      serve: (socket) => socket.write(big),
      state: 'silent',
      detail: /not with the IB API/,
    },
    {
      name: 'half a hello',
      serve: (socket) => socket.write(HELLO.subarray(0, 9)),
      state: 'silent',
      detail: /not the IB API/,
    },
    {
      name: 'half a hello, then closed',
      serve: (socket) => socket.end(HELLO.subarray(0, 9)),
      state: 'closed',
      detail: /not the IB API/,
    },
    {
      name: 'frames before the hello',
      serve: gateway(Buffer.concat([encodeFrame('x'), encodeFields(1, 2, 3), HELLO])),
      state: 'handshake',
      detail: /187/,
    },
    {
      name: 'frames that are no hello',
      serve: gateway(encodeFields('no', 'hello')),
      state: 'silent',
      detail: /not the IB API/,
    },
    {
      name: 'a hello byte by byte',
      serve: (socket) => {
        for (const [i, byte] of HELLO.entries()) {
          setTimeout(() => socket.write(Buffer.of(byte)), i);
        }
      },
      state: 'handshake',
      detail: /187/,
    },
    {
      name: 'bytes that drip for ever',
      serve: (socket) => {
        const timer = setInterval(() => socket.write(Buffer.of(0)), 10);
        socket.on('close', () => clearInterval(timer));
      },
      state: 'silent',
      detail: /not the IB API/,
    },
    {
      name: 'a flood',
      serve: (socket) => {
        const flood = Buffer.alloc(1 << 16);
        const more = () => {
          while (!socket.destroyed && socket.write(flood));
        };
        socket.on('drain', more);
        more();
      },
      state: 'silent',
      detail: /not the IB API/,
    },
  ];
  it.each(rows)('$name: $state', async ({ serve, state, detail }) => {
    const result = await probe(serve);
    expect(result).toMatchObject({ state, accounts: [], nextValidId: null });
    expect(result.detail).toMatch(detail);
  });

  it('tells what the hello said and what it took', async () => {
    const result = await probe(gateway(HELLO));
    expect(result).toMatchObject({ serverVersion: 187, connectionTime: '20261121 07:00:00 EST' });
    expect(result.timings).toEqual({
      connectMs: expect.any(Number),
      handshakeMs: expect.any(Number),
      loginMs: null,
    });
  });

  it('opens no session and ends with FIN', async () => {
    const said: Buffer[] = [];
    let ended = '';
    await probe((socket) => {
      socket.on('data', (chunk) => said.push(chunk));
      socket.on('end', () => {
        ended ||= 'FIN';
      });
      socket.on('error', () => {
        ended ||= 'RST';
      });
      socket.write(HELLO);
    });
    expect(Buffer.concat(said).toString('latin1')).toBe('API\0\0\0\0\tv100..187');
    await vi.waitFor(() => expect(ended).toBe('FIN'), 60_000);
  });
});

describe('a probe that logs in', () => {
  const session = (...frames: Buffer[]) => gateway(HELLO, ...frames);
  const rows: { name: string; serve: (socket: Socket) => void; state: string }[] = [
    { name: 'accounts and id', serve: session(accounts, nextId), state: 'logged-in' },
    {
      name: 'fine notices',
      serve: session(notice(2104), accounts, nextId, notice(2158)),
      state: 'logged-in',
    },
    { name: 'link lost', serve: session(accounts, nextId, notice(1100)), state: 'link-down' },
    { name: 'link broken', serve: session(notice(2110), accounts, nextId), state: 'link-down' },
    {
      name: 'link lost and restored',
      serve: session(notice(1100), accounts, nextId, notice(1102)),
      state: 'logged-in',
    },
    { name: 'no accounts', serve: session(nextId), state: 'handshake' },
    {
      name: 'an empty account list',
      serve: session(encodeFields(15, 1, ''), nextId),
      state: 'handshake',
    },
    { name: 'id in use', serve: session(notice(326)), state: 'id-in-use' },
    {
      name: 'closed at startApi',
      serve: (socket) => {
        socket.write(HELLO);
        socket.once('data', () => socket.once('data', () => socket.end()));
      },
      state: 'handshake',
    },
    { name: 'a huge frame', serve: session(Buffer.from('ffffffff', 'hex')), state: 'handshake' },
  ];
  it.each(rows)('$name: $state', async ({ serve, state }) => {
    expect((await probe(serve, { login: {} })).state).toBe(state);
  });

  it('gives accounts, next id and the time it took', async () => {
    expect(await probe(session(accounts, nextId), { login: { clientId: 5 } })).toMatchObject({
      accounts: ['DU123', 'DU124'],
      nextValidId: 7,
      timings: { loginMs: expect.any(Number) },
      detail: 'logged in with 2 accounts',
    });
  });
});

describe('nobody there', () => {
  it('refused', async () => {
    const port = await peer(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const result = await probeApi({ host: '127.0.0.1', port });
    expect(result.state).toBe('refused');
    expect(result.detail).toMatch(/connection refused/);
  });

  it('an unknown host', async () => {
    const result = await probeApi(
      { host: 'no-such-host.invalid', port: 4001 },
      { timeouts: QUICK },
    );
    expect(result.state).toBe('refused');
  });

  it('a port that is none', async () => {
    const result = await probeApi({ host: '127.0.0.1', port: 70_000 });
    expect(result).toMatchObject({
      state: 'refused',
      detail: expect.stringMatching(/cannot be tried/),
    });
  });

  it('a host that drops', async () => {
    const port = await peer(() => undefined);
    const result = await probeApi({ host: '192.0.2.1', port }, { timeouts: QUICK }, () => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.emit = () => true; // as if no answer came
      return socket;
    });
    expect(result).toMatchObject({
      state: 'refused',
      detail: expect.stringMatching(/did not accept within 300 ms/),
    });
  });
});
