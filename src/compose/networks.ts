/** Networks of a service: macvlan becomes ibq's LAN, another container's network `network.via`; the rest is told. */

import {
  cidrContains,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  makeCidr,
  networkOf,
  parseCidr,
  parseIpv4,
  prefixOf,
} from '../network/ipv4.ts';
import type { ComposeFile, ComposeNetwork } from './document.ts';
import { type Draft, take } from './draft.ts';
import type { ImportOptions } from './import-service.ts';
import type { Service, ServiceNetwork } from './service.ts';

/** A macvlan of the file, as `[network]` of ibq.toml would have it. */
export interface LanWish {
  driver: 'macvlan' | 'ipvlan';
  interface: string;
  subnet: string;
  gateway: string;
  range: string;
  /** Whether it is the only network: ibq's mode is then `lan`, otherwise `dual`. */
  alone: boolean;
}

export function readNetworks(
  draft: Draft,
  file: ComposeFile,
  service: Service,
  options: ImportOptions,
): LanWish | null {
  const { networkMode, networks, name } = service;
  readMode(draft, networkMode, options);
  let lan: LanWish | null = null;
  for (const own of networks) {
    const network = file.networks.get(own.name) ?? null;
    const place = `network ${own.name}`;
    for (const key of own.others.filter((it) => it !== 'priority')) {
      draft.left.push({ what: `${place}: ${key}`, why: 'has no counterpart' });
    }
    if (network !== null && (network.driver === 'macvlan' || network.driver === 'ipvlan')) {
      const wish: LanWish | null = lanOf(
        network,
        own,
        networks.length === 1 && service.ports.length === 0,
      );
      if (own.address !== null)
        take(draft, 'address', own.address, `${place}: ipv4_address ${own.address}`);
      if (wish !== null && lan === null) lan = wish;
      else {
        draft.left.push({
          what: `${place} (${network.driver})`,
          why:
            lan === null
              ? 'should name parent and subnet; "sudo ibq network detect --write" finds those of the LAN'
              : 'an instance has one LAN address',
        });
      }
      if (own.aliases.length > 0)
        draft.left.push({ what: `${place}: aliases`, why: 'a LAN has no names of containers' });
      continue;
    }
    if (own.name === 'default') continue;
    tellBridge(draft, own, network, name);
  }
  return lan;
}

function readMode(draft: Draft, mode: string | null, { exists }: ImportOptions): void {
  if (mode === null || ['host', 'bridge', 'default'].includes(mode)) return;
  const what = `network_mode ${mode}`;
  const [, kind, other = ''] = /^(service|container):(.+)$/.exec(mode) ?? [];
  if (kind === undefined) {
    draft.problems.push(
      mode === 'none'
        ? `${what}: a gateway needs a network to log in`
        : `${what}: should be bridge or host, or service:NAME with a container of Podman's of that name`,
    );
    return;
  }
  const unit = `${other}.container`;
  if (exists(`/etc/containers/systemd/${unit}`)) {
    take(draft, 'network.via', unit, what);
    draft.left.push({
      what,
      why: `is network.via = "${unit}": that container publishes the ports, and holds the way out`,
    });
    return;
  }
  // Without it the gateway would go out past the tunnel that somebody wanted.
  draft.problems.push(
    `${what}: the gateway goes out by ${other} alone, and ibq has no such container; write /etc/containers/systemd/${unit} (docs/networking.md, network.via), then import again`,
  );
}

function tellBridge(
  draft: Draft,
  own: ServiceNetwork,
  network: ComposeNetwork | null,
  service: string,
): void {
  const name = (network?.outside ?? own.name).replace(/[^A-Za-z0-9_-]+/g, '-');
  const names = [service, ...own.aliases].join(', ');
  if (own.address !== null) {
    draft.left.push({
      what: `network ${own.name}: ipv4_address ${own.address}`,
      why: 'is an address of a network of Docker: instances have a bridge of their own',
    });
  }
  if (own.name === 'default') return;
  draft.left.push({
    what: `network ${own.name}${network?.internal ? ' (internal)' : ''}`,
    why:
      `is not joined: it is Docker's. Its containers knew the gateway as ${names}; when they run in Podman, network.join = ["${name}.network"] ` +
      `and network.allow bring both together, and the name is ib-gateway-NAME (docs/import-compose.md)` +
      (network?.internal ? '; without a way out, as there, no login would be possible' : ''),
  });
}

/** What is missing is Docker's own choice: the first address is the gateway, and each address may be given out. */
function lanOf(network: ComposeNetwork, own: ServiceNetwork, alone: boolean): LanWish | null {
  const subnet = parseCidr(network.subnet ?? '');
  const parent = network.parent;
  if (subnet === null || parent === null || prefixOf(subnet) < 8 || prefixOf(subnet) > 30)
    return null;
  const gateway = parseIpv4(network.gateway ?? '') ?? ipv4FromNumber(networkOf(subnet) + 1);
  const range = parseCidr(network.range ?? '') ?? rangeAt(own.address, subnet, gateway);
  if (range === null) return null;
  const driver = network.driver === 'ipvlan' ? 'ipvlan' : 'macvlan';
  return { driver, interface: parent, subnet, gateway, range, alone };
}

/** A small one around the address, without the gateway. */
function rangeAt(
  address: string | null,
  subnet: ReturnType<typeof makeCidr>,
  gateway: Ipv4,
): ReturnType<typeof makeCidr> | null {
  const chosen = parseIpv4(address ?? '');
  const size = Math.max(28, Math.min(30, prefixOf(subnet) + 1));
  const around =
    chosen !== null && cidrContains(subnet, chosen)
      ? ipv4ToNumber(chosen)
      : networkOf(subnet) + 2 ** (32 - prefixOf(subnet)) - 2;
  for (let prefix = size; prefix <= 30; prefix += 1) {
    const step = 2 ** (32 - prefix);
    const range = makeCidr(Math.floor(around / step) * step, prefix);
    if (!cidrContains(range, gateway)) return range;
  }
  return null;
}
