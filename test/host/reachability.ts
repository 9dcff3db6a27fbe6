/** Who reaches what: the table of docs/networking.md, and tries of each of its ways on a booted host. */

import { readFileSync } from 'node:fs';
import { addressOf, containerPid } from './gateways.ts';
import type { TestHost } from './harness.ts';

const prober = readFileSync(new URL('answers.py', import.meta.url), 'utf8');

export const HOST = '10.0.0.5';
/** In `allow`, and beyond the LAN's router. */
export const FAR = '203.0.113.10';
/** The same client by an address that nobody allows. */
export const FAR_OTHER = '203.0.113.11';

export interface Setup {
  mode: 'dual' | 'bridge' | 'lan';
  driver?: 'macvlan' | 'ipvlan';
  egress?: 'host' | 'lan';
  publish?: string;
  hostAccess?: boolean;
  allow?: readonly string[];
}

/** Rows of the table: who tries, and where. */
export const WAYS: Readonly<
  Record<string, { from: string; to: 'published' | 'loopback' | 'lan' }>
> = {
  'host → 127.0.0.1': { from: 'host', to: 'loopback' },
  'host → its LAN address': { from: 'host', to: 'published' },
  'allowed LAN client → host': { from: 'lan1', to: 'published' },
  'other LAN client → host': { from: 'lan2', to: 'published' },
  'allowed client off the LAN → host': { from: `wan1@${FAR}`, to: 'published' },
  'other client off the LAN → host': { from: `wan1@${FAR_OTHER}`, to: 'published' },
  'another instance → host': { from: 'sibling', to: 'published' },
  'host → LAN address': { from: 'host', to: 'lan' },
  'allowed LAN client → LAN address': { from: 'lan1', to: 'lan' },
  'other LAN client → LAN address': { from: 'lan2', to: 'lan' },
  'allowed client off the LAN → LAN address': { from: `wan1@${FAR}`, to: 'lan' },
  'other client off the LAN → LAN address': { from: `wan1@${FAR_OTHER}`, to: 'lan' },
  'another instance → LAN address': { from: 'sibling', to: 'lan' },
};

/** What a way gives: `OK`, `–`, or `shim`: only with `network.host_access`. */
type Cells = Record<string, string>;
export type Table = { column: string; cells: Cells }[];

/** The table of docs/networking.md between its marks, column by column. */
export function readTable(): Table {
  const page = readFileSync(new URL('../../docs/networking.md', import.meta.url), 'utf8');
  const marked = /<!-- reachability -->\n([\s\S]*?)\n<!-- end of reachability -->/.exec(page)?.[1];
  if (marked === undefined) throw new Error('docs/networking.md: its table is gone');
  const rows = marked
    .split('\n')
    .filter((line) => !/^\| ?-/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  const [header = [], ...body] = rows;
  return header.slice(1).map((column, index) => ({
    column,
    cells: Object.fromEntries(body.map(([way = '', ...cells]) => [way, cells[index] ?? ''])),
  }));
}

/** `dual`, `dual 10.0.0.5`, `dual 10.0.0.5 egress lan`. */
export function parseColumn(column: string): Setup {
  const match = /^(dual|bridge|lan)(?: ([\d.]+))?(?: egress (host|lan))?$/.exec(column);
  if (!match) throw new Error(`docs/networking.md: no such column: ${column}`);
  const [, mode, publish, egress] = match;
  return {
    mode: mode as Setup['mode'],
    ...(publish && publish !== '127.0.0.1' ? { publish } : {}),
    ...(egress ? { egress: egress as 'host' | 'lan' } : {}),
  };
}

/** Writes the whole of ibq.toml. */
export async function configure(host: TestHost, setup: Setup): Promise<void> {
  const { mode, driver, egress, publish, hostAccess, allow = ['10.0.0.7', FAR] } = setup;
  const lines = [
    '[network]',
    `mode = "${mode}"`,
    `allow = ${JSON.stringify(allow)}`,
    ...(driver ? [`driver = "${driver}"`] : []),
    ...(egress ? [`egress = "${egress}"`] : []),
    ...(hostAccess ? ['host_access = true'] : []),
    ...(publish ? ['[publish]', `address = "${publish}"`] : []),
    '',
  ];
  await host.writeFile('/etc/ibq/ibq.toml', lines.join('\n'));
}

/** What each way gives, by its name in the table, to the instance 4001; 4002 is the other one. */
export async function reach(host: TestHost, { mode }: Setup): Promise<Record<string, boolean>> {
  const lan = mode === 'bridge' ? null : await addressOf(host, '4001', 'lan0');
  const targets = {
    loopback: '127.0.0.1:4001',
    published: `${HOST}:4001`,
    lan: lan && `${lan}:4003`,
  };
  const tries = Object.entries(WAYS).flatMap(([way, { from, to }]) => {
    const [where = '', source] = from.split('@');
    const target = targets[to];
    const place = where === 'sibling' ? '4002' : where;
    return target === null ? [] : [{ way, place, target: source ? `${target}@${source}` : target }];
  });
  const answered = await answers(host, tries);
  const seen = new Map(tries.map(({ way }, index) => [way, answered[index] === true]));
  return Object.fromEntries(Object.keys(WAYS).map((way) => [way, seen.get(way) === true]));
}

export interface Attempt {
  /** `host`, a neighbour, or an instance: in its network namespace. */
  place: string;
  /** `ADDRESS:PORT[@SOURCE]` */
  target: string;
}

/** Which attempts get an answer to the IB API's handshake; all at once. */
export async function answers(host: TestHost, attempts: readonly Attempt[]): Promise<boolean[]> {
  const words = attempts.map(
    async ({ place, target }) => `${await netnsOf(host, place)}=${target}`,
  );
  return answersFrom(host, await Promise.all(words));
}

/** As `answers`, of network namespaces by their paths on the host: `PATH=ADDRESS:PORT`. */
export async function answersFrom(host: TestHost, attempts: readonly string[]): Promise<boolean[]> {
  // Everything is on one machine: an answer takes milliseconds, on an emulated processor more.
  const seconds = host.suite === 'vm' ? '4' : '1.5';
  const command = ['python3', '-', seconds, ...attempts] as const;
  return JSON.parse(await host.ok(command, { stdin: prober })) as boolean[];
}

async function netnsOf(host: TestHost, place: string): Promise<string> {
  if (place === 'host') return '';
  if (/^(lan|wan)\d$/.test(place)) return `/run/netns/${place}`;
  return `/proc/${await containerPid(host, place)}/ns/net`;
}
