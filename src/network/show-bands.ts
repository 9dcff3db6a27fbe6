/** Instances in bands that share their networks and their sources, as a picture shows them. */

import type { NetworkShow, ShownInstance, ShownNetwork } from './show.ts';
import { type Path, pathsOf, type Source } from './show-paths.ts';

/** Instances with the same networks and the same sources. */
export interface Band {
  bridge: ShownNetwork | null;
  lan: ShownNetwork | null;
  /** A row's paths come from them in this order. */
  sources: Source[];
  rows: { instance: ShownInstance; paths: Path[] }[];
}

/** Instances that nothing connects now are in none. */
export function bandsOf(show: NetworkShow): Band[] {
  const network = (name: string | null | undefined) =>
    show.networks.find((it) => it.name === name) ?? null;
  const bands = new Map<string, Band>();
  for (const instance of show.instances) {
    if (!isConnected(instance)) continue;
    const paths = pathsOf(show, instance, network(instance.lan?.network));
    const sources = paths.map(({ source }) => source);
    const key = JSON.stringify([
      ...[instance.sharesHost, instance.bridge?.network, instance.lan?.network],
      ...sources.map(({ where, title, words }) => [where, title, words]),
    ]);
    const band = bands.get(key) ?? {
      bridge: network(instance.bridge?.network),
      lan: network(instance.lan?.network),
      sources,
      rows: [],
    };
    band.rows.push({ instance, paths });
    bands.set(key, band);
  }
  return [...bands.values(), ...unused(show, [...bands.values()])];
}

export function isConnected({ bridge, lan, attached, sharesHost }: ShownInstance): boolean {
  return bridge !== null || lan !== null || attached.length > 0 || sharesHost;
}

/** Who reaches what, a sentence an instance, for those who can't see the picture. */
export function describePaths({ instances }: NetworkShow, bands: readonly Band[]): string[] {
  const rows = bands.flatMap((band) => band.rows);
  return instances.map(({ name, state }) => {
    const paths = rows.find(({ instance }) => instance.name === name)?.paths ?? [];
    const words = paths.map(({ source, state: how, target }) => {
      const who = [source.title, ...source.words].join(', ');
      return `${who}: ${how}${target ? ` at ${target}` : ''}`;
    });
    return `${name}, ${state}: ${words.join('; ') || 'without a network now'}.`;
  });
}

/** Networks that nobody is attached to. */
function unused({ networks }: NetworkShow, bands: readonly Band[]): Band[] {
  const free = networks.filter(
    (it) => !bands.some(({ bridge, lan }) => bridge === it || lan === it),
  );
  const bridges = free.filter(({ kind }) => kind === 'publish');
  const lans = free.filter(({ kind }) => kind === 'lan');
  return Array.from({ length: Math.max(bridges.length, lans.length) }, (_, index) => ({
    bridge: bridges[index] ?? null,
    lan: lans[index] ?? null,
    sources: [],
    rows: [],
  }));
}
