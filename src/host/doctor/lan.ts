/** Facts about the LAN and the way out, asked of those who are there. */

import { connect } from 'node:net';
import type { Config, Lan } from '../../config/types.ts';
import type { FactValues } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import { lanInterface } from '../../network/guard.ts';
import {
  broadcastOf,
  type Ipv4,
  ipv4FromNumber,
  networkOf,
  parseIpv4,
  prefixOf,
} from '../../network/ipv4.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest } from '../../plan/manifest.ts';
import type { HostReader } from '../host.ts';
import { askLan } from '../lan-ask.ts';
import { hasLostLan } from '../lan-link.ts';
import { describeAstray, findAstray, mendAstray } from '../way-in.ts';

/** A first try and the kernel's second one, a second later. */
const WAIT_MS = 1200;
/** What should be silent is asked twice: a machine that is awake answers in some milliseconds. */
const SILENCE = { waitMs: 175, times: 2 };
/** How many instances try the way out: they share bridges, and each try is a process of its own. */
const MOST_TRIED = 4;
/** The rest of a larger range is not asked: the kernel's table of neighbours is small (gc_thresh2). */
const MOST_ASKED = 256;

/** @throws UserError without a LAN */
export function requireLan({ network }: Config): Lan {
  if (network.lan === null) throw new UserError('no LAN is configured (mode bridge)');
  return network.lan;
}

/** The whole range, and deployed addresses wherever they lie. */
export async function readLanAnswers(
  host: HostReader,
  config: Config,
  manifest: Manifest | null,
  network: NetworkFacts,
): Promise<FactValues['lanAnswers']> {
  const { interface: device, range } = requireLan(config);
  const deployed = Object.values(manifest?.instances ?? {}).flatMap(
    ({ lan }) => parseIpv4(lan?.address ?? '') ?? [],
  );
  const addresses = new Set<Ipv4>(deployed);
  for (let at = networkOf(range); at <= broadcastOf(range); at++) {
    if (addresses.size < MOST_ASKED) addresses.add(ipv4FromNumber(at));
  }
  for (const own of network.addresses) addresses.delete(own);
  return askLan(host, { device, addresses: [...addresses], ...SILENCE });
}

/** @throws UserError where nobody can ask */
export async function readLanFromInside(
  host: HostReader,
  config: Config,
  manifest: Manifest | null,
  running: ReadonlyMap<string, RunningInstance>,
): Promise<FactValues['lanFromInside']> {
  const { interface: device, gateway } = requireLan(config);
  const inside = [...running].filter(([name, record]) => {
    const instance = manifest?.instances[name];
    // One that has lost its interface is told as such: check `instances`.
    return instance?.lan && !hasLostLan(host.files, instance, record);
  });
  if (inside.length === 0) throw new UserError('no instance with a LAN address runs');
  const ask = async (from: string, pid?: number) => {
    const question = { device: from, addresses: [gateway], waitMs: WAIT_MS };
    const answers = await askLan(host, pid === undefined ? question : { ...question, pid });
    return answers.has(gateway);
  };
  const [onHost, instances] = await Promise.all([
    ask(device),
    Promise.all(
      inside.map(async ([name, { pid }]) => ({ name, answered: await ask(lanInterface, pid) })),
    ),
  ]);
  return { gateway, host: onHost, instances };
}

export async function readWayOut(
  host: HostReader,
  manifest: Manifest | null,
  running: ReadonlyMap<string, RunningInstance>,
  network: NetworkFacts,
): Promise<FactValues['wayOut']> {
  const { files } = host;
  const published = [...running].filter(([name]) => manifest?.instances[name]?.publish);
  const inside = published.slice(0, MOST_TRIED);
  const defaults = network.routes.filter(({ destination }) => prefixOf(destination) === 0);
  const nextHop =
    defaults.sort((a, b) => a.metric - b.metric).find(({ gateway }) => gateway)?.gateway ?? null;
  const [onHost, instances, droppingChains, ways] = await Promise.all([
    nextHop !== null && answers(nextHop),
    Promise.all(
      inside.map(async ([name, { pid }]) => ({
        name,
        answered: nextHop !== null && (await answersInside(host, nextHop, pid)),
      })),
    ),
    readDroppingChains(host),
    // All of a bridge lie in one subnet.
    Promise.all(inside.slice(0, 1).map(([, { pid }]) => findAstray(host, pid))),
  ]);
  const astray = ways.flatMap((way) =>
    way === null ? [] : { detail: describeAstray(way), mend: mendAstray(way) },
  );
  const ipForward = files.readText('/proc/sys/net/ipv4/ip_forward')?.trim() === '1';
  return { ipForward, nextHop, host: onHost, instances, astray, droppingChains };
}

/** Any word from the other side will do: a refused connection has been there and back. */
const PORTS = [53, 80, 443, 22, 7];
const CONNECT_MS = 1500;

async function answers(address: Ipv4): Promise<boolean> {
  const sockets = PORTS.map((port) => connect(port, address));
  const answered = new Promise<boolean>((resolve) => {
    for (const socket of sockets) {
      socket.on('connect', () => resolve(true));
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve(true);
      });
    }
    setTimeout(() => resolve(false), CONNECT_MS).unref();
  });
  try {
    return await answered;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** The same where only another process gets to. */
const CONNECT = `
const net = require('node:net');
const [host, ...ports] = process.argv.slice(1);
for (const port of ports) {
  const socket = net.connect(Number(port), host);
  socket.on('connect', () => process.exit(0));
  socket.on('error', ({ code }) => { if (code === 'ECONNREFUSED' || code === 'ECONNRESET') process.exit(0); });
}
setTimeout(() => process.exit(1), ${CONNECT_MS});
`;

async function answersInside(host: HostReader, address: Ipv4, pid: number): Promise<boolean> {
  const node = [process.execPath, '-e', CONNECT, address, ...PORTS.map(String)] as const;
  const result = await host.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...node]);
  // No answer within its time is not the same as no time to ask.
  if (result.failure !== null) throw new UserError('a try to connect did not end in time');
  return result.exitCode === 0;
}

/** Filter chains that drop what is forwarded unless a rule accepts it: Docker's, ufw's, firewalld's. */
async function readDroppingChains(host: HostReader): Promise<string[]> {
  const result = await host.run(['nft', '--json', 'list', 'chains']);
  if (result.exitCode !== 0) return [];
  const { nftables } = JSON.parse(result.stdout) as { nftables: { chain?: NftChain }[] };
  return nftables.flatMap(({ chain }) =>
    chain?.hook === 'forward' && chain.policy === 'drop'
      ? `${chain.family} ${chain.table} ${chain.name}`
      : [],
  );
}

interface NftChain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}
