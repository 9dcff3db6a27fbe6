/** What is in force on the network: asked of the kernel and of Podman, never of the configuration. */

import type {
  InstanceState,
  LinkState,
  LinkWord,
  NamespaceState,
  NetworkInForce,
  PodmanNetwork,
  RouteState,
  RulesWord,
} from '../network/in-force.ts';
import {
  cidrsBetween,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  parseIpv4,
} from '../network/ipv4.ts';
import { field, listOf, parseJson, textOf } from '../network/json.ts';
import { parseRules, sameRules } from '../network/nft-rules.ts';
import { HOST_RULES_LOADED, RUNNING } from '../plan/paths.ts';
import { sidesOf } from '../plan/services.ts';
import type { HostReader } from './host.ts';
import { definedNetworks, readCurrentManifest, sharesHostNetwork } from './installed.ts';
import { type Observation, observeInstances } from './observe.ts';
import { requireDone } from './systemd.ts';

/** Record separator: nothing of what is asked prints it. */
const SEPARATOR = '\u001e';

/**
 * All that is asked of one network namespace, in one process. The rules that were loaded last are
 * loaded once more into an empty namespace: listed there by the same nft, they can be compared.
 */
const QUESTIONS = `
next() { printf '\\036'; }
ip -j -d address; next
ip -j -4 route; next
nft -j list table inet "$1" 2>/dev/null; next
[ -r "$2" ] && unshare --net sh -c 'nft -f "$2" && nft -j list table inet "$1"' sh "$1" "$2" 2>/dev/null; next
ss -Htln; next
[ -z "$3" ] || nft -j list table inet "$3" 2>/dev/null; next
[ -r "$2" ] && echo yes
true`;

export async function readNetworkState(host: HostReader): Promise<NetworkInForce> {
  const manifest = readCurrentManifest(host.files);
  const [own, networks, observed] = await Promise.all([
    readNamespace(host, null, {
      table: 'ibq_host',
      loaded: HOST_RULES_LOADED,
      forwards: 'netavark',
    }),
    readPodmanNetworks(host),
    observeInstances(host, manifest?.instances ?? {}),
  ]);
  return {
    host: own.state,
    forwards: own.forwards,
    forwarding: host.files.readText('/proc/sys/net/ipv4/ip_forward')?.trim() === '1',
    networks,
    wantedNetworks: manifest?.networks ?? [],
    instances: await Promise.all(observed.map((it) => readInstance(host, it))),
  };
}

async function readInstance(host: HostReader, observation: Observation): Promise<InstanceState> {
  const { name, instance, running, unit, probe, apis, pendingRestart } = observation;
  const runs = running !== null && (unit.active === 'active' || unit.active === 'deactivating');
  const own = runs && !sharesHostNetwork(host.files, running.pid);
  const read = own
    ? await readNamespace(host, running.pid, {
        table: 'ibq',
        loaded: `${RUNNING}/${name}/guard.nft`,
        forwards: null,
      })
    : null;
  return {
    name,
    unit: unit.active,
    container: running?.container ?? null,
    pid: running?.pid ?? null,
    pendingRestart,
    api: probe?.state ?? null,
    publish: instance.publish,
    lan: instance.lan?.address ?? null,
    relayPort: instance.relayPort,
    sideServices: sidesOf(instance).map((side) => ({
      ...side,
      api: apis.find(({ service }) => service === side.service)?.probe?.state ?? null,
    })),
    sharesHost: runs && !own,
    namespace: read?.state ?? null,
  };
}

/** @param pid a process in the namespace; null: the host's own */
async function readNamespace(
  host: HostReader,
  pid: number | null,
  ask: { table: string; loaded: string; forwards: string | null },
): Promise<{ state: NamespaceState; forwards: NetworkInForce['forwards'] }> {
  const enter = pid === null ? [] : ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
  const script = ['sh', '-c', QUESTIONS, 'sh', ask.table, ask.loaded, ask.forwards ?? ''];
  const [program = 'sh', ...rest] = [...enter, ...script];
  const result = await host.run([program, ...rest], { timeoutMs: 20_000 });
  const answers = result.stdout.split(SEPARATOR);
  const json = (index: number) => parseJson(answers[index] ?? '');
  const live = json(2);
  const noted = answers[6]?.trim() === 'yes';
  return {
    state: {
      links: listOf(json(0)).map(parseLink),
      routes: listOf(json(1)).map(parseRoute),
      rules: parseRules(live),
      loadedRules: parseRules(json(3)),
      rulesState: compareRules(live, json(3), noted),
      listens: parseListens(answers[4] ?? ''),
    },
    forwards: parseRules(json(5)),
  };
}

