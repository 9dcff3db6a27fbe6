/** Whatever the files hold, the loader returns or throws ConfigError, and soon. */

import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { KEYS } from '../../src/config/schema.ts';
import { ConfigError } from '../../src/errors.ts';

function sources(main: string, pin: string, file: string, instance: string): ConfigSources {
  return {
    main: { path: '/etc/ibq/ibq.toml', text: main },
    pin: { path: '/etc/ibq/network.toml', text: pin },
    instances: [{ path: `/etc/ibq/instances/${file}`, text: instance }],
  };
}

/** The error where there is one; anything but ConfigError fails the test. */
function outcome(texts: ConfigSources, env: Record<string, string> = {}): ConfigError | null {
  try {
    loadConfig(texts, env);
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** No message may act on the terminal that shows it. */
function expectHarmless(error: ConfigError | null): void {
  for (const line of (error?.message ?? '').split('\n')) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    expect(line.length).toBeLessThan(1000);
  }
  // One problem, one line; of a syntax error also the line that is meant, and a caret.
  const lines = (error?.problems ?? []).map(({ excerpt = [] }) => 1 + excerpt.length);
  expect(lines.every((count) => count === 1 || count === 3)).toBe(true);
  expect((error?.message ?? '').split('\n').length).toBeLessThanOrEqual(
    Math.max(
      1,
      lines.reduce((sum, count) => sum + count, 0),
    ),
  );
}

const MIB = 1024 * 1024;

describe.each([
  ['10 MB of comment', `# ${'x'.repeat(10 * MIB)}`],
  ['10 MB of a key', `${'x'.repeat(10 * MIB)} = 1`],
  ['1 MB of a key', `${'x'.repeat(MIB - 10)} = 1`],
  ['1 MB of text', `user = "${'x'.repeat(MIB - 20)}"`],
  ['1 MB of an image', `[image]\nreference = "${'a/'.repeat(MIB / 2 - 20)}"`],
  ['100 000 unknown keys', Array.from({ length: 100_000 }, (_, i) => `k${i}=1`).join('\n')],
  ['deep arrays', `user = ${'['.repeat(100_000)}`],
  ['deep tables', `user = ${'{a='.repeat(100_000)}`],
  ['deep keys', `${'a.'.repeat(100_000)}a = 1`],
  ['deep headers', `[${'a.'.repeat(100_000)}a]`],
  ['prototype keys', '__proto__.mode = "live"\nconstructor.prototype.x = 1\nhasOwnProperty = 1'],
  ['a prototype table', '[__proto__]\nmode = "live"\n[constructor]\n[toString]'],
  ['escape sequences in a key', '"\\u001b[2J\\u001b]0;x\\u0007" = 1'],
  ['direction overrides', 'mode = "\\u202epilc"'],
  ['lone surrogates', 'mode = "\\ud800"'],
  [
    'every kind of value',
    'user = 1979-05-27T07:32:00Z\nport = nan\nmode = [1, {}]\nmemory = -1\njava_heap = 9223372036854775807',
  ],
  ['a huge integer', 'port = 99999999999999999999999999'],
  ['a carriage return', 'mode = "live"\rmemory = 1'],
  ['a redefinition', '[image]\n[image]\n'],
  ['an unclosed string', 'user = "x'],
  ['NUL', 'user = "\u0000"'],
  ['bytes that are not UTF-8', 'user = "\ufffd"'],
])('%s', (_title, text) => {
  test.each(['ibq.toml', 'network.toml', '4001.toml'])('in %s is refused in words', (file) => {
    const error = outcome(
      sources(
        file === 'ibq.toml' ? text : '',
        file === 'network.toml' ? text : '',
        '4001.toml',
        file === '4001.toml' ? text : '',
      ),
    );
    expect(error).toBeInstanceOf(ConfigError);
    expectHarmless(error);
  });
});

test.each([
  '.toml',
  'A.toml',
  '-x.toml',
  'a-b.toml',
  'ü.toml',
  `${'a'.repeat(32)}.toml`,
  'a b.toml',
  'a\n.toml',
  '\u001b[2J.toml',
  '%i.toml',
  '4001.toml.toml',
  '__proto__.toml',
])('the file name %j is refused', (file) => {
  const error = outcome(sources('', '', file, 'port = 4001'));
  expect(error?.problems).toHaveLength(1);
  expectHarmless(error);
});

test.each(['constructor', 'tostring', 'valueof'])('the name %s is a name like others', (name) => {
  expect(outcome(sources('', '', `${name}.toml`, 'port = 4001'))).toBeNull();
});

test('a variable named __proto__ is passed on like others', () => {
  const text = 'environment = { __proto__ = "x", constructor = "y" }';
  const { config } = loadConfig(sources('', '', '4001.toml', text));
  expect(Object.entries(config.instances[0]?.environment ?? {})).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('any text that a variable can hold comes through as it is', () => {
  const text = fc.string({ unit: 'binary' }).filter((s) => !/[\0\p{Cs}\ufffd]/u.test(s));
  fc.assert(
    fc.property(text, (value) => {
      const toml = stringify({ environment: { VALUE: value } });
      const { config } = loadConfig(sources('', '', '4001.toml', toml));
      expect(config.instances[0]?.environment.VALUE).toBe(value);
    }),
  );
});

test('no text makes the loader fail otherwise', () => {
  const pieces = fc.constantFrom(
    '[',
    ']',
    '=',
    '"',
    "'",
    '\n',
    '.',
    '{',
    '}',
    ',',
    '#',
    '\\',
    '[network]',
    '[[image]]',
    'mode = ',
    '__proto__',
    '"""',
    '\u0000',
    '\ufeff',
  );
  const text = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 8 })), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(text, text, fc.string({ unit: 'binary' }), text, (main, pin, file, instance) => {
      expectHarmless(
        outcome(sources(main.join(''), pin.join(''), `${file}.toml`, instance.join(''))),
      );
    }),
    { numRuns: 500 },
  );
});

