/** The settings of one instance with the place that each comes from. */

import { profileOf } from '../images/index.ts';
import type { ProfileId } from '../images/profile.ts';
import type { Value } from './key-spec.ts';
import { type Effective, type Layer, lookup, type Origin } from './layer.ts';
import { type ConfigSources, type Environment, readSources } from './load.ts';
import { SIDE_PORTS } from './ports.ts';
import { createReport } from './report.ts';
import { KEYS } from './schema.ts';
import { builtIn } from './settings.ts';
import type { Config, Instance, SideService } from './types.ts';

export interface Explained {
  /** Key id; variables are `environment.NAME`, host names `hosts.NAME`. */
  key: string;
  /** `null`: not set. */
  value: Value | null;
  /** `name`: the port is the instance's name. `profile`: the image is the profile's own. `rule`: a port made from the API's. */
  source: Origin | 'name' | 'profile' | 'rule';
  /** The file, or the environment variable; `null` where neither. */
  from: string | null;
}

/** Keys of which each entry is told by itself. */
const ENTRIES: readonly string[] = [
  ...['environment', 'hosts', 'secrets', 'ibc', 'jts', 'custom.variables'],
];

/** @param config of the same sources: they are valid */
export function explainInstance(
  sources: ConfigSources,
  env: Environment,
  config: Config,
  instance: Instance,
): Explained[] {
  const layers = readSources(sources, env, createReport());
  const own = layers.instances.find(({ source }) => source.path === instance.file)?.layer;
  const inOrder = [...(own ? [own] : []), layers.defaults, ...layers.network];
  return [...KEYS.keys()]
    .flatMap((id): Explained | Explained[] => {
      if (ENTRIES.includes(id)) return explainTable(id, inOrder);
      const set = lookup(id, inOrder);
      if (id === 'port' && !set) return fallback(id, instance.port, 'name');
      const byRule = set ? undefined : portByRule(id, instance);
      if (byRule !== undefined) return fallback(id, byRule, 'rule');
      if (id === 'image.reference') return explainImage(instance, set, layers.host);
      // Its default depends on what else is known.
      if (id === 'network.mode' && !set) return fallback(id, config.network.mode, 'built-in');
      if (id === 'network.egress' && !set) return fallback(id, config.network.egress, 'built-in');
      if (set) return { key: id, value: set.value, source: set.origin, from: set.file };
      return fallback(id, builtIn(id), 'built-in');
    })
    .sort((a, b) => tableRank(a.key) - tableRank(b.key));
}

/** A port that is not set and published all the same. */
function portByRule(id: string, { sidePorts }: Instance): number | undefined {
  const found = Object.entries(SIDE_PORTS).find(([, { key }]) => key === id);
  return found && sidePorts[found[0] as SideService];
}

const TABLES = [...new Set([...KEYS.keys()].map(tableOf))];

/** Keys of a table stand together, in the order of the tables; those of none come first. */
function tableRank(key: string): number {
  return tableOf(key) === '' ? -1 : TABLES.indexOf(tableOf(key));
}

function tableOf(key: string): string {
  return key.includes('.') ? key.replace(/\..*$/s, '') : '';
}

function explainImage({ profile, image }: Instance, set: Effective | null, host: Layer): Explained {
  const key = 'image.reference';
  const taken = set !== null && set.value === image;
  // The host's reference holds for the host's profile only.
  const another =
    set?.origin === 'host' &&
    (host.values.get('image.profile') ?? builtIn('image.profile')) !== profile;
  if (taken && !another) return { key, value: image, source: set.origin, from: set.file };
  return fallback(key, profileOf(profile as ProfileId).defaultImage, 'profile');
}

/** Of a table that an instance adds to: each entry by itself. */
function explainTable(id: string, layers: readonly Layer[]): Explained[] {
  const found = new Map<string, Explained>();
  for (const { origin, file, values } of layers) {
    const entries = (values.get(id) ?? {}) as Record<string, Value>;
    for (const [name, value] of Object.entries(entries)) {
      const key = `${id}.${name}`;
      if (!found.has(key)) found.set(key, { key, value, source: origin, from: file });
    }
  }
  return [...found.values()];
}

function fallback(key: string, value: Value | null, source: Explained['source']): Explained {
  return { key, value, source, from: null };
}