/** @param noted ibq wrote down what it loaded */
function compareRules(live: unknown, loaded: unknown, noted: boolean): RulesWord {
  // Not even its own note can be listed: this nft has no JSON, or the note is no rules.
  if (noted && loaded === undefined) return 'unknown';
  if (live === undefined) return 'missing';
  if (!noted) return 'unknown';
  return sameRules(live, loaded) ? 'in-force' : 'changed';
}

/** `ip -j -d address` (iproute2); `link` is the parent's name where that is in the same namespace. */
function parseLink(link: unknown): LinkState {
  const flags = listOf(field(link, 'flags'));
  const state: LinkWord = !flags.includes('UP')
    ? 'down'
    : flags.includes('LOWER_UP')
      ? 'up'
      : 'no-carrier';
  return {
    name: String(field(link, 'ifname')),
    kind: textOf(field(link, 'linkinfo', 'info_kind')),
    parent: textOf(field(link, 'link')),
    state,
    mac: textOf(field(link, 'address')),
    addresses: listOf(field(link, 'addr_info'))
      .filter((it) => field(it, 'family') === 'inet')
      .map((it) => `${field(it, 'local')}/${field(it, 'prefixlen')}`),
  };
}

function parseRoute(route: unknown): RouteState {
  return {
    destination: String(field(route, 'dst')),
    gateway: textOf(field(route, 'gateway')),
    interface: String(field(route, 'dev')),
    metric: Number(field(route, 'metric') ?? 0),
  };
}

/** `ss -Htln`: state, queues, local address, peer. An interface (`127.0.0.1%lo:53`) says nothing here. */
function parseListens(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.split(/\s+/)[3] ?? '')
    .filter((address) => address !== '')
    .map((address) => address.replace(/%[^:]+/, ''));
}

/** Another podman may hold its locks, for ever. */
const PODMAN_MS = 15_000;

/** ibq's own, as Podman knows them. @throws UserError where it does not tell: the picture would lack the LAN */
async function readPodmanNetworks(host: HostReader): Promise<PodmanNetwork[]> {
  const names = definedNetworks(host.files);
  if (names.length === 0) return [];
  const argv = ['podman', 'network', 'inspect', ...names] as const;
  const result = await host.run(argv, { timeoutMs: PODMAN_MS });
  requireDone(result, 'podman network inspect');
  return listOf(parseJson(result.stdout)).map((network) => {
    const subnet = listOf(field(network, 'subnets'))[0];
    const first = parseIpv4(textOf(field(subnet, 'lease_range', 'start_ip')) ?? '');
    const last = parseIpv4(textOf(field(subnet, 'lease_range', 'end_ip')) ?? '');
    return {
      name: String(field(network, 'name')),
      driver: String(field(network, 'driver')),
      mode: textOf(field(network, 'options', 'mode')),
      interface: String(field(network, 'network_interface')),
      subnet: String(field(subnet, 'subnet')),
      gateway: textOf(field(subnet, 'gateway')),
      range: first !== null && last !== null ? { first: firstOf(first, last), last } : null,
      attached: Object.entries(field(network, 'containers') ?? {}).flatMap(([id, container]) =>
        Object.keys(field(container, 'interfaces') ?? {}).map((name) => `${id}/${name}`),
      ),
    };
  });
}

/** Podman keeps the first address of an IPRange for nobody; ibq gives it to an instance as well. */
function firstOf(first: Ipv4, last: Ipv4): Ipv4 {
  const before = ipv4ToNumber(first) - 1;
  const isWhole = cidrsBetween(before, ipv4ToNumber(last)).length === 1;
  return isWhole ? ipv4FromNumber(before) : first;
}
