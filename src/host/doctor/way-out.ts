/** Facts about the way out of the gateways, asked of those who are there. */

import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import type { FactValues } from '../../doctor/facts.ts';
import { UserError } from '../../errors.ts';
import { Patience } from '../../gateway/patience.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import { type Ipv4, prefixOf } from '../../network/ipv4.ts';
import { parseJson } from '../../network/json.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest } from '../../plan/manifest.ts';
import type { HostReader } from '../host.ts';
import { findAstray, wayTo } from '../ways.ts';

/** How many instances try the way out: they share bridges, and each try is a process of its own. */
const MOST_TRIED = 4;
/** An address of the internet: which way it would go is asked, nothing is sent. */
const SOMEWHERE = '1.1.1.1';

export async function readWayOut(
  host: HostReader,
  manifest: Manifest | null,
  running: ReadonlyMap<string, RunningInstance>,
  network: NetworkFacts,
): Promise<FactValues['wayOut']> {
  const { files } = host;
  const published = [...running].filter(([name]) => manifest?.instances[name]?.publish);
  const tried = published.slice(0, MOST_TRIED).map(([name, { pid }]) => ({
    name,
    pid,
    lan: manifest?.instances[name]?.lan?.address ?? null,
    servers: serversOf(files.readText(`/proc/${pid}/root/etc/resolv.conf`) ?? ''),
  }));
  const way = await wayTo(host, SOMEWHERE);
  const nextHop = way === null ? defaultGateway(network) : way.gateway;
  const servers = [...new Set(tried.flatMap((it) => it.servers))];
  const [onHost, answering, instances, droppingChains] = await Promise.all([
    nextHop !== null && answers(nextHop),
    answeringServers(servers),
    Promise.all(
      tried.map(async ({ name, pid, lan, servers: own }) => {
        const [inside, astray] = await Promise.all([
          askInside(host, { hop: nextHop, servers: own }, pid),
          findAstray(host, pid, lan),
        ]);
        return { name, answered: inside.hop, servers: inside.servers, own, astray };
      }),
    ),
    readDroppingChains(host),
  ]);
  return {
    ipForward: files.readText('/proc/sys/net/ipv4/ip_forward')?.trim() === '1',
    nextHop,
    leavesBy: way?.interface ?? null,
    host: onHost,
    instances: instances.map(({ name, answered }) => ({ name, answered })),
    astray: instances.flatMap(({ name, astray }) => (astray === null ? [] : [{ name, ...astray }])),
    bridgeSubnet: manifest?.publishSubnet ?? null,
    deaf: instances.flatMap(({ name, own, servers: heard }) => {
      const lost = own.filter((it) => answering.includes(it) && !heard.includes(it));
      // One that answers is enough: the resolver asks the next.
      return lost.length > 0 && heard.length === 0 ? [{ name, servers: lost }] : [];
    }),
    droppingChains,
  };
}

function defaultGateway({ routes }: NetworkFacts): Ipv4 | null {
  const defaults = routes.filter(({ destination }) => prefixOf(destination) === 0);
  return (
    defaults.sort((a, b) => a.metric - b.metric).find(({ gateway }) => gateway)?.gateway ?? null
  );
}

/** IPv4 ones: there is no IPv6 inside. */
function serversOf(resolvConf: string): string[] {
  return [...resolvConf.matchAll(/^nameserver\s+(\d+(?:\.\d+){3})\s*$/gm)].map(
    ([, server = '']) => server,
  );
}

/** Any word from the other side will do: a refused connection has been there and back. */
const PORTS = [53, 80, 443, 22, 7];
const CONNECT_MS = 1500;
/** Any answer will do, also that there is no such name. */
const NAME = 'interactivebrokers.com';
const NO_ANSWER = ['ETIMEOUT', 'ECONNREFUSED'];

async function answers(address: Ipv4): Promise<boolean> {
  const sockets = PORTS.map((port) => connect(port, address));
  const patience = new Patience();
  const answered = new Promise<boolean>((resolve) => {
    for (const socket of sockets) {
      socket.on('connect', () => resolve(true));
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve(true);
      });
    }
    patience.set(CONNECT_MS, () => resolve(false));
  });
  try {
    return await answered;
  } finally {
    patience.end();
    for (const socket of sockets) socket.destroy();
  }
}

async function answeringServers(servers: readonly string[]): Promise<string[]> {
  const asked = servers.map(async (server) => {
    const resolver = new Resolver({ timeout: CONNECT_MS, tries: 1 });
    resolver.setServers([server]);
    try {
      await resolver.resolve4(NAME);
      return [server];
    } catch (error) {
      return NO_ANSWER.includes((error as NodeJS.ErrnoException).code ?? '') ? [] : [server];
    }
  });
  return (await Promise.all(asked)).flat();
}

/** The same where only another process gets to: of a place and name servers, those that answer. */
const INSIDE = `
const net = require('node:net');
const { Resolver } = require('node:dns').promises;
const { hop, servers } = JSON.parse(process.argv[1]);
const told = { hop: false, servers: [] };
const end = () => { console.log(JSON.stringify(told)); process.exit(0); };
const hopAsked = new Promise((resolve) => {
  if (hop === null) return resolve();
  for (const port of ${JSON.stringify(PORTS)}) {
    const socket = net.connect(port, hop);
    const heard = () => { told.hop = true; resolve(); };
    socket.on('connect', heard);
    socket.on('error', ({ code }) => { if (code === 'ECONNREFUSED' || code === 'ECONNRESET') heard(); });
  }
});
const serversAsked = servers.map((server) => {
  const resolver = new Resolver({ timeout: ${CONNECT_MS}, tries: 1 });
  resolver.setServers([server]);
  return resolver.resolve4('${NAME}').then(() => true, ({ code }) => !${JSON.stringify(NO_ANSWER)}.includes(code))
    .then((heard) => heard && told.servers.push(server));
});
setTimeout(() => setImmediate(end), ${CONNECT_MS});
Promise.all([hopAsked, ...serversAsked]).then(end);
`;

async function askInside(
  host: HostReader,
  question: { hop: Ipv4 | null; servers: readonly string[] },
  pid: number,
): Promise<{ hop: boolean; servers: string[] }> {
  const node = [process.execPath, '-e', INSIDE, JSON.stringify(question)] as const;
  const result = await host.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...node]);
  // No answer within its time is not the same as no time to ask.
  if (result.failure !== null) throw new UserError('a try to connect did not end in time');
  return (parseJson(result.stdout) ?? { hop: false, servers: [] }) as {
    hop: boolean;
    servers: string[];
  };
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
