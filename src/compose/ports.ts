/** Published ports of a service → the port of the API, and those of its screen. */

import type { Instance } from '../config/types.ts';
import { halvesOf, type Profile } from '../images/profile.ts';
import type { PublishedPort, Service } from './document.ts';
import type { Draft } from './draft.ts';

/** @returns the port of the API on the host */
export function readPorts(draft: Draft, profile: Profile, { ports, networkMode }: Service): number {
  const mode = (draft.values.get('mode') ?? 'paper') as Instance['mode'];
  const [first = 'paper', second] = halvesOf(mode);
  const own = Number(draft.values.get('port') ?? 0);
  const known = profile.ports(placeholder(mode, own));
  const rest = [...ports];
  const published = (...inside: (number | null)[]): number | null => {
    const at = rest.findIndex((port) => inside.includes(port.inside) && port.host !== null);
    const [port] = at < 0 ? [] : rest.splice(at, 1);
    if (port) tellAddress(draft, port);
    return port?.host ?? null;
  };
  const api = published(known.api[first], known.gateway[first]);
  const paper = second ? published(known.api[second], known.gateway[second]) : null;
  const port = api ?? (own || known.gateway[first]);
  if (paper !== null && paper !== port + 1) draft.values.set('paper_port', paper);
  for (const [service, offset] of [
    ['vnc', 1900],
    ['rdp', 29_000],
    ['supervisor', 5000],
  ] as const) {
    if (draft.values.get(`${service}.enabled`) !== true) continue;
    const host = published(known[service]);
    if (host !== null && host !== port + offset) draft.values.set(`${service}.port`, host);
  }
  for (const other of rest) {
    draft.left.push({
      what: `port ${portText(other)}`,
      why: whyNot(other, profile, mode, known),
    });
  }
  if (networkMode === 'host' && api === null) draft.values.delete('port');
  return port;
}

function whyNot(
  { inside, host }: PublishedPort,
  { id }: Profile,
  mode: string,
  known: ReturnType<Profile['ports']>,
): string {
  const apis = [known.api, known.gateway].flatMap(({ live, paper }) => [live, paper]);
  if (host === null) return 'has no port of the host';
  if (apis.includes(inside)) return `nothing listens on ${inside} in mode ${mode}`;
  if (inside === known.vnc) return 'VNC is off: no password is given';
  if (inside === known.rdp || inside === known.supervisor) return 'is not switched on';
  return `images of profile ${id} do not listen on ${inside}`;
}

/** The API has no password: ibq opens it to those alone who are named. */
function tellAddress(draft: Draft, port: PublishedPort): void {
  const { address } = port;
  if (address?.startsWith('127.')) return;
  const where = address === null || address === '0.0.0.0' ? 'every address of the host' : address;
  draft.left.push({
    what: `port ${portText(port)}`,
    why: `was open on ${where}; ibq publishes on 127.0.0.1. For clients of the network set publish.address and network.allow`,
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
