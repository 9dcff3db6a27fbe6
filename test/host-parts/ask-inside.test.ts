/** What is asked from inside an instance's network, by a bash. */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AskedPorts, askInside, byBash } from '../../src/host/doctor/ask-inside.ts';
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

describe('the script', () => {
  const ask = async (hop: Ipv4 | null, servers: string[], port: () => number = () => open) => {
    const ports: AskedPorts = { hop: [port()], dns };
    const [program, ...words] = byBash({ hop, servers }, ports);
    const { stdout } = await execa(program, words);
    return stdout.split('\n').sort();
  };

  test('hears a router that listens, and a server that answers', async () => {
    expect(await ask(SELF, [ANSWERS])).toEqual([ANSWERS, 'hop', 'over']);
    expect(asked.at(-1)).toBe('\x12interactivebrokers\x03com\0\0\x01\0\x01');
  });

  test('hears a router that refuses', async () => {
    expect(await ask(SELF, [], () => 1)).toEqual(['hop', 'over']);
  });

  test('hears none where nobody is', async () => {
    expect(await ask(NOBODY, [])).toEqual(['over']);
  });

  test('hears no server that is silent, refuses or is not there, and the one beside them', async () => {
    expect(await ask(null, [SILENT, REFUSES, NOBODY, ANSWERS])).toEqual([ANSWERS, 'over']);
  });
});

describe('what it said', () => {
  const asking = (stdout: string, failure: 'timed-out' | null = null) => {
    const run: HostReader['run'] = async () => ({ stdout, stderr: '', exitCode: 0, failure });
    const question = { hop: SELF, servers: [ANSWERS, SILENT] };
    return askInside({ ...sandbox().context.host, run }, question, 1);
  };

  test('is who answers', async () => {
    const told = await asking(`${ANSWERS}\nhop\nover\n`);
    expect(told).toEqual({ hop: true, servers: [ANSWERS] });
  });

  test('without an end tells nothing: it had no time, or no sockets', async () => {
    await expect(asking('hop\n', 'timed-out')).rejects.toThrow('did not end in time');
    await expect(asking('')).rejects.toThrow('bash has no sockets');
  });

  test('is not waited for where there is nothing to ask', async () => {
    const { host } = sandbox().context;
    const told = await askInside(host, { hop: null, servers: [] }, 1);
    expect(told).toEqual({ hop: false, servers: [] });
  });
});
