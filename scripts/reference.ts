/** Table of keys → JSON schemas for editors, the key tables of docs/configuration.md, the pages of the images. Pure. */

import { FORMATS } from '../src/config/formats.ts';
import type { KeySpec, TableSpec, ValueType } from '../src/config/key-spec.ts';
import { FILES, type FileKind } from '../src/config/schema.ts';
import { renderValue } from '../src/config/write.ts';
import { fillImageTable, imagePages } from './image-pages.ts';

const TITLES: Readonly<Record<FileKind, string>> = {
  ibq: 'ibq.toml: the host',
  network: 'network.toml: the pinned network',
  instance: 'instances/NAME.toml: one instance',
};

/** Pages that are written by hand but for what stands between their markers, as they are. */
export interface Pages {
  /** docs/configuration.md. */
  configuration: string;
  /** docs/images.md. */
  images: string;
}

/** @returns path → text */
export function generatedFiles(pages: Pages): Map<string, string> {
  const files = imagePages();
  for (const kind of Object.keys(TITLES) as FileKind[]) {
    files.set(`docs/schema/${kind}.schema.json`, formatJson(jsonSchema(kind)));
  }
  files.set('docs/configuration.md', fillPage(pages.configuration));
  files.set('docs/images.md', fillImageTable(pages.images));
  return files;
}

/** Of the project's formatter. */
const LINE_WIDTH = 100;

/** As the project's formatter wants it: short lists on one line. */
function formatJson(value: object): string {
  const text = JSON.stringify(value, null, 2)
    .replace(/^(.*)\[\n\s+([^[\]{}]*?)\n\s+\]/gm, (whole, before: string, items: string) => {
      const line = `${before}[${items.split(/,\n\s+/).join(', ')}]`;
      return line.length < LINE_WIDTH ? line : whole;
    })
    .replace(/\[\n\s+(\[[^\n]*\])\n\s+\]/g, '[$1]');
  return `${text}\n`;
}

/** Draft 7: what editors of TOML understand. */
export function jsonSchema(kind: FileKind): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: TITLES[kind],
    ...tableSchema(FILES[kind], ''),
  };
}

/** A table with those in it. */
function tableSchema(tables: readonly TableSpec[], path: string): object {
  const here = tables.find((table) => table.name === path);
  const inner = tables.filter(
    ({ name }) => name !== '' && name.slice(0, Math.max(0, name.lastIndexOf('.'))) === path,
  );
  return {
    type: 'object',
    ...(here && path !== '' ? { description: here.description } : {}),
    additionalProperties: false,
    properties: {
      ...(here ? properties(here) : {}),
      ...Object.fromEntries(
        inner.map(({ name }) => [name.slice(name.lastIndexOf('.') + 1), tableSchema(tables, name)]),
      ),
    },
  };
}

function properties(table: TableSpec): object {
  return Object.fromEntries(
    table.keys.map((key) => [
      key.name,
      {
        ...typeSchema(key.type),
        description: describe(key),
        ...(key.default === null ? {} : { default: key.default }),
        examples: [key.example],
      },
    ]),
  );
}

/** What a line of a properties file may be written as. */
const LINE_TYPES = ['string', 'number', 'boolean'].map((type) => ({ type }));

function typeSchema(type: ValueType): object {
  switch (type.kind) {
    case 'choice':
      return { enum: type.values };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', minimum: type.minimum, maximum: type.maximum };
    case 'number':
      return { type: 'number', minimum: type.minimum, maximum: type.maximum };
    case 'properties':
      return { type: 'object', additionalProperties: { anyOf: LINE_TYPES } };
    case 'sections':
      return { type: 'object', additionalProperties: typeSchema({ kind: 'properties' }) };
    case 'text':
      return { type: 'string', pattern: FORMATS[type.format].pattern };
    case 'list':
      return { type: 'array', items: typeSchema({ kind: 'text', format: type.format }) };
    case 'hosts':
      return {
        type: 'object',
        additionalProperties: typeSchema({ kind: 'text', format: 'address' }),
      };
    case 'variables':
      return {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        additionalProperties: { type: 'string' },
      };
  }
}

function fillPage(page: string): string {
  // `network` is the host's; that of an instance has its own name here.
  const own = FILES.instance.map((table) => ({ ...table, name: `instance.${table.name}` }));
  const tables = [...FILES.ibq, ...own];
  return page.replace(
    /(<!-- keys: ([\w.]+) -->\n).*?(<!-- end of keys -->)/gs,
    (_all, start: string, name: string, end: string) => {
      const table = tables.find((each) => each.name === (name === 'instance' ? 'instance.' : name));
      if (table === undefined) throw new Error(`docs/configuration.md: no table ${name}`);
      return `${start}${keyTable(table)}${end}`;
    },
  );
}

function keyTable(table: TableSpec): string {
  const rows = table.keys.map((key) => {
    const preset = key.default === null ? 'not set' : `\`${renderValue(key.default)}\``;
    return `| \`${key.name}\` | ${legal(key.type)} | ${preset} | ${describe(key)} |`;
  });
  const head = ['| key | value | default | what it does |', '| --- | --- | --- | --- |'];
  return `${[...head, ...rows].join('\n')}\n`;
}

function legal(type: ValueType): string {
  switch (type.kind) {
    case 'choice':
      return type.values.map((value) => `\`"${value}"\``).join(', ');
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
    case 'number':
      return type.should;
    case 'properties':
      return '`{ Name = "value" }`';
    case 'sections':
      return '`{ Section = { Name = "value" } }`';
    case 'text':
      return FORMATS[type.format].should;
    case 'list':
      return `list of: ${FORMATS[type.format].should}`;
    case 'hosts':
      return '`{ name = "address" }`';
    case 'variables':
      return '`{ NAME = "value" }`';
  }
}

function describe({ description, unset }: KeySpec): string {
  return unset === undefined ? description : `${description} Not set: ${unset}.`;
}
