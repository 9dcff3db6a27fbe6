/** What somebody typed that is no TOML → the line, a caret and the fix. */

import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/errors.ts';

function refusal(text: string): string[] {
  const instances = [{ path: '4001.toml', text }];
  try {
    loadConfig({ main: null, pin: null, instances });
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

test.each<[string, string[]]>([
  [
    'mode = live',
    [
      '4001.toml:1: should be TOML: text needs quotes: write mode = "live"',
      '  1 | mode = live',
      '    |        ^',
    ],
  ],
  [
    'user = "me"\nmode = "live',
    [
      '4001.toml:2: should be TOML: the closing quote is missing',
      '  2 | mode = "live',
      '    |        ^',
    ],
  ],
  [
    'auto_restart_time = 11:55 PM # daily',
    [
      '4001.toml:1: should be TOML: text needs quotes: write auto_restart_time = "11:55 PM"',
      '  1 | auto_restart_time = 11:55 PM # daily',
      '    |                           ^',
    ],
  ],
  [
    'user = "me"\n[network]\nvia = "a"\n\n[network]\npublish = true',
    [
      '4001.toml:5: should be TOML: [network] is already at line 2; put its keys there',
      '  5 | [network]',
      '    |  ^',
    ],
  ],
])('%j', (text, expected) => {
  expect(refusal(text)).toEqual(expected);
});

test.each<[string, string]>([
  ['mode = "live"\nuser = "x"\nmode = "paper"', 'mode is already at line 1'],
  ['dns = ["10.0.0.7"', 'the closing "]" is missing'],
  ['environment = { A = "x"', 'the closing "}" is missing'],
  ['user = "a\nmode = "live"\n', 'the closing quote is missing: write user = "a"'],
  ["user = 'a\n", "the closing quote is missing: write user = 'a'"],
  ['mode = "live" user = "u"', 'each KEY = VALUE should have a line of its own'],
  ['mode = "live",', 'no comma belongs here: write mode = "live"'],
  ['environment = { A = "1", B }', 'B should have a value: NAME = "value"'],
  ['volumes = ["/a:/b"\nuser = "x"\n', 'the closing "]" is missing, of the list at line 1'],
  ['volumes = ["/a:/b"\n', 'the closing "]" is missing'],
  ['hosts = { a = "1"\n', 'the closing "}" is missing at line 1'],
  ['user = ', 'a value is missing after the "="'],
  ['user', 'a line should be KEY = VALUE'],
  ['user: me', 'a key and its value have "=" between them: write user = "me"'],
  ['port: 4001', 'a key and its value have "=" between them: write port = 4001'],
  ['user = me@example.com', 'text needs quotes: write user = "me@example.com"'],
  ['read_only_api = yes', 'write read_only_api = true'],
  ['read_only_api = False', 'write read_only_api = false'],
  ['address = 10.0.0.7', 'text needs quotes: write address = "10.0.0.7"'],
  ['port = 04001', 'a number has no zeros before it: write port = 4001'],
  ['port = 4001,', 'no comma belongs here: write port = 4001'],
  [
    'java_heap = 768M',
    'a number has no unit, a text needs quotes: write java_heap = 768, or java_heap = "768M"',
  ],
  ['user = \u201cme\u201d', 'quotes should be straight: write user = "me"'],
  ['dns = [10.0.0.7, "10.0.0.8"]', 'text needs quotes: write "10.0.0.7"'],
  ['dns = [\n  10.0.0.7,\n]', 'text needs quotes: write "10.0.0.7"'],
  ['dns = [\n"10.0.0.7"\n"10.0.0.8"]', 'a comma is missing between two values'],
  ["user = 'it's'", 'nothing may follow the closing quote of a text'],
  ['user = "C:\\Users"', 'a backslash in "…" is written twice, or stands in \'…\' as it is'],
  ['[network\nvia = "x"', 'the "]" is missing: write [network]'],
  ['my user = 1', 'a key is of letters, digits, "_" and "-", got "my user"'],
  ['= 1', 'a key should stand before the "="'],
])('%j is told: %s', (text, fix) => {
  expect(refusal(text)[0]).toMatch(/^4001\.toml:\d+: should be TOML: /);
  expect(refusal(text)[0]?.replace(/^.*?should be TOML: /, '')).toBe(fix);
});

test.each([
  'vnc_password = hunter2',
  'environment = { DB_PASS = hunter2 }',
  'note = https://user:hunter2@example.com/',
])('a line that may hold a secret is not repeated: %s', (text) => {
  expect(refusal(text).join('\n')).not.toContain('hunter2');
  expect(refusal(text)).toHaveLength(1);
});

test('of a long line the part around the place is shown', () => {
  const [, line = '', caret = ''] = refusal(`user = ["${'x '.repeat(200)}", y]`);
  expect(line.length).toBeLessThan(90);
  expect(line[caret.indexOf('^')]).toBe('y');
});
