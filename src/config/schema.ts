/**
 * Every key of the configuration, as data: which tables may stand in which file, and the keys in them.
 * From these come validation, the suggestions for mistyped keys, the example that `ibq init` writes,
 * the JSON schemas for editors and the reference in docs/configuration.md (`scripts/schemas.mjs`
 * writes the last two).
 */

import { IMAGE, NETWORK, PUBLISH } from './host-keys.ts';
import { INSTANCE_TABLES } from './instance-keys.ts';
import type { KeySpec, TableSpec } from './key-spec.ts';

const IMAGE_TABLE: TableSpec = {
  name: 'image',
  description: 'The container image. An instance file may have a table of this name too.',
  keys: IMAGE,
};

const NETWORK_TABLE: TableSpec = {
  name: 'network',
  description:
    'How instances are reached. What is not set here comes from network.toml, which ' +
    '`ibq network detect --write` writes.',
  keys: NETWORK,
};

/** `[defaults]`, `[defaults.vnc]` and so on: what instances may share. */
const DEFAULTS: readonly TableSpec[] = INSTANCE_TABLES.map(({ name, description, keys }) => ({
  name: name === '' ? 'defaults' : `defaults.${name}`,
  description:
    name === ''
      ? 'The keys of an instance, for all instances that do not set them themselves.'
      : description,
  keys: keys.filter((key) => !key.ownOnly),
})).filter(({ keys }) => keys.length > 0);

export type FileKind = 'ibq' | 'network' | 'instance';

/** What may stand in each of the three kinds of file. `''` is the top level of a file. */
export const FILES: Readonly<Record<FileKind, readonly TableSpec[]>> = {
  ibq: [
    IMAGE_TABLE,
    NETWORK_TABLE,
    { name: 'publish', description: 'Where the API ports are published.', keys: PUBLISH },
    ...DEFAULTS,
  ],
  network: [{ ...NETWORK_TABLE, keys: NETWORK.filter((key) => key.name !== 'allow') }],
  instance: [...INSTANCE_TABLES, IMAGE_TABLE],
};

/**
 * Every key by its id: `network.mode`, `image.profile`, `publish.address`; those of an instance are
 * `time_zone`, `vnc.port`, wherever they stand.
 */
export const KEYS: ReadonlyMap<string, KeySpec> = new Map(
  [...FILES.ibq, ...FILES.instance].flatMap((table) =>
    table.keys.map((key) => [keyId(table.name, key.name), key] as const),
  ),
);

/** Ids of the keys of an instance, in their order. */
export const INSTANCE_KEYS: readonly string[] = INSTANCE_TABLES.flatMap((table) =>
  table.keys.map((key) => keyId(table.name, key.name)),
);

/** Id of a key that stands in a table. */
export function keyId(table: string, name: string): string {
  const own = table.replace(/^defaults(?:\.|$)/, '');
  return own === '' ? name : `${own}.${name}`;
}
