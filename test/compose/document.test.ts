/** What ibq reads of a Compose file, in each form that Compose allows. */

import { describe, expect, test } from 'vitest';
import { readCompose } from '../../src/compose/document.ts';

const read = (text: string, variables: string | null = null, files: Record<string, string> = {}) =>
  readCompose({ text, variables, environment: {}, readFile: (path) => files[path] ?? null });
const service = (yaml: string, variables: string | null = null, files = {}) => {
  const indented = yaml.replace(/^/gm, '    ');
  const [first] = read(`services:\n  gw:\n${indented}`, variables, files).services;
  if (!first) throw new Error('no service');
  return first;
};

describe('environment', () => {
  test.each([
    ['a mapping', 'environment:\n  A: 1\n  B: "yes"\n  C:\n', { A: '1', B: 'yes', C: '' }],
    ['a list', 'environment:\n  - A=1\n  - B=x=y\n  - C\n', { A: '1', B: 'x=y', C: '' }],
    ['a list of mappings', 'environment:\n  - A: 1\n  - B: no\n', { A: '1', B: 'no' }],
    ['none', 'image: x', {}],
  ])('%s', (_title, yaml, expected) => {
    expect(Object.fromEntries(service(yaml).environment)).toEqual(expected);
  });

  test('of files comes first, the service over it, the later file over the earlier', () => {
    const { environment } = service('env_file: [one, two]\nenvironment: { C: own }', null, {
      one: 'A=1\nB=1\nC=1\n',
      two: "B='$A'\n",
    });
    expect(Object.fromEntries(environment)).toEqual({ A: '1', B: '$A', C: 'own' });
  });

  test('has the values of .env, and what those are made of', () => {
    const variables = `USER=me\nexport NAME="\${USER}_paper" # a remark\nRAW='\${USER}'\n`;
    const { environment } = service(`environment: { A: "\${NAME}", B: "\${RAW}" }`, variables);
    expect(Object.fromEntries(environment)).toEqual({ A: 'me_paper', B: `\${USER}` });
  });
});

describe('ports', () => {
  test.each([
    ['"4001:4003"', [{ address: null, host: 4001, inside: 4003 }]],
    ['"127.0.0.1:4001:4003/tcp"', [{ address: '127.0.0.1', host: 4001, inside: 4003 }]],
    ['"4003"', [{ address: null, host: null, inside: 4003 }]],
    [
      '"4001-4002:4003-4004"',
      [
        { address: null, host: 4001, inside: 4003 },
        { address: null, host: 4002, inside: 4004 },
      ],
    ],
    [
      '{ target: 4003, published: "4001", host_ip: 10.0.0.5 }',
      [{ address: '10.0.0.5', host: 4001, inside: 4003 }],
    ],
  ])('%s', (port, expected) => {
    expect(service(`ports:\n  - ${port}\n`).ports).toEqual(expected);
  });
});

describe('volumes', () => {
  test.each([
    ['./x:/y:ro', { source: './x', target: '/y', options: 'ro' }],
    ['data:/y', { source: 'data', target: '/y', options: '' }],
    ['/y', { source: '', target: '/y', options: '' }],
    ['{ source: a, target: /y, read_only: true }', { source: 'a', target: '/y', options: 'ro' }],
  ])('%s', (volume, expected) => {
    expect(service(`volumes:\n  - ${volume}\n`).mounts).toEqual([expected]);
  });
});

test('names of networks outside of the file', () => {
  const { networks } = read(
    'services: { gw: {} }\nnetworks: { a: , b: { name: real }, c: { external: true } }',
  );
  expect(Object.fromEntries(networks)).toEqual({ a: null, b: 'real', c: 'c' });
});

test('anchors and merges are YAML’s', () => {
  const { services } = read(
    'x-common: &common { image: one }\nservices: { a: { <<: *common }, b: { <<: *common, image: two } }',
  );
  expect(services.map(({ image }) => image)).toEqual(['one', 'two']);
});

describe('refuses', () => {
  test.each([
    ['services: [', /^should be YAML: /],
    ['', /^should have a table "services"/],
    ['services: { gw: 1 }', /^services\.gw should be a table/],
    ['services: { gw: { ports: ["x:y"] } }', /^services\.gw\.ports: should be a port such as/],
    ['services: { gw: { ports: ["1-3:1-2"] } }', /^services\.gw\.ports: both ranges/],
    ['services: { gw: { env_file: none } }', /^services\.gw\.env_file: none should be there/],
    [
      'services: { gw: { environment: { A: [1] } } }',
      /^services\.gw\.environment\.A should be text/,
    ],
    [`services: { gw: { image: "\${X:?give it}" } }`, /^variable X should be set: give it/],
  ])('%j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('a file that multiplies itself', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'.split('').map((it, i) => {
        const before = 'abcdefgh'[i];
        return `${it}: &${it} [${Array(9).fill(`*${before}`).join(',')}]`;
      }),
    ].join('\n');
    expect(() => read(bomb)).toThrow(/alias/);
  });
});
