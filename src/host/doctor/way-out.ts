/** Facts about the way out of the gateways, asked of those who are there. */

import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import type { FactValues } from '../../doctor/facts.ts';
import { Patience } from '../../gateway/patience.ts';
import type { NetworkFacts } from '../../network/facts.ts';
import { type Ipv4, prefixOf } from '../../network/ipv4.ts';
import type { RunningInstance } from '../../plan/installed.ts';
import type { Manifest } from '../../plan/manifest.ts';
import type { HostReader } from '../host.ts';
import { findAstray, wayTo } from '../ways.ts';
import { askInside, CONNECT_MS, NAME, NO_ANSWER, PORTS } from './ask-inside.ts';

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
