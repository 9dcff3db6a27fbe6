/** What ibq reads of a Compose file, in each form that Compose allows. */

import { describe, expect, test } from 'vitest';
import { readCompose } from '../../src/compose/document.ts';

const readAll = (
  texts: readonly string[],
  variables: string | null = null,
  files: Record<string, string> = {},
) =>
  readCompose({
    texts,
    directory: '/srv/ib',
    home: '/home/me',
    variables,
    environment: {},
    readFile: (path) => files[path.replace('/srv/ib/', '')] ?? null,
  });
const read = (text: string, variables: string | null = null, files: Record<string, string> = {}) =>
  readAll([text], variables, files);
const service = (yaml: string, variables: string | null = null, files = {}) => {
  const indented = yaml.replace(/^/gm, '    ');
  const [first] = read(`services:\n  gw:\n${indented}`, variables, files).services;
  if (!first) throw new Error('no service');
  return first;
};

describe('environment', () => {
  test.each([
    ['a mapping', 'environment:\n  A: 1\n  B: "yes"\n  C:\n', { A: '1', B: 'yes' }],
    ['a list', 'environment:\n  - A=1\n  - B=x=y\n  - C\n', { A: '1', B: 'x=y' }],
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
    ['./x:/y:ro', { source: '/srv/ib/x', target: '/y', options: 'ro' }],
    ['data:/y', { source: 'data', target: '/y', options: '' }],
    ['/y', { source: '', target: '/y', options: '' }],
    ['{ source: a, target: /y, read_only: true }', { source: 'a', target: '/y', options: 'ro' }],
  ])('%s', (volume, expected) => {
    expect(service(`volumes:\n  - ${volume}\n`).mounts).toEqual([expected]);
  });
});

test('names of networks outside of the file', () => {
  const { networks } = read(
    'services: { gw: {} }\nnetworks: { a: , b: { name: real }, c: { external: true }, d: { external: { name: old } } }',
  );
  const outside = [...networks].map(([name, it]) => [name, it.outside]);
  expect(Object.fromEntries(outside)).toEqual({ a: null, b: 'real', c: 'c', d: 'old' });
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
    ['services: {}', /^should have a table "services"/],
    ['services: { gw: 1 }', /^services\.gw should be a table/],
    ['services: { a: {} }\n---\nservices: { b: {} }', /^should be one YAML document, has 2/],
    [`services: ${'['.repeat(20_000)}`, /nested less deep/],
    ['services: { gw: &x { a: *x } }', /YAML/],
    ['services:\n  gw: {}\n  gw: {}', /keys of a table should be unique, line 3 repeats one/],
    ['include: [none.yml]\nservices: { gw: {} }', /^include: \/srv\/ib\/none\.yml should be there/],
  ])('%.40j', (text, message) => {
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
    expect(() => read(bomb)).toThrow(/aliases/);
    expect(() => read(`${bomb}\nservices: { gw: { labels: *i } }`)).toThrow(/aliases/);
  });
});

test('one anchor may be used as often as somebody likes', () => {
  const services = Array.from({ length: 150 }, (_, n) => `  s${n}: { <<: *common }\n`).join('');
  const { services: found } = read(`x-c: &common { image: one }\nservices:\n${services}`);
  expect(found).toHaveLength(150);
  expect(found.at(-1)?.image).toBe('one');
});

describe('what is wrong with a service is that service’s', () => {
  test.each<[string, string[], string[]]>([
    [`image: "\${X:?give it}"`, ['image: variable X should be set: give it'], []],
    ['env_file: none', ['env_file: /srv/ib/none should be there, is not'], []],
    ['env_file: [{ path: none, required: false }]', [], []],
    ['environment: { A: [1] }', [], ['environment A: should be text, is a list']],
    ['environment: [{ A: { B: 1 } }]', [], ['environment A: should be text, is a table']],
    ['ports: ["x:y"]', [], ['ports: x:y: should be a port such as "127.0.0.1:4001:4003"']],
    [
      'ports: ["::1:8080:80"]',
      [],
      ['ports: ::1:8080:80: should be a port such as "127.0.0.1:4001:4003"'],
    ],
    ['ports: [":80"]', [], []],
    ['ports: ["127.0.0.1::4004"]', [], []],
    ['ports: ["localhost:4002:4004"]', [], []],
    [
      'ports: ["4002:4004/udp"]',
      [],
      ['ports: 4002:4004/udp: is not TCP, which the API and the screens are'],
    ],
    ['ports: ["1-3:1-2"]', [], ['ports: 1-3:1-2: both ranges should be of one length']],
    ['ports: ["70000:1"]', [], ['ports: 70000:1: should have ports from 1 to 65535']],
    ['extends: other', ['extends: there is no service other'], []],
    ['extends: gw', ['extends: gw extends itself'], []],
    [
      'extends: { service: x, file: none.yml }',
      ['extends: /srv/ib/none.yml should be there, is not'],
      [],
    ],
  ])('%s', (yaml, problems, unread) => {
    const found = service(yaml);
    expect(found.problems).toEqual(problems);
    expect(found.unread.map(({ what, why }) => `${what}: ${why}`)).toEqual(unread);
  });

  test('variables without a value are those of the service, through .env and env_file too', () => {
    const text = `services: { a: { image: "\${NONE}" }, b: { image: "$FROM" }, c: { env_file: f } }`;
    const { services } = read(text, 'FROM=pa$word\n', { f: 'X=$other' });
    expect(services.map(({ missing }) => missing)).toEqual([['NONE'], ['word'], ['other']]);
  });
});

