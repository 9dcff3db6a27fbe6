/**
 * The other half of `network test`: connections from whatever network namespace this process was
 * started in. The namespace, and all links in it, live as long as this process; it ends with its
 * standard input, so nothing outlives the ibq that started it.
 */

import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Patience } from '../gateway/patience.ts';
import { probeApi } from '../gateway/probe.ts';
import { parseIpv4 } from '../network/ipv4.ts';
import type { Actual, Outcome } from '../network/judge-tries.ts';
import type { Service } from '../plan/services.ts';

export interface Connection {
  host: string;
  port: number;
  source: string | null;
  /** It should be accepted: what a loaded machine or a first ARP request loses is sent again. */
  patient: boolean;
  proof: Proof;
  /** How an instance looks names up: its own hosts file and name servers. */
  names?: { hosts: string; servers: readonly string[] };
}

/** `api`: the IB API's handshake; `tcp`: an accepted connection will do; else the first words of such a server. */
type Proof = 'api' | 'tcp' | keyof typeof GREETINGS;

/** What is said first, if anything, and how the answer begins. */
const GREETINGS = {
  // The server speaks first (RFC 6143, 7.1.1).
  vnc: { say: '', answer: /^RFB \d{3}\./ },
  // A connection request in a TPKT, answered in another (MS-RDPBCGR 2.2.1.1).
  rdp: {
    say: Buffer.from('030000130ee000000000000100080003000000', 'hex'),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: version 3 of a TPKT
    answer: /^\u0003\u0000/,
  },
  http: { say: 'GET / HTTP/1.0\r\n\r\n', answer: /^HTTP\// },
} as const;

/** Milliseconds. Two SYNs go out in the shorter time, three in the longer: a lost one proves nothing. */
const CONNECT_MS = { patient: 4000, usual: 1500 };
const HANDSHAKE_MS = 3000;

/** Longest time that `tryConnection` takes, milliseconds. */
export const LONGEST_TRY_MS = 2 * CONNECT_MS.patient + HANDSHAKE_MS + 500;

/** Says `ready`; answers each line of connections with a line of outcomes; ends with standard input. */
export async function answerTries(): Promise<never> {
  process.stdout.write('ready\n');
  for await (const line of createInterface({ input: process.stdin })) {
    // Not awaited: standard input must still be read, to see it end.
    void Promise.all((JSON.parse(line) as Connection[]).map(tryConnection)).then((outcomes) =>
      process.stdout.write(`${JSON.stringify(outcomes)}\n`),
    );
  }
  process.exit(0);
}

/** What each service of an instance says when it is reached. */
export const PROOFS: Readonly<Record<Service['service'], Proof>> = {
  api: 'api',
  paper: 'api',
  vnc: 'vnc',
  rdp: 'rdp',
  supervisor: 'http',
};

export async function tryConnection(connection: Connection): Promise<Outcome> {
  const start = performance.now();
  const { host, port, source, names, proof, patient } = connection;
  const connectMs = patient ? CONNECT_MS.patient : CONNECT_MS.usual;
  const end = (actual: Actual, detail: string): Outcome => ({
    actual,
    detail,
    ms: Math.round(performance.now() - start),
  });
  const found = names ? await lookUp(host, names) : { address: host };
  if ('complaint' in found) return end('unreachable', found.complaint);
  const { address } = found;
  let code: string | null = null;
  const open = () => {
    const from = source === null ? {} : { localAddress: source };
    const socket = connectTcp({ host: address, port, ...from });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? null;
    });
    return socket;
  };
  if (proof === 'tcp') {
    return (await accepts(open(), connectMs))
      ? end('ok', 'accepted')
      : end(refusal(code), code ?? 'no answer');
  }
  if (proof !== 'api') {
    const socket = open();
    const { actual, detail } = await greet(socket, connectMs, GREETINGS[proof]);
    return actual === 'refused' ? end(refusal(code), code ?? 'no answer') : end(actual, detail);
  }
  const timeouts = { connectMs, handshakeMs: HANDSHAKE_MS };
  const { state, detail } = await probeApi({ host: address, port }, { timeouts }, open);
  if (state === 'refused') return end(refusal(code), detail);
  return end(state === 'closed' || state === 'silent' ? state : 'ok', detail);
}

/** Says nothing to whatever listens: it need not be a gateway. */
function accepts(socket: Socket, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const patience = new Patience();
    const end = (accepted: boolean) => () => {
      patience.end();
      socket.destroy();
      resolve(accepted);
    };
    patience.set(ms, end(false));
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

/** Accepted connections prove nothing: Podman's own listener accepts where its firewall rules are gone. */
function greet(
  socket: Socket,
  connectMs: number,
  { say, answer }: (typeof GREETINGS)[keyof typeof GREETINGS],
): Promise<{ actual: 'ok' | 'refused' | 'closed' | 'silent'; detail: string }> {
  return new Promise((resolve) => {
    const patience = new Patience();
    const end = (actual: 'ok' | 'refused' | 'closed' | 'silent', detail: string) => {
      patience.end();
      socket.destroy();
      resolve({ actual, detail });
    };
    patience.set(connectMs, () => end('refused', ''));
    let connected = false;
    socket.once('connect', () => {
      connected = true;
      patience.set(HANDSHAKE_MS, () => end('silent', 'accepted, and nothing came'));
      if (say.length > 0) socket.write(say);
    });
    socket.once('data', (data: Buffer) =>
      answer.test(data.toString('latin1'))
        ? end('ok', 'it answers')
        : end('silent', 'something else answers there'),
    );
    socket.once('close', () =>
      connected ? end('closed', 'accepted, and closed without a word') : end('refused', ''),
    );
  });
}

/** @param code of the socket's error; null: there was none, it took too long */
function refusal(code: string | null): Actual {
  if (code === null || code === 'ETIMEDOUT') return 'dropped';
  return code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
}

async function lookUp(
  name: string,
  { hosts, servers }: NonNullable<Connection['names']>,
): Promise<{ address: string } | { complaint: string }> {
  if (parseIpv4(name)) return { address: name };
  for (const line of hosts.split('\n')) {
    const [address, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address && parseIpv4(address) && aliases.includes(name)) return { address };
  }
  const unknown = { complaint: `${name} could not be looked up` };
  try {
    const resolver = new Resolver({ timeout: CONNECT_MS.patient, tries: 1 });
    if (servers.length > 0) resolver.setServers([...servers]);
    const [address] = await resolver.resolve4(name);
    return address === undefined ? unknown : { address };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return ['ETIMEOUT', 'ECONNREFUSED'].includes(code)
      ? {
          complaint: `${name} could not be looked up: its name servers do not answer (${servers.join(', ') || 'it has none'}); set dns`,
        }
      : unknown;
  }
}