test('no value of any key makes the loader fail otherwise', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'binary' }).filter((s) => !/\p{Cs}/u.test(s)),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') }),
    fc.constantFrom(
      '10.0.0.0/24',
      '10.0.0.1',
      '255.255.255.255/32',
      '0.0.0.0/0',
      'eth1',
      'dual',
      'lan',
    ),
  );
  const value = fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc.dictionary(fc.string(), leaf, { maxKeys: 3 }),
  );
  const names = [...KEYS.keys()].map((id) => id.slice(id.indexOf('.') + 1));
  const key = fc.oneof(fc.constantFrom(...names, '__proto__', 'constructor'), fc.string());
  const table = fc.dictionary(key, value, { maxKeys: 6 });
  const main = fc.record({ network: table, image: table, publish: table, defaults: table });
  const env = fc.record({
    NETWORK_SUBNET: fc.string(),
    NETWORK_GATEWAY: fc.constantFrom('', '10.0.0.1', 'x'),
  });
  fc.assert(
    fc.property(
      main,
      fc.record({ network: table }),
      table,
      env,
      (host, pin, instance, overrides) => {
        const texts = sources(stringify(host), stringify(pin), '4001.toml', stringify(instance));
        expectHarmless(outcome(texts, overrides));
      },
    ),
    { numRuns: 500 },
  );
});

test('1000 instances load', () => {
  const text =
    'mode = "live"\nuser = "user1"\nread_only_api = false\nauto_restart_time = "11:55 PM"\n' +
    'time_zone = "America/New_York"\njava_heap = 1024\n[environment]\nLANG = "C.UTF-8"\n';
  const instances = Array.from({ length: 1000 }, (_, i) => ({
    path: `/etc/ibq/instances/${4001 + i}.toml`,
    text,
  }));
  const { config } = loadConfig({ main: null, pin: null, instances });
  expect(config.instances).toHaveLength(1000);
});