test('numbers that JavaScript can’t hold stay as they are written', () => {
  const { environment } = service('environment: { A: 12345678901234567890, B: 4001, C: 1.5 }');
  expect(Object.fromEntries(environment)).toEqual({
    A: '12345678901234567890',
    B: '4001',
    C: '1.5',
  });
});

describe('the first of a range that Docker may choose from', () => {
  test.each(['{ target: 5900, published: "5900-5910" }', '"5900-5910:5900"'])('%s', (port) => {
    expect(service(`ports: [${port}]`).ports).toEqual([
      { address: null, host: 5900, inside: 5900 },
    ]);
  });
});

describe('files over one another', () => {
  const BASE = `services:
  gw:
    image: one
    environment: [TRADING_MODE=paper, A=1]
    ports: ["4002:4004"]
    volumes: ["./a:/data", "b:/other"]
    command: [x]
    networks: [one]
`;

  test('tables are merged, lists added to, places and commands replaced', () => {
    const over = `services:
  gw:
    environment: { TRADING_MODE: live }
    ports: ["4001:4003"]
    volumes: ["/new:/data"]
    command: [y]
    networks: { two: { ipv4_address: 10.0.0.2 } }
`;
    const [gw] = readAll([BASE, over]).services;
    expect(gw?.image).toBe('one');
    expect(Object.fromEntries(gw?.environment ?? [])).toEqual({ TRADING_MODE: 'live', A: '1' });
    expect(gw?.ports.map(({ host }) => host)).toEqual([4002, 4001]);
    expect(gw?.mounts.map(({ source }) => source)).toEqual(['/new', 'b']);
    expect(gw?.others).toEqual({ command: ['y'] });
    expect(gw?.networks.map(({ name, address }) => [name, address])).toEqual([
      ['one', null],
      ['two', '10.0.0.2'],
    ]);
  });

  test('!reset drops, !override replaces', () => {
    const over = `services:
  gw:
    command: !reset []
    ports: !override ["4001:4003"]
    environment: !override
      B: 2
`;
    const [gw] = readAll([BASE, over]).services;
    expect(gw?.others).toEqual({});
    expect(gw?.ports.map(({ host }) => host)).toEqual([4001]);
    expect(Object.fromEntries(gw?.environment ?? [])).toEqual({ B: '2' });
  });

  test('extends takes from a service of this file or another, with paths from there', () => {
    const text = `services:
  base: { image: one, environment: { TRADING_MODE: live, READ_ONLY_API: "no" }, ports: ["4001:4003"] }
  gw: { extends: { service: base }, environment: { TWS_USERID: me } }
  far: { extends: { service: x, file: sub/far.yml } }
`;
    const files = {
      'sub/far.yml': 'services: { x: { image: two, volumes: ["./d:/d"], env_file: e } }',
      'sub/e': 'E=1',
    };
    const [, gw, far] = read(text, null, files).services;
    expect(gw).toMatchObject({ image: 'one', ports: [{ host: 4001 }] });
    expect(Object.fromEntries(gw?.environment ?? [])).toEqual({
      TRADING_MODE: 'live',
      READ_ONLY_API: 'no',
      TWS_USERID: 'me',
    });
    expect(far).toMatchObject({ image: 'two', mounts: [{ source: '/srv/ib/sub/d' }] });
    expect(far?.environment.get('E')).toBe('1');
  });

  test('include brings services of other files, below one’s own', () => {
    const files = { 'sub/more.yml': 'services: { gw: { image: two }, db: { image: three } }' };
    const { services } = read(
      'include: [sub/more.yml]\nservices: { gw: { image: one } }',
      null,
      files,
    );
    expect(services.map(({ name, image }) => [name, image])).toEqual([
      ['gw', 'one'],
      ['db', 'three'],
    ]);
  });
});
