/** Published ports of a service → the port of the API, and those of its screen. */

import type { Instance } from '../config/types.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import type { Draft } from './draft.ts';
import type { PublishedPort, Service } from './service.ts';

/** Ways to the screen and the pages of images that ibq knows. */
const SIDES = ['vnc', 'rdp', 'supervisor'] as const;

/** @param publishAddress of the configuration that is there @returns the port of the API on the host, and whether the file names it */
export function readPorts(
  draft: Draft,
  profile: Profile,
  { ports, networkMode }: Service,
  publishAddress: string,
): { port: number; named: boolean } {
  const mode = (draft.values.get('mode') ?? 'paper') as Instance['mode'];
  const [first = 'paper', second] = halvesOf(mode);
  const own = Number(draft.values.get('port') ?? 0);
  const known = profile.ports(placeholder(mode, own || defaultPort(profile, first)));
  const rest = [...ports];
  const taken: PublishedPort[] = [];
  const published = (screen: boolean, ...inside: (number | null)[]): number | null => {
    const at = rest.findIndex((port) => inside.includes(port.inside) && port.host !== null);
    const [port] = at < 0 ? [] : rest.splice(at, 1);
    if (port === undefined) return null;
    taken.push(port);
    tellAddress(draft, port, screen, publishAddress);
    return port.host;
  };
  const api = published(false, known.api[first], known.gateway[first]);
  const paper = second ? published(false, known.api[second], known.gateway[second]) : null;
  const base = known.gateway[first];
  const port = api ?? (own || (base > 1 ? base : defaultPort(profile, first)));
  if (paper !== null) draft.values.set('paper_port', paper);
  if (second && api !== null && paper === null) {
    draft.left.push({
      what: 'ports',
      why: `the paper API was not published, and is now too: at ${port + 1}, on loopback`,
    });
  }
  for (const service of SIDES) {
    if (draft.values.get(`${service}.enabled`) !== true) continue;
    const host = published(true, known[service]);
    if (host !== null) draft.values.set(`${service}.port`, host);
  }
  for (const other of rest) {
    const twin = taken.find(({ inside }) => inside === other.inside);
    draft.left.push({
      what: `port ${portText(other)}`,
      why:
        twin === undefined
          ? whyNot(other, profile, mode, known)
          : `one address and port alone: it is published as ${portText({ ...twin, address: publishAddress })}`,
    });
  }
  const shared = networkMode === 'host' || profile.networks.every((it) => it === 'host');
  // Who names the instance writes it where the name is another.
  draft.values.delete('port');
  if (!shared && api === null && own === 0) keepFromHost(draft, paper !== null);
  return { port, named: api !== null || own > 0 };
}

/** An API that the file does not publish stays so, where nothing needs it published. */
function keepFromHost(draft: Draft, paper: boolean): void {
  if (draft.values.has('network.via')) return;
  const tunnel = draft.values.has('ssh.targets') ? draft.values.get('ssh.mode') : 'no';
  if (tunnel === 'yes' || tunnel === 'both' || paper) {
    const why = paper ? 'so is that of paper' : 'the tunnel begins there';
    draft.left.push({
      what: 'ports',
      why: `the API was not published, and is now, on the host's loopback: ${why}`,
    });
    return;
  }
  draft.values.set('network.publish', false);
  draft.origins.set('network.publish', 'ports');
  draft.left.push({
    what: 'ports',
    why: 'the API is not published, and stays so (network.publish = false); for programs of this host leave that line out',
  });
}

function defaultPort(profile: Profile, half: 'live' | 'paper'): number {
  if (profile.program === 'tws') return half === 'live' ? 7496 : 7497;
  return half === 'live' ? 4001 : 4002;
}

function whyNot(
  { inside, host }: PublishedPort,
  { id }: Profile,
  mode: string,
  known: ReturnType<Profile['ports']>,
): string {
  const apis = [known.api, known.gateway].flatMap(({ live, paper }) => [live, paper]);
  if (host === null) return 'has no port of the host';
  if (id === 'custom') return 'is neither the API nor VNC of the image: ibq publishes no others';
  if (apis.includes(inside)) return `nothing listens on ${inside} in mode ${mode}`;
  if (inside === known.vnc) return 'VNC is off: no password is given';
  if (inside === known.rdp || inside === known.supervisor) return 'is not switched on';
  return `images of profile ${id} do not listen on ${inside}`;
}

/** The API has no password: ibq opens it to those alone who are named. */
function tellAddress(
  draft: Draft,
  port: PublishedPort,
  screen: boolean,
  publishAddress: string,
): void {
  const { address } = port;
  if (address?.startsWith('127.') || (!screen && address === publishAddress)) return;
  const where = address === null || address === '0.0.0.0' ? 'every address of the host' : address;
  draft.left.push({
    what: `port ${portText(port)}`,
    why: screen
      ? `was open on ${where}; ibq publishes screens on 127.0.0.1: "ibq vnc NAME" tells the way from elsewhere`
      : `was open on ${where}; ibq publishes on ${publishAddress}. For clients of the network set publish.address and network.allow`,
  });
}

function portText({ address, host, inside }: PublishedPort): string {
  return [address, host, inside].filter((part) => part !== null).join(':');
}

/** Ports of most images are the same for all instances; where they are set, they are what the file says. */
function placeholder(mode: Instance['mode'], port: number): Instance {
  return {
    mode,
    port,
    sidePorts: {},
    settings: { custom: {}, vnc: {}, rdp: {}, supervisor: {} },
  } as unknown as Instance;
}
