/**
 * The other half of `network test`: connections from whatever network namespace this process was
 * started in. The namespace, and all links in it, live as long as this process; it ends with its
 * standard input, so nothing outlives the ibq that started it.
 */

import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { probeApi } from '../gateway/probe.ts';
import { parseIpv4 } from '../network/ipv4.ts';
import type { Actual, Outcome } from '../network/judge-tries.ts';

export interface Connection {
  host: string;
  port: number;
  source: string | null;
  /** It should be accepted: what a loaded machine or a first ARP request loses is sent again. */
  patient: boolean;
  /** `api`: the IB API's handshake; `tcp`: an accepted connection will do. */
  proof: 'api' | 'tcp';
  /** How an instance looks names up: its own hosts file and name servers. */
  names?: { hosts: string; servers: readonly string[] };
}

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

export async function tryConnection(connection: Connection): Promise<Outcome> {
  const start = performance.now();
  const { host, port, source, names, proof, patient } = connection;
  const connectMs = patient ? CONNECT_MS.patient : CONNECT_MS.usual;
  const end = (actual: Actual, detail: string): Outcome => ({
    actual,
    detail,
    ms: Math.round(performance.now() - start),
  });
  const address = names ? await lookUp(host, names) : host;
  if (address === null) return end('unreachable', `${host} could not be looked up`);
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
  const timeouts = { connectMs, handshakeMs: HANDSHAKE_MS };
  const { state, detail } = await probeApi({ host: address, port }, { timeouts }, open);
  if (state === 'refused') return end(refusal(code), detail);
  return end(state === 'closed' || state === 'silent' ? state : 'ok', detail);
}

/** Says nothing to whatever listens: it need not be a gateway. */
function accepts(socket: Socket, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (accepted: boolean) => () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(accepted);
    };
    const timer = setTimeout(end(false), ms);
    socket.once('connect', end(true));
    socket.once('error', end(false));
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
): Promise<string | null> {
  if (parseIpv4(name)) return name;
  for (const line of hosts.split('\n')) {
    const [address, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address && parseIpv4(address) && aliases.includes(name)) return address;
  }
  try {
    const resolver = new Resolver({ timeout: CONNECT_MS.patient, tries: 1 });
    if (servers.length > 0) resolver.setServers([...servers]);
    return (await resolver.resolve4(name))[0] ?? null;
  } catch {
    return null;
  }
}
