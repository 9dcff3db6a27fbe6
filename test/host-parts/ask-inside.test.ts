/** What is asked from inside an instance's network: by a bash, and in the same words by Node where there is none. */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AskedPorts,
  askInside,
  byBash,
  byNode,
  CONNECT_MS,
} from '../../src/host/doctor/ask-inside.ts';
import type { HostReader } from '../../src/host/host.ts';
import type { Ipv4 } from '../../src/network/ipv4.ts';
import { sandbox } from '../support/sandbox.ts';

const SELF = '127.0.0.1' as Ipv4;
/** One that listens and says that there is no such name. */
const ANSWERS = '127.0.0.2';
/** One that hears a question and says nothing. */
const SILENT = '127.0.0.3';
/** Nothing listens there: the kernel refuses. */
const REFUSES = '127.0.0.4';
/** Everybody: the kernel has no connection there. */
const NOBODY = '255.255.255.255' as Ipv4;

const tcp = createServer((socket) => socket.destroy());
const answering = createSocket('udp4');
const silent = createSocket('udp4');
const asked: string[] = [];
let open = 0;
let dns = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => tcp.listen(0, SELF, resolve));
  open = (tcp.address() as { port: number }).port;
  await new Promise<void>((resolve) => answering.bind(0, ANSWERS, resolve));
  dns = answering.address().port;
  await new Promise<void>((resolve) => silent.bind(dns, SILENT, resolve));
  answering.on('message', (query, { port, address }) => {
    asked.push(query.subarray(12).toString('latin1'));
    // A response, recursion available, NXDOMAIN (RFC 1035, 4.1.1); the question comes back.
    const response = Buffer.from(query);
    response.writeUInt16BE(0x8183, 2);
    answering.send(response, port, address);
  });
});

afterAll(() => {
  tcp.close();
  answering.close();
  silent.close();
});

describe.each([
  ['bash', byBash],
  ['Node', byNode],
])('%s', (_, by) => {
  const ask = async (hop: Ipv4 | null, servers: string[], port: () => number = () => open) => {
    const ports: AskedPorts = { hop: [port()], dns };
    const [program, ...words] = by({ hop, servers }, ports);
    const started = performance.now();
    const { stdout } = await execa(program, words);
    return { said: stdout.split('\n').sort(), ms: performance.now() - started };
  };

  test('hears a router that listens, and waits for nobody else', async () => {
    const { said, ms } = await ask(SELF, [ANSWERS]);
    expect(said).toEqual([ANSWERS, 'hop', 'over']);
    expect(ms).toBeLessThan(CONNECT_MS);
    expect(asked.at(-1)).toBe('\x12interactivebrokers\x03com\0\0\x01\0\x01');
  });

  test('hears a router that refuses', async () => {
    expect((await ask(SELF, [], () => 1)).said).toEqual(['hop', 'over']);
  });

  test('hears none where nobody is', async () => {
    expect((await ask(NOBODY, [])).said).toEqual(['over']);
  });

  test('hears no server that is silent, refuses or is not there, and the one beside them', async () => {
    const { said, ms } = await ask(null, [SILENT, REFUSES, NOBODY, ANSWERS]);
    expect(said).toEqual([ANSWERS, 'over']);
    expect(ms).toBeGreaterThan(CONNECT_MS - 200);
  });

  test('ends at once where all refuse', async () => {
    const { said, ms } = await ask(null, [REFUSES]);
    expect(said).toEqual(['over']);
    expect(ms).toBeLessThan(CONNECT_MS);
  });
});

describe('which of them is asked', () => {
  const QUESTION = { hop: SELF, servers: [ANSWERS, SILENT] };
  const asking = async (answers: Record<string, string>) => {
    const programs: string[] = [];
    const run: HostReader['run'] = async ([, , , program = '']) => {
      programs.push(program);
      const stdout = answers[program];
      return { stdout: stdout ?? '', stderr: '', exitCode: stdout ? 0 : 1, failure: null };
    };
    const told = await askInside({ ...sandbox().context.host, run }, QUESTION, 1);
    return { told, programs };
  };

  test('bash, which is enough', async () => {
    expect(await asking({ bash: `${ANSWERS}\nhop\nover\n` })).toEqual({
      told: { hop: true, servers: [ANSWERS] },
      programs: ['bash'],
    });
  });

  test('Node, where bash says nothing', async () => {
    expect(await asking({ [process.execPath]: `${SILENT}\nover\n` })).toEqual({
      told: { hop: false, servers: [SILENT] },
      programs: ['bash', process.execPath],
    });
  });

  test('nobody, where there is nothing to ask', async () => {
    const { host } = sandbox().context;
    const told = await askInside(host, { hop: null, servers: [] }, 1);
    expect(told).toEqual({ hop: false, servers: [] });
  });
});
